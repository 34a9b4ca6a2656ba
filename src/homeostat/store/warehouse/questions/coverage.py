"""What scorers did lately: how much was theirs to judge, how much of it they judged, what they said on average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import whole
from homeostat.store.warehouse.questions.bound import WINDOW, Bound
from homeostat.store.warehouse.questions.feed import DRAW, READY
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.measures import intervals

_FINAL: Final = "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1"


@dataclass(frozen=True, slots=True)
class Its:
    """What a version of a scorer judges: exchanges, or whole traces or sessions."""

    scorer: str
    filters: Filters
    share: float
    unit: Literal["exchange", "trace", "session"] = "exchange"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of them; a mean has its 95 % interval. Times are µs."""

    taken: int
    waiting: int
    """Of these, ready for a while, in the last part of the window."""
    scored: int
    unscored: int
    mean: float | None
    low: float | None
    high: float | None
    last: int | None

    @property
    def coverage(self) -> float | None:
        """Scored ÷ taken; nothing taken: nothing can be said."""
        return None if not self.taken else min(1.0, self.scored / self.taken)


def done(
    warehouse: Warehouse, project: str, scorers: Sequence[Its], *, start: int, until: int, lately: tuple[int, int]
) -> dict[str, Done]:
    """By version. `lately`: what became ready in it are `waiting` for somebody who said nothing since."""
    if not scorers:
        return {}
    taken = _taken(warehouse, project, scorers, start, until, lately)
    said = _said(warehouse, project, scorers, start, until)
    return {each.scorer: _done(*taken[at], said.get(each.scorer, {})) for at, each in enumerate(scorers)}


def _taken(
    warehouse: Warehouse, project: str, scorers: Sequence[Its], start: int, until: int, lately: tuple[int, int]
) -> list[tuple[int, int]]:
    taken = [(0, 0)] * len(scorers)
    for unit in dict.fromkeys(each.unit for each in scorers):
        bound = Bound(project, as_datetime(until), start, until + 1)
        bound.values |= {"until": until, "first": lately[0], "last": lately[1]}
        mine = [at for at, each in enumerate(scorers) if each.unit == unit]
        conditions = [f"({scorers[at].filters.where(bound)})" for at in mine]
        if unit == "exchange":
            draw, ready = DRAW, f"toUnixTimestamp64Micro({READY})"
            relation = f"exchanges FINAL WHERE {WINDOW} AND is_answer AND"
        else:
            draw, ready = "draw", "rested_us"
            relation = f"({whole.wholes(unit, conditions)}) WHERE"
            conditions = [f"its{place} > 0" for place in range(len(mine))]
        columns = []
        for at, condition in zip(mine, conditions, strict=True):
            its = f"{condition} AND {draw} < {round(scorers[at].share * 1_000_000)}"
            recent = f"{ready} > {{first:Int64}} AND {ready} <= {{last:Int64}}"
            columns += [f"countIf({its}) AS n{at}", f"countIf({its} AND {recent}) AS w{at}"]
        [row] = warehouse.ask(
            f"SELECT {', '.join(columns)} FROM {relation} {ready} <= {{until:Int64}} {_FINAL}",  # noqa: S608
            bound.values,
        )
        for at in mine:
            taken[at] = int(row[f"n{at}"]), int(row[f"w{at}"])
    return taken


def _said(warehouse: Warehouse, project: str, scorers: Sequence[Its], start: int, until: int) -> dict[str, Any]:
    bound = Bound(project, as_datetime(until), start, until + 1)
    names = bound.add([each.scorer for each in scorers], "Array(String)")
    rows = warehouse.ask(
        "SELECT toString(scorer) AS who, uniqExact(id) AS rows, count(value) AS n, sum(value) AS total, "  # noqa: S608
        "sum(value * value) AS squares, toUnixTimestamp64Micro(max(received)) AS last "
        f"FROM scores WHERE {WINDOW} AND scorer IN {names} AND source = 'homeostat' GROUP BY scorer",
        bound.values,
    )
    return {row["who"]: row for row in rows}


def _done(taken: int, waiting: int, said: dict[str, Any]) -> Done:
    n = int(said.get("n", 0))
    total, squares = float(said.get("total") or 0.0), float(said.get("squares") or 0.0)
    low, high = (_told(end) for end in intervals.mean(np.array([float(n)]), np.array([total]), np.array([squares])))
    mean = total / n if n else None
    rows = int(said.get("rows", 0))
    return Done(taken, waiting, n, rows - n, mean, low, high, int(said["last"]) if said else None)


def _told(end: Any) -> float | None:
    value = float(end[0])
    return min(1.0, max(0.0, value)) if math.isfinite(value) else None
