"""Small logistic models as plain numbers. `python -m bench.train_scorers` writes them from the tuning half of our own cases."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from homeostat.analyze.scorers.case import Case, Scored, judged
from homeostat.analyze.text.words import bounded, plain, words

#: Why there is no judgement, or none but the worst, of an answer that is none.
SILENT: Final = "the answer is empty"


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of named features. Features that it does not know weigh nothing."""

    bias: float
    weights: Mapping[str, float]

    def value(self, features: Mapping[str, float]) -> float:
        """The probability that an exchange with these features is good."""
        total = self.bias + sum([self.weights.get(name, 0.0) * value for name, value in features.items()])
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))

    def pulls(self, features: Mapping[str, float]) -> list[tuple[str, float]]:
        """Which features pulled the value down, the strongest first."""
        parts = [(name, self.weights.get(name, 0.0) * value) for name, value in features.items()]
        return sorted((part for part in parts if part[1] < -0.05), key=lambda part: part[1])


def learned(
    name: str,
    case: Case,
    features: Callable[[Case], Mapping[str, float]],
    reason: Callable[[Case, Mapping[str, float], float], Any],
) -> Scored:
    """A case by the model of a scorer: its features, the value, and why. Who says nothing is never good."""
    if silent(case):
        return judged(0.0, SILENT)
    found = features(case)
    value = model(name).value(found)
    return judged(value, reason(case, found, value))


def silent(case: Case) -> bool:
    """There is no answer. That is no good one; but it does no harm to anybody."""
    return not words(bounded(plain(case.output)))


@lru_cache(maxsize=32)
def model(name: str) -> Model:
    """The model of a scorer."""
    place = files("homeostat.analyze") / "scorers" / "weights" / f"{name}.json"
    held = json.loads(place.read_text(encoding="utf-8"))
    return Model(held["bias"], held["weights"])
