"""What was loaded since: exchanges whose version is newer than the last one seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import WINDOW, Bound, moment
from homeostat.store.warehouse.questions.exchanges import read
from homeostat.store.warehouse.questions.fields import ANSWER

#: So many at a time; who cannot follow skips.
MOST: Final = 200
_DAY: Final = 86_400_000_000
_NEWEST: Final = 2**64 - 1
_KEYS: Final = (
    "version, toUnixTimestamp64Micro(at) AS at_us, lower(hex(trace_id)) AS trace_hex, lower(hex(span_id)) AS span_hex"
)
_MARK: Final = ("version", "trace_hex", "span_hex")
_ORDER: Final = "version, trace_id, span_id"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Up to where somebody has seen: loads have growing versions."""

    version: int = 0
    trace_id: str = "0" * 32
    span_id: str = "0" * 16

    def __str__(self) -> str:
        return f"{self.version}-{self.trace_id}-{self.span_id}"

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """A mark as it was handed out, else None."""
        version, _, rest = text.partition("-")
        trace, _, span = rest.partition("-")
        if len(text) > 80 or not version.isdecimal() or not version.isascii() or len(trace) != 32 or len(span) != 16:
            return None
        try:
            bytes.fromhex(trace + span)
        except ValueError:
            return None
        number = int(version)
        return cls(number, trace, span) if number < 2**64 else None


def newest(warehouse: Warehouse, project: str, now: datetime) -> Mark:
    """Where a listener begins who has seen nothing: at the present."""
    bound = _last_day(project, now)
    row = warehouse.ask(f"SELECT max(version) AS version FROM exchanges WHERE {WINDOW}", bound.values)[0]  # noqa: S608
    return Mark(row["version"], "f" * 32, "f" * 16)


def since(
    warehouse: Warehouse,
    project: str,
    mark: Mark,
    now: datetime,
    looked: datetime | None = None,
    *,
    upto: int = _NEWEST,
) -> list[tuple[Mark, Exchange]]:
    """Answers of the last day that were loaded or changed after the mark, or became answers after `looked`.

    `upto`: nothing of a newer version. A load of several days becomes visible day by day: who sees a new version looks
    again a moment later, up to that version, or what comes last might lie before the mark.
    """
    bound = _last_day(project, now)
    bound.values |= {"version": mark.version, "trace": mark.trace_id, "span": mark.span_id, "most": MOST}
    bound.values |= {"looked": micros(looked or now), "upto": upto}
    new = warehouse.ask(
        f"SELECT {_KEYS} FROM exchanges WHERE {WINDOW} AND {ANSWER} AND version <= {{upto:UInt64}} "  # noqa: S608
        f"AND (({_ORDER}) > ({{version:UInt64}}, toFixedString(unhex({{trace:String}}), 16), "
        f"toFixedString(unhex({{span:String}}), 8)) OR answer_from > {moment('looked')}) "
        f"ORDER BY {_ORDER} LIMIT {{most:UInt32}}",
        bound.values,
    )
    marks = {(row["at_us"], row["trace_hex"], row["span_hex"]): Mark(*(row[name] for name in _MARK)) for row in new}
    found = read(warehouse, project, now, marks.keys())
    told = [(marks[e.at, e.trace_id, e.span_id], e) for e in found if e.kind == "answer"]
    return sorted(told, key=lambda each: each[0])


def _last_day(project: str, now: datetime) -> Bound:
    return Bound(project, now, max(0, micros(now) - _DAY), micros(now) + _DAY)
