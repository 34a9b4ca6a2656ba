"""What people write for a measure: `p95(latency)`, `mean(score.relevance)`, `share(signal.thumbs=-1)`, `count`.

Read from left to right, one character at a time; a mistake is answered with where it stands and what is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.fields import FAMILIES, Op
from homeostat.store.warehouse.questions.filters import Condition
from homeostat.store.warehouse.questions.measures.names import NUMBERS, UNIQUE
from homeostat.store.warehouse.questions.refused import Refused

Stat = Literal["count", "rate", "share", "mean", "sum", "min", "max", "quantile", "unique", "coverage"]

MAX_MEASURES: Final = 12
MAX_LENGTH: Final = 300
_STATS: Final[dict[str, Stat]] = {
    "mean": "mean",
    "avg": "mean",
    "sum": "sum",
    "min": "min",
    "max": "max",
    "unique": "unique",
    "coverage": "coverage",
}
_COMPARE: Final[tuple[tuple[str, Op], ...]] = (
    ("!=", "not"), ("<=", "lte"), (">=", "gte"), ("=", "is"), ("<", "lt"), (">", "gt"),
)  # fmt: skip
_KNOWN: Final = (
    "count, share(...), rate, rate(...), mean(...), sum(...), min(...), max(...), p1 to p99(...), unique(...), "
    "coverage(score.<name>)"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: a statistic of a numeric field, or of how many exchanges fulfil a condition."""

    text: str
    stat: Stat
    field: str = ""
    level: float = 0.0
    condition: Condition | None = None


def parse(texts: Iterable[str]) -> tuple[Measure, ...]:
    """Measures, separated by commas (or `|`) or given apart. The same one twice is one."""
    found: dict[str, Measure] = {}
    for text in texts:
        scanner = _Scanner(text)
        while True:
            measure = scanner.measure()
            found.setdefault(measure.text, measure)
            if scanner.done():
                break
    if not found:
        raise Refused("Say what to measure.", hint=f"measure= takes {_KNOWN}.")
    if len(found) > MAX_MEASURES:
        raise Refused(f"At most {MAX_MEASURES} measures at once.")
    return tuple(found.values())


class _Scanner:
    """A text and how far it was read."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise Refused(f"A measure is at most {MAX_LENGTH} characters long.")
        self._text = text
        self._at = 0

    def measure(self) -> Measure:
        """The measure that begins here."""
        self._blanks()
        start = self._at
        stat = self._until("(,| ").lower()
        argument = self._peek() == "("
        if stat in ("count", "rate") and not argument:
            return Measure(stat, "count" if stat == "count" else "rate")
        if not argument:
            raise self._refused(start, f"{stat or 'nothing'!r} is not a measure", _KNOWN)
        self._at += 1
        measure = self._called(stat, start)
        self._blanks()
        if self._peek() != ")":
            raise self._refused(self._at, "expected )", "")
        self._at += 1
        return measure

    def done(self) -> bool:
        """Whether that was the last one; reads the separator."""
        self._blanks()
        if self._at >= len(self._text):
            return True
        if self._peek() not in ",|":
            raise self._refused(self._at, "expected a comma", "")
        self._at += 1
        return False

    def _called(self, stat: str, start: int) -> Measure:
        if stat in ("share", "rate", "count"):
            condition = self._condition()
            name: Stat = "share" if stat == "share" else "rate" if stat == "rate" else "count"
            return Measure(f"{stat}({_shown(condition)})", name, condition=condition)
        level = _level(stat)
        if level is None and stat not in _STATS:
            raise self._refused(start, f"{stat!r} is not a measure", _KNOWN)
        at = self._at
        field = self._field()
        if stat == "unique":
            if field not in UNIQUE:
                raise self._refused(at, f"cannot count different {field!r}", ", ".join(UNIQUE))
            return Measure(f"unique({field})", "unique", field)
        family = field.partition(".")[0]
        if stat == "coverage" and family != "score":
            raise self._refused(at, "only scores have a coverage", "coverage(score.<name>)")
        if field not in NUMBERS and not (family in FAMILIES and "." in field):
            raise self._refused(
                at, f"{field!r} is not a number", ", ".join([*NUMBERS, *(f"{f}.<name>" for f in FAMILIES)])
            )
        field = NUMBERS.get(field, field)
        if level is not None:
            return Measure(f"{stat}({field})", "quantile", field, level)
        return Measure(f"{_STATS[stat]}({field})", _STATS[stat], field)

    def _condition(self) -> Condition:
        at = self._at
        field = self._field()
        self._blanks()
        op = self._comparison()
        self._blanks()
        value = self._value()
        key = field if op == "is" else f"{field}.{op}"
        try:
            [condition] = filters.parse([(key, value)]).conditions
        except Refused as refused:
            raise self._refused(at, refused.message.rstrip("."), refused.hint) from None
        except ValueError:
            raise self._refused(
                at, "full text cannot be measured", "share(model=...), share(score.<name><0.5)"
            ) from None
        return condition

    def _comparison(self) -> Op:
        for sign, op in _COMPARE:
            if self._text.startswith(sign, self._at):
                self._at += len(sign)
                return op
        raise self._refused(self._at, "expected a comparison", "= != < <= > >=")

    def _field(self) -> str:
        """A name; what follows `score.`, `signal.`, `attribute.` may stand in quotes."""
        self._blanks()
        start = self._at
        name = self._until("()=<>!,| \"'")
        if name.endswith(".") and self._peek() in "\"'":
            name += self._quoted()
        if not name:
            raise self._refused(start, "expected the name of a field", "")
        return name if name.partition(".")[0] in FAMILIES and "." in name else name.lower()

    def _value(self) -> str:
        if self._peek() in "\"'" and self._peek():
            return self._quoted()
        return self._until(")").strip()

    def _quoted(self) -> str:
        quote, start = self._text[self._at], self._at
        self._at += 1
        out: list[str] = []
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "\\" and self._at + 1 < len(self._text):
                self._at += 1
                sign = self._text[self._at]
            elif sign == quote:
                self._at += 1
                return "".join(out)
            out.append(sign)
            self._at += 1
        raise self._refused(start, "this quote is never closed", "")

    def _until(self, stops: str) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in stops:
            self._at += 1
        return self._text[start : self._at]

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at] == " ":
            self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _refused(self, at: int, message: str, known: str) -> Refused:
        hint = f"Known: {known}" if known and not known.startswith(("Did", "Known")) else known
        return Refused(f"measure, character {at + 1}: {message}.", code="bad_measure", hint=hint)


def _level(stat: str) -> float | None:
    """`p95` is 0.95; also p99.9."""
    if stat == "median":
        return 0.5
    digits = stat[1:]
    if stat[:1] != "p" or not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(digits) > 6:
        return None
    level = float(digits) / 100
    return level if 0 < level < 1 else None


def _shown(condition: Condition) -> str:
    signs: dict[Op, str] = {op: sign for sign, op in _COMPARE}
    name = f"{condition.field}.{condition.name}" if condition.name else condition.field
    return f"{name}{signs.get(condition.op, f'.{condition.op}=')}{condition.values[0]}"
