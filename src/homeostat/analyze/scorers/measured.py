"""The automated metrics as scorers: against a reference, or on the output alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from homeostat.analyze.metrics.bleu import bleu
from homeostat.analyze.metrics.chrf import chrf
from homeostat.analyze.metrics.embedding import similarity
from homeostat.analyze.metrics.language import language
from homeostat.analyze.metrics.overlap import exact_match, fuzzy_match, token_f1
from homeostat.analyze.metrics.rouge import rouge_1, rouge_2, rouge_l, rouge_lsum
from homeostat.analyze.metrics.structure import matches, parse, schema_errors
from homeostat.analyze.metrics.variety import distinct, length, reading_ease, repetition
from homeostat.analyze.scorers.case import Case, Rung, Scored, Scorer, Unscored, judged
from homeostat.analyze.text.words import bounded

# Above this many characters, or lines, a text is judged by its beginning and its end: the work grows with the square.
_LONG: Final = 20_000
_LINES: Final = 500
_CODE: Final = re.compile(r"(?:[a-z]{2})?")


@dataclass(frozen=True, slots=True)
class AgainstReference:
    """How much of the reference is in the output, by one of the metrics.

    >>> AgainstReference("exact", exact_match).score(Case("Paris.", reference="paris")).value
    1.0
    """

    name: str
    metric: Callable[[str, str], float]
    scale: float = 1.0
    dimension: str = "correctness"
    rung: ClassVar[Rung] = "model"

    def score(self, case: Case) -> Scored | Unscored:
        """The metric, from 0 to 1."""
        if not case.reference.strip():
            return Unscored("no reference to compare with")
        value = self.metric(bounded(case.output, _LONG), bounded(case.reference, _LONG)) / self.scale
        return judged(value, f"{self.name} {value:.3f}")


@dataclass(frozen=True, slots=True)
class OfOutput:
    """A property of the output alone, from 0 to 1.

    >>> OfOutput("varied", lambda text: distinct(text, 1), "coherence").score(Case("so so so so")).value
    0.25
    """

    name: str
    metric: Callable[[str], float | None]
    dimension: str
    rung: ClassVar[Rung] = "model"

    def score(self, case: Case) -> Scored | Unscored:
        """The property."""
        if not case.output.strip():
            return judged(0.0, "the answer is empty")
        value = self.metric(bounded(case.output, _LONG))
        return Unscored("no words to judge") if value is None else judged(value, f"{self.name} {value:.3f}")


@dataclass(frozen=True, slots=True)
class Json:
    """Whether the output is JSON and, with a schema, fits it.

    >>> Json().score(Case('{"a": 1')).label
    'bad'
    """

    name: ClassVar[str] = "json"
    dimension: ClassVar[str] = "format"
    rung: ClassVar[Rung] = "model"
    schema: dict[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if self.schema is not None:
            schema_errors(None, self.schema)

    def score(self, case: Case) -> Scored | Unscored:
        """1 or 0, with what is wrong."""
        value, wrong = parse(case.output)
        if wrong:
            return judged(0.0, wrong)
        try:
            errors = schema_errors(value, self.schema) if self.schema is not None else []
        except ValueError as error:  # half a character, which no text of UTF-8 holds
            return Unscored(str(error))
        return judged(0.0 if errors else 1.0, "; ".join(errors) or "valid")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Whether a pattern (RE2, linear time) is found in the output; `absent`: whether it is not.

    >>> Pattern(pattern="^[A-Z]{3}$").score(Case("ABC")).value
    1.0
    """

    name: ClassVar[str] = "pattern"
    dimension: ClassVar[str] = "format"
    rung: ClassVar[Rung] = "model"
    pattern: str = r"\S"
    absent: bool = False

    def __post_init__(self) -> None:
        matches(self.pattern, "")

    def score(self, case: Case) -> Scored | Unscored:
        """1 or 0."""
        if not case.output.strip():
            return judged(0.0, "the answer is empty")
        try:
            found = matches(self.pattern, case.output)
        except ValueError as error:  # as above
            return Unscored(str(error))
        return judged(float(found != self.absent), "found" if found else "not found")


@dataclass(frozen=True, slots=True)
class Length:
    """Whether the output has as many words as wanted.

    >>> Length(most=3).score(Case("one two three four")).value
    0.75
    """

    name: ClassVar[str] = "length"
    dimension: ClassVar[str] = "conciseness"
    rung: ClassVar[Rung] = "model"
    least: int = 1
    most: int = 400

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most or not self.most:
            raise ValueError("least is from 0 to most, and most is above 0")

    def score(self, case: Case) -> Scored | Unscored:
        """1 inside the limits, less the farther outside."""
        count = length(case.output)
        value = count / self.least if count < self.least else min(1.0, self.most / max(1, count))
        return judged(value, f"{count} words")


@dataclass(frozen=True, slots=True)
class Language:
    """Whether the output is in the language of the input, or in the one that was set.

    >>> Language().score(Case("Ja, der Laden ist heute geöffnet.", input="Is the shop open today, please?")).label
    'bad'
    """

    name: ClassVar[str] = "language"
    dimension: ClassVar[str] = "relevance"
    rung: ClassVar[Rung] = "model"
    wanted: str = ""

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.wanted):
            raise ValueError("wanted is a code of two letters: en, de, fr")

    def score(self, case: Case) -> Scored | Unscored:
        """How sure it is that the language is right."""
        if not case.output.strip():
            return judged(0.0, "the answer is empty")
        wanted, sure = (self.wanted, 1.0) if self.wanted else language(case.input)
        given, sure_too = language(case.output)
        if not wanted or not given or min(sure, sure_too) < 0.8:
            return Unscored("too little text to tell the language")
        return judged(float(given == wanted), f"{given}, wanted {wanted}")


@dataclass(frozen=True, slots=True)
class Similarity:
    """The cosine of output and reference (else input) by the embedding that needs no model.

    >>> Similarity().score(Case("Refunds take five days.", reference="A refund needs five days.")).label
    'good'
    """

    name: ClassVar[str] = "similarity"
    dimension: ClassVar[str] = "relevance"
    rung: ClassVar[Rung] = "model"

    def score(self, case: Case) -> Scored | Unscored:
        """The cosine."""
        other = case.reference or case.input
        if not other.strip():
            return Unscored("neither a reference nor a question to compare with")
        value = similarity(case.output, other)
        return judged(value, f"cosine {value:.3f}")


def _by_line(output: str, reference: str) -> float:
    return rouge_lsum(_few_lines(output), _few_lines(reference))


def _few_lines(text: str) -> str:
    lines = text.split("\n")
    return text if len(lines) <= _LINES else "\n".join(lines[: _LINES // 2] + lines[-_LINES // 2 :])


def _ease(text: str) -> float | None:
    value = reading_ease(text)
    return None if value is None else min(1.0, max(0.0, value / 100))


MEASURED: Final[tuple[Scorer, ...]] = (
    AgainstReference("rouge-1", rouge_1),
    AgainstReference("rouge-2", rouge_2),
    AgainstReference("rouge-l", rouge_l),
    AgainstReference("rouge-lsum", _by_line),
    AgainstReference("bleu", bleu, scale=100),
    AgainstReference("chrf", chrf, scale=100),
    AgainstReference("exact", exact_match),
    AgainstReference("fuzzy", fuzzy_match),
    AgainstReference("token-f1", token_f1),
    OfOutput("distinct-2", distinct, "coherence"),
    OfOutput("unrepeated-4", lambda text: 1 - repetition(text), "coherence"),
    OfOutput("readability", _ease, "coherence"),
    Json(),
    Pattern(),
    Length(),
    Language(),
    Similarity(),
)
