"""Scores that we made ourselves, on their way into their table: each exchange once for each version of a scorer.

A score stands at the time of its exchange, so that both lie in the same days and go together. Its id is made of the
scorer's version and the exchange: what is stored again, after a crash or by another worker, is stored once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import EPOCH
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import TEXT_WINDOW, WINDOW, Bound, moment
from homeostat.store.warehouse.questions.feed import READY, Place
from homeostat.store.warehouse.questions.filters import Filters

#: The label of a score without a value: the scorer could not say, and its reason tells why.
UNSCORED: Final = "unscored"
_COLUMNS: Final = (
    "project", "at", "id", "received", "name", "value", "label", "reason", "scorer", "rung", "source", "trace_id",
    "span_id", "session_id",
)  # fmt: skip
_LONGEST_REASON: Final = 4000
_HOMEOSTAT: Final = "homeostat"


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer said of one exchange."""

    exchange: Exchange
    name: str
    scorer: str
    rung: str
    value: float | None
    label: str
    reason: str = ""


def put(warehouse: Warehouse, project: str, scores: Sequence[Score], *, now: int) -> None:
    """Store scores that are not there yet. `now`: event clock, µs."""
    if not scores:
        return
    low, high = min(s.exchange.at for s in scores), max(s.exchange.at for s in scores)
    names = sorted({s.scorer for s in scores})
    known = {
        row["id"]
        for row in warehouse.ask(
            "SELECT id FROM scores WHERE project = {project:String} AND scorer IN {scorers:Array(String)} "  # noqa: S608
            f"AND at >= {moment('low')} AND at <= {moment('high')}",
            {"project": project, "scorers": names, "low": low, "high": high},
        )
    }
    rows = {score_id(s.scorer, s.exchange.id): s for s in scores}
    fresh = [_row(project, id_, score, now) for id_, score in rows.items() if id_ not in known]
    if fresh:
        warehouse.jobs.insert("scores", fresh, column_names=list(_COLUMNS))


def score_id(scorer: str, exchange_id: str) -> str:
    """The id of a score of ours."""
    return f"{scorer}:{exchange_id}"


def _row(project: str, id_: str, score: Score, now: int) -> list[Any]:
    exchange = score.exchange
    return [
        project, EPOCH + timedelta(microseconds=exchange.at), id_, EPOCH + timedelta(microseconds=now), score.name,
        score.value, score.label, score.reason[:_LONGEST_REASON], score.scorer, score.rung, _HOMEOSTAT,
        bytes.fromhex(exchange.trace_id), bytes.fromhex(exchange.span_id), "",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """One scorer of the engine: a value from 0 to 1 (NULL: it cannot say) over `input`, `output` and the exchange."""

    name: str
    scorer: str
    value: str
    reason: str
    parameters: Mapping[str, Any]
    filters: Filters
    share: float


def in_engine(
    warehouse: Warehouse, project: str, expressions: Sequence[Expression], *, after: Place, until: int, now: int
) -> int:
    """Score everything that became ready in (after, until] by all expressions in one statement; how many exchanges.

    The engine reads, computes and stores: no row passes through Python.
    """
    bound = Bound(project, EPOCH + timedelta(microseconds=now))
    bound.values |= {"after": after.ready, "until": until}
    found = warehouse.ask(_SPAN, bound.values)[0]
    if not found["n"] or not expressions:
        return int(found["n"])
    bound.between(found["first"], found["last"] + 1)
    judged = ", ".join(_judged(each, bound) for each in expressions)
    scorers = bound.add([each.scorer for each in expressions], "Array(String)")
    columns = ", ".join(_COLUMNS)
    warehouse.jobs.command(
        f"INSERT INTO scores ({columns}) SELECT project, at, concat(j.3, ':', {_ID}) AS id, {moment('now')}, j.2, "  # noqa: S608
        f"if(isFinite(j.4), least(1., greatest(0., j.4)), NULL) AS value, multiIf(value IS NULL, '{UNSCORED}', "
        "value >= 0.5, 'good', 'bad'), j.5, j.3, 'engine', 'homeostat', trace_id, span_id, '' "
        f"FROM (SELECT project, at, trace_id, span_id, arrayJoin([{judged}]) AS j FROM {_TEXTS}) "
        f"WHERE j.1 AND id NOT IN (SELECT id FROM scores WHERE {WINDOW} AND scorer IN {scorers}) {_SETTINGS}",
        bound.values,
    )
    return int(found["n"])


def _judged(each: Expression, bound: Bound) -> str:
    """One scorer's tuple: whether it judges this exchange, its names, what it says."""
    bound.values |= each.parameters
    share = f"sipHash64(trace_id, span_id) % 1000000 < {round(each.share * 1_000_000)}"
    name, scorer = bound.add(each.name, "String"), bound.add(each.scorer, "String")
    wanted = f"({each.filters.where(bound)}) AND {share}"
    return f"({wanted}, {name}, {scorer}, toNullable(toFloat64({each.value})), toString({each.reason}))"


_ID: Final = "concat(lower(hex(trace_id)), '-', lower(hex(span_id)))"
_READY: Final = (
    "FROM exchanges FINAL WHERE project = {project:String} AND is_answer "
    f"AND {READY} > {moment('after')} AND {READY} <= {moment('until')}"
)
_SETTINGS: Final = "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1"
_SPAN: Final = (
    "SELECT count() AS n, toUnixTimestamp64Micro(min(at)) AS first, toUnixTimestamp64Micro(max(at)) AS last "
    f"{_READY} {_SETTINGS}"
)
_HELD: Final = f"FROM spans WHERE {TEXT_WINDOW} AND row_key IN"
#: Exchanges with their whole texts; both mostly lie in one row of `spans`.
_TEXTS: Final = (
    f"(SELECT * FROM (SELECT * {_READY}) AS e "  # noqa: S608
    f"LEFT ANY JOIN (SELECT row_key AS input_row, input {_HELD} (SELECT input_row {_READY})) AS i USING (input_row) "
    f"LEFT ANY JOIN (SELECT row_key AS output_row, output {_HELD} (SELECT output_row {_READY})) AS o "
    "USING (output_row))"
)
