"""Measures asked: plan in Python, sums and counts in the engine, intervals from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import WINDOW, Bound
from homeostat.store.warehouse.questions.measures import hours, native, needs, query
from homeostat.store.warehouse.questions.measures.grammar import Measure
from homeostat.store.warehouse.questions.measures.merge import Table
from homeostat.store.warehouse.questions.measures.needs import Needs
from homeostat.store.warehouse.questions.measures.points import Groups, points
from homeostat.store.warehouse.questions.measures.query import MAX_GROUPS, MAX_ROWS, Split
from homeostat.store.warehouse.questions.measures.question import Point, Question
from homeostat.store.warehouse.questions.measures.sources import others_score
from homeostat.store.warehouse.questions.refused import Refused

#: The hours that changed since their rollup was built, and their minutes that did. Asked before the rollups are read.
Dirty = Callable[[], Iterable[tuple[datetime, int]]]
#: So many exchanges are joined with their scores at once.
_JOINED: Final = 150_000
#: How many exchanges came in each part of an hour, in order (µs).
_PARTS: Final = (
    "SELECT greatest(toInt64(intDiv(toUnixTimestamp64Micro(at), 300000000)) * 300000000, {low:Int64}) AS part, "  # noqa: S608
    f"count() AS n FROM exchanges WHERE {WINDOW} GROUP BY part ORDER BY part"
)


def ask(warehouse: Warehouse, question: Question, dirty: Dirty | None) -> list[Point]:
    """Every point of every measure. Without `dirty` the rollups are not used; the numbers are the same."""
    if question.end <= question.start:
        raise Refused("from must lie before to.", code="bad_time")
    raw = Split({}, ((question.start, question.end),))
    split = raw
    if dirty is not None and needs.rolled_question(question) and _hourly(question):
        split = hours.split(warehouse, question, dirty())
    found: dict[str, list[Point]] = {}
    for part, measures in _sources(question.measures, rolled=bool(split.built)):
        on_rollups = bool(split.built) and all(needs.rolled(measure) for measure in measures)
        groups = _groups(warehouse, question, part, split if on_rollups else raw)
        for measure in measures:
            found[measure.text] = points(question, groups, measure)
    return [point for measure in question.measures for point in found[measure.text]]


def _pieces(warehouse: Warehouse, question: Question, part: Needs) -> Iterator[tuple[int, int]]:
    """The times [low, high) that are asked for by themselves. Of many exchanges with scores not all are joined at once:
    an exchange has its score whatever else is looked at, so pieces add up to the whole."""
    begin, n = question.start, 0
    if part.said is not None and part.said.family == "score":
        bound = Bound(question.project, question.now, question.start, question.end)
        for row in warehouse.ask(_PARTS, bound.values):
            if n and n + row["n"] > _JOINED:
                yield begin, row["part"]
                begin, n = row["part"], 0
            n += row["n"]
    yield begin, question.end


def _hourly(question: Question) -> bool:
    return question.every is None or question.every.whole_hours(question.start, question.end)


def _sources(measures: Sequence[Measure], *, rolled: bool) -> list[tuple[Needs, list[Measure]]]:
    """Measures that one query can answer together: by what was said, and by whether the rollups hold them."""
    apart: dict[object, list[Measure]] = {}
    for measure in measures:
        apart.setdefault((needs.said(measure), rolled and needs.rolled(measure)), []).append(measure)
    return [(needs.of(group, needs.said(group[0])), group) for group in apart.values()]


def _known(warehouse: Warehouse, question: Question, part: Needs) -> Needs:
    """What is needed, with whether all of its scores are our own: then they are found in half of the time."""
    if part.said is None or part.said.family != "score":
        return part
    bound = Bound(question.project, question.now, question.start, question.end)
    ours = not warehouse.ask(others_score(part.said, bound), bound.values)
    return replace(part, said=replace(part.said, ours=ours))


def _groups(warehouse: Warehouse, question: Question, part: Needs, split: Split) -> Groups:
    answer, part = b"", _known(warehouse, question, part)
    for low, high in _pieces(warehouse, question, part):
        bound = Bound(question.project, question.now, low, high)
        whole = (low, high) == (question.start, question.end)
        sql = query.sql(question, part, split if whole else Split({}, ((low, high),)), bound)
        with warehouse.reader() as client:
            answer += client.raw_query(sql, parameters=bound.values, fmt="Native")
    table = Table(native.columns(answer), len(question.by))
    if table.size > MAX_GROUPS or table.rows >= MAX_ROWS:
        raise Refused(
            f"That would be more than {MAX_GROUPS} points.",
            code="too_many_points",
            hint="Take a longer step, a shorter time, fewer dimensions, or a filter.",
        )
    return Groups(question, part, table)
