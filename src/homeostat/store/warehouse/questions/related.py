"""Conditions on what belongs to an exchange but stands elsewhere: ids, attributes, whole texts, scores, signals."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from homeostat.store.warehouse.questions import search
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, TEXT_WINDOW, Bound
from homeostat.store.warehouse.questions.fields import COMPARE, Op
from homeostat.store.warehouse.questions.refused import Refused

NO_SPAN: Final = "toFixedString(unhex('0000000000000000'), 8)"
_MAPS: Final = ("attributes", "attributes_json", "resource")
_TRACE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
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
    rows = [f"SELECT trace_id, span_id FROM {table} WHERE {SAID_WINDOW} AND {test}" for table in ("scores", "signals")]  # noqa: S608
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
    called = bound.add(name, "String")
    if field == "score":
        newest = f"SELECT trace_id, span_id, argMax(value, {NEWEST}) AS value, argMax(label, {NEWEST}) AS label"
        return _about(
            f"SELECT trace_id, span_id FROM ({newest} FROM scores WHERE {SAID_WINDOW} AND name = {called} "  # noqa: S608
            f"GROUP BY trace_id, span_id) WHERE {test}"
        )
    return _about(f"SELECT trace_id, span_id FROM signals WHERE {SAID_WINDOW} AND name = {called} AND {test}")  # noqa: S608


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
