"""Classifiers of the user as scorers: anything with `predict_proba`, or a limit on what a row says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged


class Probable(Protocol):
    """What scikit-learn's classifiers and pipelines offer."""

    @property
    def classes_(self) -> Sequence[Any]:
        """The labels, in the order of the columns."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> Any:
        """A row of probabilities for each text."""
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained model that reads the output (or another field) as text; the value is the probability of the good label."""

    name: str
    model: Probable
    good: Any = 1
    field: str = "output"
    dimension: str = "custom"
    rung: ClassVar[Rung] = "model"

    def score(self, case: Case) -> Scored | Unscored:
        """What the model says."""
        text = getattr(case, self.field, None)
        if not isinstance(text, str) or not text.strip():
            return Unscored(f"no {self.field} to classify")
        labels = list(self.model.classes_)
        if self.good not in labels:
            return Unscored(f"the model knows no label {self.good!r}; it knows {', '.join(map(repr, labels))}"[:300])
        value = float(self.model.predict_proba([text])[0][labels.index(self.good)])
        return judged(value, f"{self.good!r} with probability {value:.3f}")


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that the row carries (latency, tokens, cost), against the most that is fine.

    >>> Limit("latency", ("latency_ms",), 2000.0, "speed").score(Case("Yes.", metadata={"latency_ms": 4000})).value
    0.5
    """

    name: str
    fields: tuple[str, ...]
    most: float
    dimension: str
    rung: ClassVar[Rung] = "model"

    def __post_init__(self) -> None:
        if not self.most > 0 or not self.fields:
            raise ValueError("most is above 0, and fields names one")

    def score(self, case: Case) -> Scored | Unscored:
        """1 up to the limit, then less: half at twice as much."""
        for field in self.fields:
            value = case.metadata.get(field)
            if isinstance(value, str):
                try:
                    value = float(value)
                except ValueError:
                    continue
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                return judged(
                    min(1.0, self.most / value) if value else 1.0, f"{field} {value:g}, at most {self.most:g}"
                )
        return Unscored(f"the row says nothing of {' or '.join(self.fields)}")


LIMITS = (
    Limit("latency", ("latency_ms", "duration_ms"), 10_000.0, "speed"),
    Limit("tokens", ("total_tokens", "output_tokens"), 4_000.0, "cost"),
    Limit("cost", ("cost_usd", "cost"), 0.05, "cost"),
)
