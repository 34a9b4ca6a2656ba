"""Conditions on what belongs to an exchange but stands elsewhere: ids, attributes, whole texts, scores, signals."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, Literal

from homeostat.store.warehouse.questions import search
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, TEXT_WINDOW, WINDOW, Bound, moment
from homeostat.store.warehouse.questions.fields import COMPARE, GIVEN, Op
from homeostat.store.warehouse.questions.refused import Refused

NO_TRACE: Final = "toFixedString('', 16)"
NO_SPAN: Final = "toFixedString(unhex('0000000000000000'), 8)"
_MAPS: Final = ("attributes", "attributes_json", "resource")
_TRACE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
#: What is said about a session or a user belongs to an answer within a day of it (seconds), if there is one.
NEAR: Final = 86_400
Table = Literal["signals", "scores"]
TABLES: Final[tuple[Table, ...]] = ("scores", "signals")
NOT_OURS: Final = "source != 'homeostat'"
#: What is said about a span. Scores of ours name the exchange that they judge, and most scores are ours.
_NAMED: Final[dict[Table, str]] = {
    "scores": f"{NOT_OURS} AND trace_id != {NO_TRACE} AND span_id != {NO_SPAN}",
    "signals": f"trace_id != {NO_TRACE} AND span_id != {NO_SPAN}",
}
#: Said about no trace. Scores of ours always name one, and most scores are ours.
LONE: Final[dict[Table, str]] = {
    "scores": f"{NOT_OURS} AND trace_id = {NO_TRACE}",
    "signals": f"trace_id = {NO_TRACE}",
}
#: A span's whole id, as `elsewhere` holds it.
_FULL: Final = "CAST(concat(trace_id, span_id), 'FixedString(24)')"
RUNGS: Final = ("engine", "model", "judge", "human")
#: A scorer that could not say left a row; it is no score, and stands behind every one that is.
IS_SCORE: Final = "NOT (value IS NULL AND label = 'unscored')"
#: A costlier rung corrects a cheaper one; on one rung the newest counts.
NEWEST: Final = "tuple(indexOf(['engine', 'model', 'judge', 'human'], toString(rung)), at)"


def trace_id(text: str) -> str | None:
    """32 hex digits in lower case, or None."""
    return text.lower() if _TRACE.fullmatch(text.lower()) else None


def trace_keys(traces: str) -> str:
    """Keys of traces for the index; `traces` is a placeholder of hex texts."""
    return f"SELECT sipHash64({{project:String}}, toFixedString(unhex(arrayJoin({traces})), 16))"


def condition(field: str, name: str, op: Op, values: Sequence[str], bound: Bound) -> str:
    """The positive condition; the caller turns it round for `not`."""
    if field == "id":
        return _ids(values, bound)
    if field == "trace":
        return f"trace_key IN ({trace_keys(bound.add([v.lower() for v in values], 'Array(String)'))})"
    if field in ("input", "output"):
        return _texts(field, op, values, bound)
    if field == "label":
        return _label(op, values, bound)
    if field == "attribute":
        return _members(_attribute(name, op, values, bound))
    return _said(field, name, _value_test(op, values, bound), bound)


def exists(field: str, name: str, bound: Bound) -> str:
    """There is one at all."""
    if field in ("input", "output"):
        return f"{field}_chars > 0"
    if field == "attribute":
        key = bound.add(name, "String")
        return _members(" OR ".join(f"mapContains({column}, {key})" for column in _MAPS))
    if field == "label":
        return _about(_labelled("label != ''"))
    if field in ("score", "signal"):
        return _said(field, name, "true", bound)
    return "true"


def _ids(values: Sequence[str], bound: Bound) -> str:
    ids = bound.add([value.lower() for value in values], "Array(String)")
    traces = bound.add(sorted({value.lower()[:32] for value in values}), "Array(String)")
    same = f"has({ids}, concat(lower(hex(trace_id)), '-', lower(hex(m))))"
    return f"trace_key IN ({trace_keys(traces)}) AND arrayExists(m -> {same}, arrayPushBack(members, span_id))"


def _texts(field: str, op: Op, values: Sequence[str], bound: Bound) -> str:
    """Whole input or output: holds one of the texts."""
    if op != "contains":
        raise Refused(f"{field} takes .contains and .exists.")
    found = [f"{field}_row IN ({search.rows(value, bound.add(value, 'String'), (field,))})" for value in values]
    return " OR ".join(found)


def _label(op: Op, values: Sequence[str], bound: Bound) -> str:
    if op == "contains":
        raise Refused("label takes =, .not and .exists.")
    labels = bound.add(list(values), "Array(String)")
    return _about(_labelled(f"label IN {labels}"))


def _labelled(test: str) -> str:
    rows = []
    for table in TABLES:
        mine = f"{SAID_WINDOW} AND {test}"
        rows += [f"SELECT trace_id, span_id FROM {table} WHERE {mine} AND trace_id != {NO_TRACE}"]  # noqa: S608
        rows += [f"SELECT trace_id, span_id FROM ({arm})" for arm in indirect(table, mine)]  # noqa: S608
    return " UNION ALL ".join(rows)


def _attribute(name: str, op: Op, values: Sequence[str], bound: Bound) -> str:
    """A test on a row of `spans`: attributes of the span, or of its resource."""
    key = bound.add(name, "String")
    if op in COMPARE:
        numbers = [bound.add(_number(name, value), "Float64") for value in values]
        return " OR ".join(
            " AND ".join(f"ifNull(toFloat64OrNull({column}[{key}]) {COMPARE[op]} {n}, false)" for n in numbers)
            for column in _MAPS
        )
    texts = bound.add(list(values), "Array(String)")
    if op == "contains":
        holds = "arrayExists(p -> positionCaseInsensitiveUTF8({value}, p) > 0, {texts})"
        return " OR ".join(holds.format(value=f"{column}[{key}]", texts=texts) for column in _MAPS)
    return " OR ".join(f"(mapContains({column}, {key}) AND {column}[{key}] IN {texts})" for column in _MAPS)


def _members(test: str) -> str:
    rows = f"SELECT trace_id, span_id FROM spans WHERE {TEXT_WINDOW} AND ({test})"  # noqa: S608
    return f"arrayExists(m -> (trace_id, m) IN ({rows}), arrayPushBack(members, span_id))"


def _about(pairs: str) -> str:
    """Said about this exchange, one of the spans that tell it, or its whole trace."""
    return f"arrayExists(m -> (trace_id, m) IN ({pairs}), arrayConcat(members, [span_id, {NO_SPAN}]))"


def _said(field: str, name: str, test: str, bound: Bound) -> str:
    """A score (the one that counts) or any signal of this name passes the test."""
    if field == "score":
        mine = f"{SAID_WINDOW} AND {scored_as(name, bound)}"
        columns = "trace_id, span_id, at, rung, value, label"
        rows = [f"SELECT {columns}, true AS own FROM scores WHERE {mine} AND trace_id != {NO_TRACE}"]  # noqa: S608
        rows += [
            f"SELECT trace_id, span_id, said_at AS at, rung, value, label, false AS own FROM ({arm})"  # noqa: S608
            for arm in indirect("scores", mine, fields=("rung", "value", "label"))
        ]
        newest = ", ".join(f"argMax({each}, (own, {NEWEST})) AS {each}" for each in ("value", "label"))
        return _about(
            f"SELECT trace_id, span_id FROM (SELECT trace_id, span_id, {newest} FROM ({' UNION ALL '.join(rows)}) "  # noqa: S608
            f"GROUP BY trace_id, span_id) WHERE {test}"
        )
    mine = f"{SAID_WINDOW} AND name = {bound.add(name, 'String')} AND {test}"
    pairs = [f"SELECT trace_id, span_id FROM signals WHERE {mine} AND trace_id != {NO_TRACE}"]  # noqa: S608
    pairs += [f"SELECT trace_id, span_id FROM ({arm})" for arm in indirect("signals", mine)]  # noqa: S608
    return _about(" UNION ALL ".join(pairs))


def scored_as(wanted: str, bound: Bound) -> str:
    """Rows that are a score of this name; `relevance@judge` means that of one rung, `relevance@2` of one version."""
    base, at, which = wanted.rpartition("@")
    if at and which in RUNGS:
        return f"name = {bound.add(base, 'String')} AND toString(rung) = {bound.add(which, 'String')} AND {IS_SCORE}"
    if at and which.isascii() and which.isdigit():
        return f"name = {bound.add(base, 'String')} AND scorer = {bound.add(wanted, 'String')} AND {IS_SCORE}"
    return f"name = {bound.add(wanted, 'String')} AND {IS_SCORE}"


def indirect(
    table: Table, mine: str, columns: str = "trace_id, span_id", fields: Sequence[str] = ("value", "label")
) -> list[str]:
    """What is said without the id of an exchange, each with the answer that it belongs to: see `parts` and `lone`."""
    return [*parts(table, mine, columns, fields), *lone(table, mine, columns, fields)]


def parts(
    table: Table, mine: str, columns: str = "trace_id, span_id", fields: Sequence[str] = ("value", "label")
) -> list[str]:
    """What is said about a span that tells no answer by itself, each with the answer that it belongs to: of the span of
    another trace that tells the same (a gateway's), the one that it was merged into; of a call or any other span of an
    answer's trace, the last answer there.

    `mine`: which rows of the table. `columns` of the answer; of what is said `said_key`, `said_at` and `fields`.
    """
    carried = "".join(f", {name}" for name in fields)
    named = f"{mine} AND {_NAMED[table]}"
    said = f"row_key AS said_key, at AS said_at{carried} FROM {table} WHERE {named}"
    given = f"exchanges FINAL WHERE {WINDOW} AND is_answer AND {GIVEN}"
    own = f"{columns}{_missing(columns, 'trace_id', 'span_id', 'at')}"
    merged = (
        f"SELECT {columns}, said_key, said_at{carried} FROM (SELECT {own}, arrayJoin(elsewhere) AS told "  # noqa: S608
        f"FROM {given} AND notEmpty(elsewhere)) AS e INNER JOIN (SELECT {_FULL} AS told, {said}) AS s USING (told) "
        "ORDER BY e.at, e.span_id LIMIT 1 BY said_key"
    )
    inside = (
        f"SELECT {columns}, said_key, said_at{carried} FROM (SELECT {columns}, said_key, said_at{carried}, exact FROM "  # noqa: S608
        f"(SELECT {own}, arrayPushBack(members, span_id) AS ids FROM {given} "
        f"AND trace_id IN (SELECT trace_id FROM {table} WHERE {named})) AS e "
        f"INNER JOIN (SELECT trace_id, span_id AS told, {said}) AS s USING (trace_id) "
        "ORDER BY has(ids, told) AS exact DESC, e.at DESC, e.span_id LIMIT 1 BY said_key) WHERE NOT exact"
    )
    return [merged, inside]


def lone(
    table: Table, mine: str, columns: str = "trace_id, span_id", fields: Sequence[str] = ("value", "label")
) -> list[str]:
    """What is said about a session, or about a user alone, each with the answer that it belongs to: of the day before
    it the last one, else of the day after it the first one; about a session, else the last one before it at all.

    `mine`: which rows of the table. `columns` of the answer; of what is said `said_key`, `said_at` and `fields`.
    """
    arms = []
    for column in ("session_id",) if table == "scores" else ("session_id", "user_id"):
        alone = f"{mine} AND {LONE[table]} AND {column} != ''"
        old = "true"
        if column == "user_id":
            alone += f" AND session_id = '' AND at <= {moment('high_near')}"
            old = f"e.at >= s.said_at - {NEAR}"
        carried = "".join(f", {name}" for name in fields)
        told = f"SELECT {column}, row_key AS said_key, at AS said_at{carried} FROM {table} WHERE {alone}"  # noqa: S608
        # The window is that of exchanges. What is said within a day of them may belong to an answer that lies a day
        # before it, or weeks after the window: then it is not this window's. The last of it bounds what is read, and
        # where nothing was said nothing is.
        answers = (
            f"SELECT {columns}{_missing(columns, 'at', column)} FROM exchanges FINAL "  # noqa: S608
            f"WHERE project = {{project:String}} AND at >= {moment('low_near')} "
            f"AND at <= (SELECT max(at) + {NEAR} FROM {table} WHERE {alone}) "
            f"AND is_answer AND {GIVEN} AND {column} IN (SELECT {column} FROM {table} WHERE {alone})"
        )
        arms.append(
            f"SELECT {columns}, said_key, said_at{carried} FROM ({answers}) AS e INNER JOIN ({told}) AS s "  # noqa: S608
            f"USING ({column}) WHERE e.at <= s.said_at + {NEAR} AND {old} "
            f"ORDER BY {nearest('e.', 's.said_at')} LIMIT 1 BY said_key"
        )
    return arms


def nearest(answer: str, said_at: str) -> str:
    """The order in which answers (columns with this prefix) come into question for what is said alone at that time."""
    apart = f"abs(toUnixTimestamp64Micro({answer}at) - toUnixTimestamp64Micro({said_at}))"
    rank = f"multiIf({answer}at > {said_at}, 1, {answer}at >= {said_at} - {NEAR}, 0, 2)"
    return f"{rank}, {apart}, {answer}trace_id, {answer}span_id"


def _missing(columns: str, *needed: str) -> str:
    """What the join needs besides the columns that are asked for."""
    return "".join(f", {name}" for name in needed if name not in columns.split(", "))


def _value_test(op: Op, values: Sequence[str], bound: Bound) -> str:
    """A test on `value` and `label`. A number asks for the value, a word for the label."""
    if op in COMPARE:
        each = [f"value {COMPARE[op]} {bound.add(_number('value', value), 'Float64')}" for value in values]
        return f"ifNull({' AND '.join(each)}, false)"
    texts = bound.add(list(values), "Array(String)")
    if op == "contains":
        return f"arrayExists(p -> positionCaseInsensitiveUTF8(label, p) > 0, {texts})"
    numbers = [float(v) for v in values if _is_number(v)]
    if not numbers:
        return f"label IN {texts}"
    return f"(label IN {texts} OR ifNull(has({bound.add(numbers, 'Array(Float64)')}, value), false))"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _number(name: str, text: str) -> float:
    if not _is_number(text):
        raise Refused(f"{name[:80]} needs a number.")
    return float(text)
