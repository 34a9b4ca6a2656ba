"""Whole traces and sessions: which came to rest, and the answers that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from homeostat.records.exchange import Exchange
from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import WINDOW, Bound
from homeostat.store.warehouse.questions.feed import READY, Place, Taken
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.rows import SELECT, exchanges

Unit = Literal["trace", "session"]
KEYS: Final[dict[str, str]] = {"trace": "trace_id", "session": "session_id"}
#: A conversation that was quiet for so long is over; a trace, once what belongs together has settled.
QUIET: Final[dict[str, int]] = {"trace": 60_000_000, "session": 600_000_000}
_KEY: Final[dict[str, str]] = {"trace": "lower(hex(trace_id))", "session": "session_id"}
#: A conversation is looked at for so long: who writes once a week begins a new one each time.
_LONGEST: Final = 86_400_000_000
_FINAL: Final = "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1"


def rested(
    warehouse: Warehouse, project: str, unit: Unit, after: Place, until: int, *, limit: int, filters: Filters
) -> Taken:
    """Traces or sessions that came to rest behind `after`, up to `until` (event clock, µs): their last answers."""
    bound = Bound(project, as_datetime(until), max(0, after.ready - _LONGEST), until + 1)
    bound.values |= {"after": after.ready, "until": until, "after_id": after.id}
    rows = warehouse.ask(
        f"SELECT * FROM ({wholes(unit, [filters.where(bound)])}) "  # noqa: S608
        "WHERE (rested_us, whole) > ({after:Int64}, {after_id:String}) AND rested_us <= {until:Int64} "
        f"AND its0 > 0 ORDER BY rested_us, whole LIMIT {limit + 1} {_FINAL}",
        bound.values,
    )
    more, rows = len(rows) > limit, rows[:limit]
    if not rows:
        return Taken((), Place(until), False)
    found = {one.id: one for one in _ids(warehouse, bound, [f"{row['latest'][0]}-{row['latest'][1]}" for row in rows])}
    pairs = [(found.get("-".join(row["latest"])), row["draw"] / 1e6) for row in rows]
    place = Place(rows[-1]["rested_us"], rows[-1]["whole"]) if more else Place(until)
    there = [(one, draw) for one, draw in pairs if one is not None]
    return Taken(tuple(one for one, _ in there), place, more, tuple(draw for _, draw in there))


def count(warehouse: Warehouse, project: str, unit: Unit, low: int, high: int, filters: Filters) -> int:
    """How many came to rest behind `low`, up to `high`: what scoring history would read."""
    bound = Bound(project, as_datetime(high), max(0, low - _LONGEST), high + 1)
    bound.values |= {"after": low, "until": high}
    [row] = warehouse.ask(
        f"SELECT count() AS n FROM ({wholes(unit, [filters.where(bound)])}) "  # noqa: S608
        f"WHERE rested_us > {{after:Int64}} AND rested_us <= {{until:Int64}} AND its0 > 0 {_FINAL}",
        bound.values,
    )
    return int(row["n"])


def wholes(unit: Unit, conditions: Sequence[str]) -> str:
    """Traces or sessions of the window: when each comes to rest, its last answer, the number that draws it, and how
    many of its answers fulfil each condition (`its0`, `its1` …)."""
    its = ", ".join(f"countIf({condition}) AS its{at}" for at, condition in enumerate(conditions))
    return (
        f"SELECT {_KEY[unit]} AS whole, toUnixTimestamp64Micro(max({READY})) + {QUIET[unit]} AS rested_us, "  # noqa: S608
        "argMax((lower(hex(trace_id)), lower(hex(span_id))), at) AS latest, sipHash64(whole) % 1000000 AS draw, "
        f"{its} FROM exchanges FINAL WHERE {WINDOW} AND is_answer AND whole != '' GROUP BY whole"
    )


def of(warehouse: Warehouse, project: str, unit: str, last: Sequence[Exchange]) -> list[Exchange]:
    """Every answer of the traces or sessions of these, in order of time."""
    if not last:
        return []
    low, high = min(one.at for one in last) - _LONGEST, max(one.at for one in last) + 1
    bound = Bound(project, as_datetime(high), max(0, low), high)
    keys = bound.add(sorted({getattr(one, KEYS[unit]) for one in last}), "Array(String)")
    return exchanges(
        warehouse.ask(
            f"SELECT {SELECT} FROM exchanges FINAL WHERE {WINDOW} AND is_answer AND {_KEY[unit]} IN {keys} "  # noqa: S608
            f"ORDER BY at, trace_id, span_id {_FINAL}",
            bound.values,
        )
    )


def _ids(warehouse: Warehouse, bound: Bound, ids: Sequence[str]) -> list[Exchange]:
    there = bound.add(list(ids), "Array(String)")
    return exchanges(
        warehouse.ask(
            f"SELECT {SELECT} FROM exchanges FINAL WHERE {WINDOW} "  # noqa: S608
            f"AND concat(lower(hex(trace_id)), '-', lower(hex(span_id))) IN {there} {_FINAL}",
            bound.values,
        )
    )
