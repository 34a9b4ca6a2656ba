"""Which exchanges are meant: `model=a&latency_ms.gt=500&score.relevance.lt=0.5&q=refund` becomes one bound condition.

Several values of one parameter mean any of them; different parameters must all hold; `.not` turns one round.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from homeostat.records.exchange import ExchangeId
from homeostat.store.warehouse.questions import related, search
from homeostat.store.warehouse.questions.bound import Bound
from homeostat.store.warehouse.questions.fields import COMPARE, FAMILIES, FIELDS, SHADOW, SPECIAL, SUFFIXES, Field, Op
from homeostat.store.warehouse.questions.refused import Refused

MAX_CONDITIONS: Final = 40
MAX_VALUES: Final = 200
MAX_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter: what it is about, a name inside a family, how it compares, and with what."""

    field: str
    name: str
    op: Op
    values: tuple[str, ...]


#: What users got: no answer of a shadow.
GIVEN: Final = Condition("tag", "", "not", (SHADOW,))


@dataclass(frozen=True, slots=True)
class Filters:
    """All conditions of a question."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def rare(self) -> bool:
        """Needs more than the exchange's own columns: texts, attributes, scores, signals."""
        return bool(self.words) or any(condition.field not in FIELDS for condition in self.conditions)

    def where(self, bound: Bound) -> str:
        """A condition over `exchanges`, its values in `bound`. Always true without filters."""
        own = [_sql(c, bound) for c in self.conditions if c.field in FIELDS]
        more = [_sql(c, bound) for c in self.conditions if c.field not in FIELDS]
        words = [search.word(word, bound, own) for word in self.words]
        return " AND ".join(own + more + words) or "true"


def parse(pairs: Iterable[tuple[str, str]], reserved: Iterable[str] = ()) -> Filters:
    """Filters from query parameters; `reserved` parameters have another meaning and are left alone."""
    other = frozenset(reserved)
    grouped: dict[tuple[str, str, Op], list[str]] = {}
    words: list[str] = []
    for key, value in pairs:
        if key in other:
            continue
        if len(value) > MAX_LENGTH:
            raise Refused(f"The value of {_short(key)} is longer than {MAX_LENGTH} characters.")
        if key == "q":
            words += search.words(value)
            continue
        grouped.setdefault(_address(key, other), []).append(value)
    if len(grouped) > MAX_CONDITIONS or len(words) > search.MAX_WORDS:
        raise Refused(f"Too many filters: at most {MAX_CONDITIONS}, and {search.MAX_WORDS} words in q.")
    if any(len(values) > MAX_VALUES for values in grouped.values()):
        raise Refused(f"At most {MAX_VALUES} values for one filter.")
    conditions = tuple(_checked(Condition(*address, tuple(values))) for address, values in grouped.items())
    return Filters(conditions, tuple(words))


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _address(key: str, reserved: frozenset[str]) -> tuple[str, str, Op]:
    """Field, name inside a family, operator."""
    rest, _, last = key.rpartition(".")
    op: Op = "is"
    if rest and last in SUFFIXES:
        key, op = rest, last
    field, _, name = key.partition(".")
    if field in FAMILIES:
        if not name:
            raise Refused(f"{field} needs a name: {field}.<name>.")
        return field, name, op
    if name or (field not in FIELDS and field not in SPECIAL):
        known = [*FIELDS, *SPECIAL, *reserved]
        near = difflib.get_close_matches(key[:80], known, 3, 0.5)
        families = ", ".join(f"{family}.<name>" for family in FAMILIES)
        hint = f"Did you mean {', '.join(near)}?" if near else f"Known: {', '.join(sorted(known))}, {families}."
        raise Refused(f"There is no filter {_short(key)}.", code="unknown_filter", hint=hint)
    return field, "", op


def _checked(condition: Condition) -> Condition:
    """Refuse early what the engine would refuse late."""
    field = FIELDS.get(condition.field)
    if condition.op == "exists":
        if len({_truth(condition.field, value) for value in condition.values}) > 1:
            raise Refused(f"{condition.field}.exists cannot be true and false.")
    elif condition.op in COMPARE:
        if condition.field in SPECIAL or (field and field.type != "number"):
            raise Refused(f"{condition.field} is not a number: it takes =, .not, .contains, .exists.")
        for value in condition.values:
            number(condition.field, value)
    elif field and field.type == "number":
        if condition.op == "contains":
            raise Refused(f"{condition.field} is a number: it takes =, .not, .gt, .gte, .lt, .lte, .exists.")
        for value in condition.values:
            number(condition.field, value)
    elif field and field.type == "flag":
        for value in condition.values:
            _truth(condition.field, value)
    elif condition.field == "id" and any(ExchangeId.parse(value) is None for value in condition.values):
        raise Refused("An exchange's id is <trace id>-<span id>: 32 and 16 hex digits.")
    elif condition.field == "trace" and any(related.trace_id(value) is None for value in condition.values):
        raise Refused("A trace's id has 32 hex digits.")
    return condition


def number(name: str, text: str) -> float:
    """A finite number, or a refusal."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"{_short(name)} needs a number.")
    return value


def _truth(name: str, text: str) -> bool:
    if text.lower() in ("true", "1", "yes", ""):
        return True
    if text.lower() in ("false", "0", "no"):
        return False
    raise Refused(f"{_short(name)} needs true or false.")


def _sql(condition: Condition, bound: Bound) -> str:
    field = FIELDS.get(condition.field)
    if condition.op == "exists":
        wanted = _truth(condition.field, condition.values[0])
        present = _exists(field, condition) if field else related.exists(condition.field, condition.name, bound)
        return present if wanted else f"NOT ({present})"
    if field:
        positive = _own(field, condition, bound)
    else:
        positive = related.condition(condition.field, condition.name, condition.op, condition.values, bound)
    return f"NOT ({positive})" if condition.op == "not" else f"({positive})"


def _exists(field: Field, condition: Condition) -> str:
    if field.type in ("text", "list"):
        return f"notEmpty({field.sql})"
    return f"({field.sql} IS NOT NULL)"


def _own(field: Field, condition: Condition, bound: Bound) -> str:
    """A condition over the exchange's own columns."""
    values = condition.values
    if condition.op in COMPARE:
        sign = COMPARE[condition.op]
        each = [f"{field.sql} {sign} {bound.add(number(condition.field, value), 'Float64')}" for value in values]
        return f"ifNull({' AND '.join(each)}, false)"
    if field.type == "number":
        numbers = bound.add([number(condition.field, value) for value in values], "Array(Float64)")
        return f"ifNull(has({numbers}, toFloat64({field.sql})), false)"
    if field.type == "flag":
        truths = bound.add([float(_truth(condition.field, value)) for value in values], "Array(Float64)")
        return f"ifNull(has({truths}, toFloat64({field.sql})), false)"
    if condition.op == "contains":
        parts = bound.add(list(values), "Array(String)")
        if field.type == "list":
            return f"arrayExists(t -> arrayExists(p -> positionCaseInsensitiveUTF8(t, p) > 0, {parts}), {field.sql})"
        return f"arrayExists(p -> positionCaseInsensitiveUTF8({field.sql}, p) > 0, {parts})"
    texts = bound.add(list(values), "Array(String)")
    return f"hasAny({field.sql}, {texts})" if field.type == "list" else f"{field.sql} IN {texts}"
