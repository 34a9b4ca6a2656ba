"""Scores that we made ourselves, on their way into their table: each exchange once for each version of a scorer.

A score stands at the time of its exchange, so that both lie in the same days and go together. Its id is made of the
scorer's version and the exchange: what is stored again, after a crash or by another worker, is stored once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import TEXT_WINDOW, WINDOW, Bound, moment
from homeostat.store.warehouse.questions.feed import DRAW, ORDERS, Order, Place
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
    session: str = ""
    """Of a whole session: its score stands at its last exchange."""


def put(warehouse: Warehouse, project: str, scores: Sequence[Score], *, now: int) -> None:
    """Store scores that are not there yet, or have a value now and had none. `now`: event clock, µs."""
    rows = {score_id(s.scorer, s.exchange.id): s for s in scores}
    there = known(warehouse, project, sorted({s.scorer for s in scores}), [s.exchange for s in scores])
    fresh = [
        _row(project, id_, score, now)
        for id_, score in rows.items()
        if id_ not in there or (score.value is not None and not there[id_])
    ]
    if fresh:
        warehouse.jobs.insert("scores", fresh, column_names=list(_COLUMNS))


def known(warehouse: Warehouse, project: str, scorers: Sequence[str], exchanges: Sequence[Exchange]) -> dict[str, bool]:
    """Ids of the scores of these versions that stand in the days of these exchanges, and whether each has a value."""
    if not exchanges or not scorers:
        return {}
    times = [exchange.at for exchange in exchanges]
    found = warehouse.ask(
        "SELECT id, max(value IS NOT NULL) AS valued FROM scores "  # noqa: S608
        "WHERE project = {project:String} AND scorer IN {scorers:Array(String)} "
        f"AND at >= {moment('low')} AND at <= {moment('high')} GROUP BY id",
        {"project": project, "scorers": list(scorers), "low": min(times), "high": max(times)},
    )
    return {row["id"]: bool(row["valued"]) for row in found}


def score_id(scorer: str, exchange_id: str) -> str:
    """The id of a score of ours."""
    return f"{scorer}:{exchange_id}"


def _row(project: str, id_: str, score: Score, now: int) -> list[Any]:
    exchange = score.exchange
    return [
        project, as_datetime(exchange.at), id_, as_datetime(now), score.name,
        score.value, score.label, score.reason[:_LONGEST_REASON], score.scorer, score.rung, _HOMEOSTAT,
        bytes.fromhex(exchange.trace_id), bytes.fromhex(exchange.span_id), score.session,
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """One scorer of the engine: a value from 0 to 1 (NULL: it cannot say) over `input`, `output` and the exchange."""

    name: str
    scorer: str
    value: str
    reason: str
    """Looked for only where the value is below 1 or NULL: that is rare, and costs as much as the value."""
    parameters: Mapping[str, Any]
    filters: Filters
    share: float


def in_engine(
    warehouse: Warehouse,
    project: str,
    expressions: Sequence[Expression],
    *,
    after: Place,
    until: int,
    now: int,
    order: Order = "ready",
) -> int:
    """Score everything that became ready in (after, until] by all expressions in one statement; how many exchanges.

    The engine reads, computes and stores: no row passes through Python. A score stands at the time of its exchange, so
    only scores of these times are asked whether they are there already: one late exchange must not make it read a day.
    """
    found, bound = _found(warehouse, project, after, until, now, order)
    if not found or not expressions:
        return found
    said = _said(expressions, bound, order)
    scorers = bound.add([each.scorer for each in expressions], "Array(String)")
    columns = ", ".join(_COLUMNS)
    warehouse.jobs.command(
        f"INSERT INTO scores ({columns}) SELECT project, at, concat(scorer, ':', full_id) AS id, {moment('now')}, "  # noqa: S608
        f"name, value, label, reason, scorer, 'engine', 'homeostat', trace_id, span_id, '' FROM ({said}) "
        f"WHERE id NOT IN (SELECT id FROM scores WHERE {WINDOW} AND at IN (SELECT at {_chosen(order)}) "
        f"AND scorer IN {scorers}) {_SETTINGS}",
        bound.values,
    )
    return found


def would_say(
    warehouse: Warehouse, project: str, expression: Expression, *, after: Place, until: int, now: int, limit: int
) -> list[dict[str, Any]]:
    """What an expression says of what began in (after, until], without storing it: `full_id, value, label, reason`."""
    found, bound = _found(warehouse, project, after, until, now, "at")
    if not found:
        return []
    said = _said([expression], bound, "at")
    return warehouse.ask(
        f"SELECT full_id, value, label, reason FROM ({said}) ORDER BY at DESC LIMIT {limit} {_SETTINGS}",  # noqa: S608
        bound.values,
    )


def of_rows(warehouse: Warehouse, expressions: Sequence[Expression], file: Path) -> list[dict[str, Any]]:
    """What expressions say of the rows of a file (one JSON object a line): `n, name, value, reason`, by `n`."""
    bound = Bound("", as_datetime(0))
    bound.values["file"] = str(file)
    judged = ", ".join(f"({bound.add(each.name, 'String')}, {_told(each, bound)})" for each in expressions)
    return warehouse.ask(
        f"SELECT n, j.1 AS name, {_WITHIN.format('j.2')} AS value, j.3 AS reason "  # noqa: S608
        f"FROM (SELECT n, arrayJoin([{judged}]) AS j FROM file({{file:String}}, JSONEachRow, '{_ROW}')) ORDER BY n",
        bound.values,
    )


def _found(warehouse: Warehouse, project: str, after: Place, until: int, now: int, order: Order) -> tuple[int, Bound]:
    """How many exchanges there are, and the bounds of the days in which they and their texts lie."""
    bound = Bound(project, as_datetime(now))
    bound.values |= {"after": after.ready, "until": until}
    found = warehouse.ask(
        "SELECT count() AS n, toUnixTimestamp64Micro(min(at)) AS first, toUnixTimestamp64Micro(max(at)) AS last "
        f"{_chosen(order)} {_SETTINGS}",
        bound.values,
    )[0]
    if found["n"]:
        bound.between(found["first"], found["last"] + 1)
    return int(found["n"]), bound


def _said(expressions: Sequence[Expression], bound: Bound, order: Order) -> str:
    judged = ", ".join(_judged(each, bound) for each in expressions)
    return (
        "SELECT project, at, trace_id, span_id, full_id, j.2 AS name, j.3 AS scorer, "  # noqa: S608
        f"{_WITHIN.format('j.4')} AS value, "
        f"multiIf(value IS NULL, '{UNSCORED}', value >= 0.5, 'good', 'bad') AS label, j.5 AS reason "
        f"FROM (SELECT project, at, trace_id, span_id, full_id, arrayJoin([{judged}]) AS j FROM {_with_texts(order)}) "
        "WHERE j.1"
    )


def _judged(each: Expression, bound: Bound) -> str:
    """One scorer's tuple: whether it judges this exchange, its names, what it says."""
    share = f"{DRAW} < {round(each.share * 1_000_000)}"
    wanted, scorer = f"({each.filters.where(bound)}) AND {share}", bound.add(each.scorer, "String")
    return f"({wanted}, {bound.add(each.name, 'String')}, {scorer}, {_told(each, bound)})"


def _told(each: Expression, bound: Bound) -> str:
    """What one scorer says: its value, and why."""
    bound.values |= each.parameters
    said = f"said_{len(bound.values)}"
    reason = each.reason if each.reason == "''" else f"if(ifNull({said}, 0) < 1, toString({each.reason}), '')"
    return f"toNullable(toFloat64({each.value})) AS {said}, {reason}"


def _chosen(order: Order) -> str:
    return (
        "FROM exchanges FINAL WHERE project = {project:String} AND is_answer "
        f"AND {ORDERS[order]} > {moment('after')} AND {ORDERS[order]} <= {moment('until')}"
    )


def _with_texts(order: Order) -> str:
    """Exchanges with their whole texts. Both mostly lie in one row of `spans`: only what was asked elsewhere is joined
    once more.
    """
    chosen, held = _chosen(order), f"FROM spans WHERE {TEXT_WINDOW} AND row_key IN"
    return (
        f"(SELECT *, if(input_row = output_row, own_input, other_input) AS input, {_ID} AS full_id "  # noqa: S608
        f"FROM (SELECT * FROM (SELECT * {chosen}) AS e "
        f"LEFT ANY JOIN (SELECT row_key AS output_row, input AS own_input, output {held} (SELECT output_row {chosen})) "
        "AS o USING (output_row)) AS answered "
        f"LEFT ANY JOIN (SELECT row_key AS input_row, input AS other_input {held} "
        f"(SELECT input_row {chosen} AND input_row != output_row)) AS i USING (input_row))"
    )


#: A value as it is stored: from 0 to 1, or none.
_WITHIN: Final = "if(isFinite({0}), least(1., greatest(0., {0})), NULL)"
#: What expressions read of an exchange, where it is a row of a file.
_ROW: Final = "n UInt64, input String, output String, finish_reason String, status String, tools Array(String)"
_ID: Final = "concat(lower(hex(trace_id)), '-', lower(hex(span_id)))"
#: One thread: what arrives meanwhile needs the other cores, and sharing one statement between two costs a tenth more.
_SETTINGS: Final = (
    "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1, max_threads = 1, "
    "compile_expressions = 0"
)
