"""What must be counted for measures. In SQL: `f0_n` … for numbers, `b0`, `c0` for buckets, `k0`, `m0` for shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from homeostat.store.warehouse.questions.bound import Bound
from homeostat.store.warehouse.questions.fields import COMPARE, FIELDS
from homeostat.store.warehouse.questions.filters import Condition, Filters
from homeostat.store.warehouse.questions.measures.grammar import Measure
from homeostat.store.warehouse.questions.measures.names import (
    OF_CALLS,
    ROLLED,
    ROLLED_BUCKETS,
    ROLLED_BY,
    UNIQUE,
)
from homeostat.store.warehouse.questions.measures.question import Kind, Question
from homeostat.store.warehouse.questions.measures.sources import Said

#: Something was said: a value, or only a label.
SAID: Final = "(value IS NOT NULL OR label != '')"
PARTS: Final = ("n", "s", "q", "l", "h")


@dataclass(frozen=True, slots=True)
class Needs:
    """Numbers, those of them with buckets, conditions, what is counted once. `said`: of a score or signal."""

    fields: tuple[str, ...]
    buckets: tuple[str, ...]
    conditions: tuple[Condition, ...]
    unique: tuple[str, ...]
    said: Said | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Attributes that are measured."""
        return tuple(field.partition(".")[2] for field in self.fields if field.startswith("attribute."))


def said(measure: Measure) -> Said | None:
    """The score or signal that a measure is about. Whether there is one at all is a question about exchanges."""
    family, name = "", ""
    if measure.condition is not None and measure.condition.op != "exists":
        family, name = measure.condition.field, measure.condition.name
    elif "." in measure.field:
        family, _, name = measure.field.partition(".")
    if family == "score":
        return Said("score", name)
    return Said("signal", name) if family == "signal" else None


def of(measures: Sequence[Measure], about: Said | None) -> Needs:
    """What these measures need together."""
    fields = dict.fromkeys(m.field for m in measures if m.field and m.stat != "unique")
    buckets = dict.fromkeys(m.field for m in measures if m.stat == "quantile")
    conditions = dict.fromkeys(m.condition for m in measures if m.condition is not None)
    unique = dict.fromkeys(m.field for m in measures if m.stat == "unique")
    return Needs(tuple(fields), tuple(buckets), tuple(conditions), tuple(unique), about)


def rolled(measure: Measure) -> bool:
    """Whether the rollups hold what this measure needs."""
    if measure.stat == "unique" or said(measure) is not None:
        return False
    if measure.condition is not None:
        return measure.condition.field in ROLLED_BY
    if measure.stat == "quantile":
        return measure.field in ROLLED_BUCKETS
    return not measure.field or measure.field in ROLLED


def rolled_question(question: Question) -> bool:
    """Whether the rollups hold the question's dimensions and filters."""
    conditions = question.filters.conditions
    return (
        all(name in ROLLED_BY for name in question.by)
        and all(condition.field in ROLLED_BY for condition in conditions)
        and not question.filters.words
    )


def field_sql(field: str, kind: Kind, keys: Sequence[str]) -> str:
    """A number of a row, NULL where there is none. `keys`: the attributes that the relation has as a0, a1 …"""
    family, _, name = field.partition(".")
    if family in ("score", "signal"):
        sql = "value"
    elif family == "attribute":
        text = f"toFloat64OrNull(a{keys.index(name)})"
        return f"if(isFinite(ifNull({text}, nan)), {text}, NULL)"
    else:
        sql = FIELDS[field].sql
    if kind == "all" and field in OF_CALLS:
        sql = f"if(is_call, {sql}, NULL)"
    return f"CAST({sql}, 'Nullable(Float64)')"


def hits_sql(condition: Condition, bound: Bound) -> tuple[str, str]:
    """(the row fulfils it, the row can say whether it does)."""
    if condition.field in ("score", "signal") and condition.op != "exists":
        known = "value IS NOT NULL" if condition.op in COMPARE else SAID
        return _said_test(condition, bound), known
    field = FIELDS.get(condition.field)
    test = Filters((condition,)).where(bound)
    may_miss = field is not None and field.type in ("number", "flag") and condition.op != "exists"
    known = f"{field.sql} IS NOT NULL" if field and may_miss else "true"
    return f"ifNull({test}, false)", known


def unique_sql(field: str) -> str:
    """What is counted once; NULL is not counted."""
    sql = UNIQUE[field]
    return sql if sql == "trace_key" else f"nullIf(toString({sql}), '')"


def _said_test(condition: Condition, bound: Bound) -> str:
    [text] = condition.values
    number = _number(text)
    if condition.op in COMPARE and number is not None:
        return f"ifNull(value {COMPARE[condition.op]} {bound.add(number, 'Float64')}, false)"
    if condition.op == "contains":
        return f"positionCaseInsensitiveUTF8(label, {bound.add(text, 'String')}) > 0"
    test = f"label = {bound.add(text, 'String')}"
    if number is not None:
        test = f"({test} OR ifNull(value = {bound.add(number, 'Float64')}, false))"
    return f"NOT ({test})" if condition.op == "not" else test


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
