"""Lists of exchanges, newest first. Time is walked backwards in growing windows until the page is full, so that the
newest fifty of ten million cost what an hour costs, and a rare word costs no more than it must.
"""

from __future__ import annotations

import base64
import binascii
import struct
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from homeostat.records.exchange import Exchange
from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import rows
from homeostat.store.warehouse.questions.bound import WINDOW, Bound, moment
from homeostat.store.warehouse.questions.fields import ANSWER
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.refused import Refused

Which = Literal["answer", "call", "all"]
Key = tuple[int, str, str]
KINDS: Final[dict[Which, str]] = {"answer": ANSWER, "call": "is_call", "all": "true"}
MAX_LIMIT: Final = 1000
_FIRST: Final = 15_000_000
_HOUR: Final = 3_600_000_000
#: Read in the order of the page, FINAL merges parts that have nothing in common; windows are short enough to sort.
_SORTED: Final = " SETTINGS optimize_read_in_order = 0"
#: To share a little among threads costs more than to do it.
_ALONE: Final = ", max_threads = 1"
_LONGEST: Final = 64 * 24 * _HOUR
_LONGEST_RARE: Final = 4 * 24 * _HOUR
_KEYS: Final = "toUnixTimestamp64Micro(at) AS at_us, lower(hex(trace_id)) AS trace_hex, lower(hex(span_id)) AS span_hex"
_CURSOR: Final = struct.Struct(">q16s8s")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of exchanges: everything after it is older."""

    at: int
    trace_id: str
    span_id: str

    def __str__(self) -> str:
        packed = _CURSOR.pack(self.at, bytes.fromhex(self.trace_id), bytes.fromhex(self.span_id))
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Place:
        """A cursor as it was handed out."""
        try:
            at, trace, span = _CURSOR.unpack(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        except (binascii.Error, struct.error, ValueError):
            raise Refused("This cursor was not made here.", hint="Pass `next` of the last page unchanged.") from None
        return cls(at, trace.hex(), span.hex())


@dataclass(frozen=True, slots=True)
class Ask:
    """Which exchanges, of which time, how many."""

    project: str
    now: datetime
    filters: Filters = field(default_factory=Filters)
    kind: Which = "answer"
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: Place | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Exchanges, newest first; `next` is where older ones begin, None when there are none."""

    items: Sequence[Exchange]
    next: Place | None


def page(warehouse: Warehouse, ask: Ask, *, seconds: float = 20.0) -> Page:
    """One page. When the time is up, what was found so far, and where to go on."""
    bound = Bound(ask.project, ask.now)
    sql = _keys_sql(ask, bound)
    found: list[Place] = []
    ends = time.monotonic() + seconds
    floor, high = _span(warehouse, ask)
    # Whole texts are costly to begin with, whatever the window; where much arrives, seconds are already plenty.
    length = _HOUR if ask.filters.rare else _FIRST
    while high > floor:
        low = max(floor, high - length)
        bound.between(low, high)
        bound.values["wanted"] = ask.limit + 1 - len(found)
        threads = _ALONE if length < _HOUR else ""
        told = warehouse.ask(sql + _SORTED + threads, bound.values)
        more = [Place(row["at_us"], row["trace_hex"], row["span_hex"]) for row in told]
        found += more
        if len(found) > ask.limit:
            return Page(_read(warehouse, ask, found[: ask.limit]), found[ask.limit - 1])
        if low > floor and time.monotonic() > ends:
            return Page(_read(warehouse, ask, found), Place(low, "0" * 32, "0" * 16))
        most = _LONGEST_RARE if ask.filters.rare else _LONGEST
        high, length = low, min(most, length * _growth(len(more), ask.limit + 1 - len(found)))
    return Page(_read(warehouse, ask, found), None)


def _growth(found: int, missing: int) -> int:
    """How much longer the next window is: as long as it takes at this density, and a bit; a day after an empty hour."""
    return min(64, max(3, 2 * missing // found)) if found else 24


def _keys_sql(ask: Ask, bound: Bound) -> str:
    """Only keys: the rest is read for the page alone."""
    conditions = [WINDOW, KINDS[ask.kind], ask.filters.where(bound)]
    if ask.cursor:
        bound.values |= {"c_at": ask.cursor.at, "c_trace": ask.cursor.trace_id, "c_span": ask.cursor.span_id}
        conditions.append(
            f"(at, trace_id, span_id) < ({moment('c_at')}, toFixedString(unhex({{c_trace:String}}), 16), "
            "toFixedString(unhex({c_span:String}), 8))"
        )
    where = " AND ".join(conditions)
    return (
        f"SELECT {_KEYS} FROM exchanges FINAL WHERE {where} "  # noqa: S608
        "ORDER BY at DESC, trace_id DESC, span_id DESC LIMIT {wanted:UInt32}"
    )


def _span(warehouse: Warehouse, ask: Ask) -> tuple[int, int]:
    """The time to look at: what was asked for, as far as there is anything. The engine knows the ends by heart."""
    ends = warehouse.ask(
        "SELECT toUnixTimestamp64Micro(min(at)) AS first, toUnixTimestamp64Micro(max(at)) AS last FROM exchanges"
    )[0]
    low = max(ends["first"], micros(ask.since) if ask.since else 0)
    high = min(ends["last"] + 1, micros(ask.until) if ask.until else ends["last"] + 1)
    if ask.cursor:
        high = min(high, ask.cursor.at + 1)
    return low, high


def _read(warehouse: Warehouse, ask: Ask, places: Sequence[Place]) -> list[Exchange]:
    found = read(warehouse, ask.project, ask.now, {(p.at, p.trace_id, p.span_id) for p in places})
    by_id = {(e.trace_id, e.span_id): e for e in found}
    return [by_id[key] for place in places if (key := (place.trace_id, place.span_id)) in by_id]


def read(warehouse: Warehouse, project: str, now: datetime, keys: Collection[Key]) -> list[Exchange]:
    """The exchanges of these keys (time, trace, span), as they are now."""
    if not keys:
        return []
    bound = Bound(project, now, min(at for at, _, _ in keys), max(at for at, _, _ in keys) + 1)
    ats = bound.add(sorted({at for at, _, _ in keys}), "Array(Int64)")
    among = f"at IN (SELECT fromUnixTimestamp64Micro(arrayJoin({ats}), 'UTC'))"
    # Versions of one exchange are of the same time, so this may come before FINAL: only what is wanted is read whole.
    found = warehouse.ask(f"SELECT {rows.SELECT} FROM exchanges FINAL PREWHERE {WINDOW} AND {among}", bound.values)  # noqa: S608
    return [rows.exchange(row) for row in found if (row["at_us"], row["trace_hex"], row["span_hex"]) in keys]


def count(warehouse: Warehouse, ask: Ask) -> int:
    """How many there are, without listing them."""
    low, high = _span(warehouse, ask)
    bound = Bound(ask.project, ask.now, low, high)
    where = " AND ".join([WINDOW, KINDS[ask.kind], ask.filters.where(bound)])
    answer: Any = warehouse.ask(f"SELECT count() AS n FROM exchanges FINAL WHERE {where}", bound.values)[0]["n"]  # noqa: S608
    return int(answer)
