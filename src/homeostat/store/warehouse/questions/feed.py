"""What became ready to be judged: settled answers, each once, in the order in which they settled.

A place in the feed is the moment at which an exchange became ready, and its id where several did at once. What settles
again after late data passes once more, behind the place; whoever takes it knows what they have done already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from homeostat.records.exchange import Exchange
from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import texts, traces
from homeostat.store.warehouse.questions.bound import TEXT_WINDOW, WINDOW, Bound, moment
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.rows import SELECT, exchanges
from homeostat.store.warehouse.splice import restore_value

#: When an exchange is ready, as an expression over `exchanges`; the index `by_ready` knows it.
READY: Final = "greatest(settles, answer_from)"
#: A feed in the order in which exchanges became ready, for what is live; or in that of their beginning, for history.
ORDERS: Final[dict[str, str]] = {"ready": READY, "at": "at"}
Order = Literal["ready", "at"]
#: The attribute by which an exchange carries what it should have said.
REFERENCE: Final = "homeostat.reference"
_WEEK: Final = 7 * 86_400_000_000
#: The same for an exchange whoever asks, so that samples of different scorers agree.
DRAW: Final = "sipHash64(trace_id, span_id) % 1000000"
#: Where filters ask for more than an exchange's own columns, about so many are looked at for one piece.
RARE: Final = 5_000
_ID: Final = "concat(lower(hex(trace_id)), '-', lower(hex(span_id)))"
_FINAL: Final = "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Up to where a feed was taken: microseconds, and an id."""

    ready: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A piece of a feed, and the place behind it."""

    exchanges: tuple[Exchange, ...]
    place: Place
    more: bool
    """There is more before `until`."""
    draws: tuple[float, ...] = ()
    """Of each exchange a number from 0 to 1 that never changes: who takes a share takes those below it."""

    def sample(self, share: float, most: int) -> list[Exchange]:
        """Exchanges of a share, at most so many of them: those with the smallest numbers, so that samples agree."""
        drawn = sorted(zip(self.draws, range(len(self.draws)), strict=True))
        chosen = sorted(at for draw, at in drawn[: max(0, most)] if draw < share)
        return [self.exchanges[at] for at in chosen]


def take(
    warehouse: Warehouse,
    project: str,
    after: Place,
    until: int,
    *,
    limit: int,
    filters: Filters | None = None,
    order: Order = "ready",
    below: float = 1.0,
) -> Taken:
    """Answers that became ready behind `after`, up to `until` (µs, included), at most `limit` of them.

    `below`: only those of this share, spread evenly; the others are passed by.
    """
    when = ORDERS[order]
    chosen = filters or Filters()
    end = edge(warehouse, project, after, until, limit=RARE, order=order) if chosen.rare else until
    bound = Bound(project, as_datetime(until))
    bound.values |= {"after": after.ready, "until": end, "after_id": after.id}
    if chosen.rare:
        # Texts, attributes and what was said are looked for in the time of what may be taken.
        [days] = warehouse.ask(
            "SELECT toUnixTimestamp64Micro(min(at)) AS first, toUnixTimestamp64Micro(max(at)) AS last FROM exchanges "  # noqa: S608
            f"WHERE project = {{project:String}} AND is_answer AND {when} >= {moment('after')} "
            f"AND {when} <= {moment('until')}",
            bound.values,
        )
        bound.between(days["first"], days["last"] + 1)
    wanted = chosen.where(bound) + (f" AND {DRAW} < {round(below * 1_000_000)}" if below < 1 else "")
    rows = warehouse.ask(
        f"SELECT {SELECT}, toUnixTimestamp64Micro({when}) AS ready_us, {_ID} AS full_id, {DRAW} AS draw "  # noqa: S608
        "FROM exchanges FINAL "
        f"WHERE project = {{project:String}} AND is_answer AND {when} >= {moment('after')} "
        f"AND {when} <= {moment('until')} AND (toUnixTimestamp64Micro({when}), {_ID}) > "
        f"({{after:Int64}}, {{after_id:String}}) AND ({wanted}) ORDER BY ready_us, full_id LIMIT {limit + 1} {_FINAL}",
        bound.values,
    )
    more = len(rows) > limit
    rows = rows[:limit]
    place = Place(rows[-1]["ready_us"], rows[-1]["full_id"]) if more else max(after, Place(end, "~"))
    return Taken(tuple(exchanges(rows)), place, more or end < until, tuple(row["draw"] / 1e6 for row in rows))


def newest(warehouse: Warehouse, project: str, until: int, *, limit: int, filters: Filters) -> list[Exchange]:
    """The last answers that were ready at `until` and began within a week before it, newest first."""
    bound = Bound(project, as_datetime(until), max(0, until - _WEEK), until + 1)
    rows = warehouse.ask(
        f"SELECT {SELECT} FROM exchanges FINAL WHERE {WINDOW} AND is_answer AND {READY} <= {moment('now')} "  # noqa: S608
        f"AND ({filters.where(bound)}) ORDER BY at DESC, trace_id, span_id LIMIT {limit} {_FINAL}",
        bound.values,
    )
    return exchanges(rows)


def edge(warehouse: Warehouse, project: str, after: Place, until: int, *, limit: int, order: Order = "ready") -> int:
    """A moment up to which about `limit` exchanges became ready behind `after`: never more than `until`."""
    when = ORDERS[order]
    rows = warehouse.ask(
        f"SELECT toUnixTimestamp64Micro({when}) AS ready_us FROM exchanges FINAL WHERE project = {{project:String}} "  # noqa: S608
        f"AND is_answer AND {when} > {moment('after')} AND {when} <= {moment('until')} "
        f"ORDER BY ready_us LIMIT 1 OFFSET {limit} {_FINAL}",
        {"project": project, "after": after.ready, "until": until},
    )
    return int(rows[0]["ready_us"]) if rows else until


def waiting(warehouse: Warehouse, project: str, after: Place, until: int) -> int:
    """How many became ready behind `after`, up to `until`."""
    [row] = warehouse.ask(
        f"SELECT count() AS n FROM exchanges FINAL WHERE project = {{project:String}} AND is_answer "  # noqa: S608
        f"AND {READY} > {moment('after')} AND {READY} <= {moment('until')} {_FINAL}",
        {"project": project, "after": after.ready, "until": until},
    )
    return int(row["n"])


def count(warehouse: Warehouse, project: str, low: int, high: int, filters: Filters) -> int:
    """How many answers began after `low`, up to `high`: what scoring history would read."""
    bound = Bound(project, as_datetime(high), low + 1, high + 1)
    rows = warehouse.ask(
        f"SELECT count() AS n FROM exchanges FINAL WHERE {WINDOW} AND is_answer AND ({filters.where(bound)}) {_FINAL}",  # noqa: S608
        bound.values,
    )
    return int(rows[0]["n"])


@dataclass(frozen=True, slots=True)
class Texts:
    """What a scorer reads of an exchange."""

    input: str
    output: str
    documents: tuple[str, ...]


def texts_of(warehouse: Warehouse, project: str, now: datetime, taken: Sequence[Exchange]) -> list[Texts]:
    """Whole texts and documents of exchanges, in their order: two questions for all of them."""
    if not taken:
        return []
    whole = texts.texts(warehouse, project, now, taken)
    documents = _documents(warehouse, project, now, taken)
    return [
        Texts(input_text, output_text, documents.get(exchange.trace_id, ()))
        for exchange, (input_text, output_text) in zip(taken, whole, strict=True)
    ]


def references_of(warehouse: Warehouse, project: str, now: datetime, taken: Sequence[Exchange]) -> list[str]:
    """What each of these exchanges should have said, where a span of it carries that; in their order."""
    if not taken:
        return []
    bound = Bound(project, now, min(e.at for e in taken), max(e.at for e in taken) + 1)
    keys = bound.add(sorted({e.trace_id for e in taken}), "Array(String)")
    carried = bound.add(REFERENCE, "String")
    rows = warehouse.ask(
        f"SELECT lower(hex(trace_id)) AS trace_hex, lower(hex(span_id)) AS span_hex, attributes[{carried}] AS told, "  # noqa: S608
        f"input, output FROM spans WHERE {TEXT_WINDOW} AND mapContains(attributes, {carried}) AND trace_key IN "
        f"(SELECT sipHash64({{project:String}}, toFixedString(unhex(arrayJoin({keys})), 16))) ORDER BY at",
        bound.values,
    )
    found = {
        (row["trace_hex"], row["span_hex"]): restore_value(row["told"], row["input"], row["output"]) for row in rows
    }
    its = ([found.get((one.trace_id, span), "") for span in (one.span_id, *one.members)] for one in taken)
    return [next(filter(None, told), "") for told in its]


def _documents(
    warehouse: Warehouse, project: str, now: datetime, taken: Sequence[Exchange]
) -> dict[str, tuple[str, ...]]:
    """Documents by trace: of a trace with several answers each sees them all."""
    bound = Bound(project, now, min(e.at for e in taken), max(e.at for e in taken) + 1)
    keys = bound.add(sorted({e.trace_id for e in taken}), "Array(String)")
    rows = warehouse.ask(
        f"SELECT lower(hex(trace_id)) AS trace_hex, groupArray(documents) AS told FROM (SELECT trace_id, documents "  # noqa: S608
        f"FROM spans WHERE {TEXT_WINDOW} AND documents != '' AND trace_key IN "
        f"(SELECT sipHash64({{project:String}}, toFixedString(unhex(arrayJoin({keys})), 16))) ORDER BY at) "
        "GROUP BY trace_id",
        bound.values,
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        listed = [item.get("text") or "" for told in row["told"] for item in traces.items(told)]
        found[row["trace_hex"]] = tuple(dict.fromkeys(str(text) for text in listed if text))
    return found
