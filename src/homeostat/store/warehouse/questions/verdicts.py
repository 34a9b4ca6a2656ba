"""The evidence of a verdict: what a measure was for each user on each release, or in each block of time.

Only sums leave the engine. The unit is the user, else the session, else the trace; where there are very many answers,
a share of the units is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import drawn
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, WINDOW, Bound
from homeostat.store.warehouse.questions.fields import GIVEN
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.measures.grammar import Measure, parse
from homeostat.store.warehouse.questions.measures.needs import field_sql, hits_sql, said
from homeostat.store.warehouse.questions.measures.sources import KIND, exchanges
from homeostat.store.warehouse.questions.measures.sources import said as said_rows
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.routed import routed

_UNIT: Final = "if(user_id != '', user_id, if(session_id != '', session_id, lower(hex(trace_id))))"
_ANSWER: Final = f"{KIND['answer']} AND {GIVEN}"
#: Blocks of time at most.
_MOST: Final = 200_000
_HOUR: Final = 3_600_000_000
#: Hours that tell how much comes in.
_LATELY: Final = 3
_COVERAGE: Final = re.compile(r"coverage\((?:signals|(?P<family>signal|score)\.(?P<name>[^()]{1,200}))\)")


@dataclass(frozen=True, slots=True)
class About:
    """Of what: a measure over exchanges of a project that began in [start, end) µs and pass the filters."""

    project: str
    measure: str
    start: int
    end: int
    now: datetime
    filters: Filters = field(default_factory=Filters)
    route: str = ""
    """Only what names this route; empty: whatever it names."""


@dataclass(frozen=True, slots=True)
class Units:
    """Per user and release: how many values, their sum, the sum of their squares."""

    unit: Sequence[str]
    release: Sequence[str]
    n: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]

    def of(self, release: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(sums, counts) of one release's users."""
        mine = np.asarray([name == release for name in self.release], dtype=bool)
        return self.total[mine], self.n[mine]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Per block of time, from the start: how many values, and their sum. Blocks without any have 0."""

    n: NDArray[np.float64]
    total: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Covered:
    """`coverage(signals)`, `coverage(signal.<name>)`, `coverage(score.<name>)`: whether anything was said at all."""

    table: Literal["signals", "scores"]
    name: str


def measurable(text: str) -> Measure | Covered:
    """A measure that has one value for an exchange: a mean, a sum (of which the mean is taken), a share, a coverage."""
    covered = _COVERAGE.fullmatch(text.strip())
    if covered is not None:
        name = covered["name"] or ""
        return Covered("scores" if covered["family"] == "score" else "signals", name)
    [measure] = parse([text])
    if measure.stat not in ("mean", "sum", "share", "count") or (measure.stat == "count" and measure.condition):
        raise Refused(
            f"{measure.text} has no value for a single exchange.", hint="mean(...), share(...), coverage(...), count"
        )
    return measure


def units(warehouse: Warehouse, about: About, *, window: int = 0) -> Units:
    """What the measure was for each user on each release.

    `window`: only within so many µs of their first exchange, and of those only for whom that time is over: such a
    record never changes again, so it may be looked at as often as one likes.
    """
    bound = Bound(about.project, about.now, about.start, about.end)
    rows_of = _rows(about, bound, _some(warehouse, about, bound))
    if window:
        length = bound.add(window, "Int64")
        marked = (
            "SELECT *, toUnixTimestamp64Micro(at) AS us, min(us) OVER (PARTITION BY unit) AS first "  # noqa: S608
            f"FROM ({rows_of}) WHERE x IS NOT NULL"
        )
        rows_of = f"SELECT * FROM ({marked}) WHERE us < first + {length} AND first + {length} <= {{high:Int64}}"  # noqa: S608
    rows = warehouse.ask(
        "SELECT unit, toString(release) AS arm, count(x) AS n, sum(x) AS s, sum(x * x) AS q "  # noqa: S608
        f"FROM ({rows_of}) GROUP BY unit, arm HAVING n > 0 ORDER BY unit, arm",
        bound.values,
    )
    columns = [np.asarray([row[name] for row in rows], dtype=np.float64) for name in ("n", "s", "q")]
    return Units([row["unit"] for row in rows], [row["arm"] for row in rows], *columns)


def blocks(warehouse: Warehouse, about: About, every: int) -> Blocks:
    """What the measure was in each block of `every` µs, the last one whole."""
    count = (about.end - about.start) // every
    n, total = np.zeros(max(count, 0)), np.zeros(max(count, 0))
    if count < 1:
        return Blocks(n, total)
    bound = Bound(about.project, about.now, about.start, about.start + count * every)
    step = bound.add(every, "Int64")
    measure = measurable(about.measure)
    scored = isinstance(measure, Measure) and said(measure) is not None
    rows_of = _rows(about, bound, _some(warehouse, about, bound) if scored else "true")
    rows = warehouse.ask(
        f"SELECT intDiv(toUnixTimestamp64Micro(at) - {{low:Int64}}, {step}) AS block, count(x) AS n, sum(x) AS s "  # noqa: S608
        f"FROM ({rows_of}) GROUP BY block HAVING n > 0 LIMIT {_MOST}",
        bound.values,
    )
    for row in rows:
        n[row["block"]], total[row["block"]] = row["n"], row["s"]
    return Blocks(n, total)


def an_hour(warehouse: Warehouse, project: str, at: int) -> float:
    """Answers an hour, in the hours just before."""
    bound, within = Bound(project, as_datetime(at), at - _LATELY * _HOUR, at), f"{WINDOW} AND {_ANSWER}"
    rows = warehouse.ask(f"SELECT count() AS n FROM {exchanges(within)}", bound.values)  # noqa: S608
    return float(rows[0]["n"]) / _LATELY


def _some(warehouse: Warehouse, about: About, bound: Bound) -> str:
    """Which units are looked at; a small segment of very many is not many."""
    within = f"exchanges WHERE {WINDOW} AND {_ANSWER} AND {about.filters.where(bound)}"
    return drawn.units(_UNIT, drawn.share(warehouse, within, bound.values))


def _rows(about: About, bound: Bound, some: str) -> str:
    """One row for each exchange (or signal), with its unit and its value."""
    measure = measurable(about.measure)
    where = f"{WINDOW} AND {_ANSWER} AND {some} AND {about.filters.where(bound)}"
    what = None if isinstance(measure, Covered) else said(measure)
    relation = f"(SELECT * FROM {said_rows(what, bound, some)} WHERE {where})" if what else exchanges(where)  # noqa: S608
    if about.route:
        among = f"SELECT trace_id FROM exchanges WHERE {where}"  # noqa: S608
        relation = f"({routed(relation, bound, among)} WHERE route = {bound.add(about.route, 'String')})"
    worth = _covered(measure, bound) if isinstance(measure, Covered) else _value(measure, bound)
    return f"SELECT {_UNIT} AS unit, release, at, {worth} AS x FROM {relation}"  # noqa: S608


def _covered(measure: Covered, bound: Bound) -> str:
    named = f" AND name = {bound.add(measure.name, 'String')}" if measure.name else ""
    told = f"SELECT trace_id FROM {measure.table} WHERE {SAID_WINDOW}{named}"  # noqa: S608
    return f"CAST(toFloat64(trace_id IN ({told})), 'Nullable(Float64)')"


def _value(measure: Measure, bound: Bound) -> str:
    if measure.stat == "count":
        return "CAST(1, 'Nullable(Float64)')"
    if measure.condition is None:
        if measure.field.startswith("attribute."):
            raise Refused("Attributes cannot be judged here.", hint="score.<name>, signal.<name>, latency, cost ...")
        return field_sql(measure.field, "answer", ())
    hit, known = hits_sql(measure.condition, bound)
    return f"CAST(if({known}, toFloat64({hit}), NULL), 'Nullable(Float64)')"
