"""Exchanges that both a scorer and a person judged: what each of them said."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, WINDOW, Bound
from homeostat.store.warehouse.questions.fields import FIELDS

MOST = 100_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """One exchange: the scorer's value, people's newest one, its segment, and how long the answer is."""

    judged: float
    truth: float
    segment: str
    characters: int


def labelled(
    warehouse: Warehouse, project: str, scorer: str, people: str, *, low: int, high: int, by: str = ""
) -> list[Labelled]:
    """Of exchanges that began in [low, high). `people`: the name of their scores. `by`: a text field, or nothing."""
    bound = Bound(project, as_datetime(high), low, high)
    its, theirs = bound.add(scorer, "String"), bound.add(people, "String")
    segment = f"ifNull(toString({FIELDS[by].sql}), '')" if by else "''"
    rows = warehouse.ask(
        f"SELECT judged, truth, {segment} AS segment, output_chars FROM "  # noqa: S608
        "(SELECT trace_id, span_id, argMax(value, received) AS judged FROM scores "
        f"WHERE {SAID_WINDOW} AND scorer = {its} AND value IS NOT NULL GROUP BY trace_id, span_id) AS j INNER JOIN "
        "(SELECT trace_id, span_id, argMax(value, at) AS truth FROM scores "
        f"WHERE {SAID_WINDOW} AND rung = 'human' AND name = {theirs} AND value IS NOT NULL GROUP BY trace_id, span_id) "
        "AS h USING (trace_id, span_id) INNER JOIN "
        f"(SELECT * FROM exchanges FINAL WHERE {WINDOW}) AS e USING (trace_id, span_id) LIMIT {MOST}",
        bound.values,
    )
    return [Labelled(row["judged"], row["truth"], row["segment"], int(row["output_chars"])) for row in rows]
