"""The table of scorers, and the two doors for scorers of others: an entry point and a decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from homeostat.analyze.scorers.bias import Bias
from homeostat.analyze.scorers.case import Case, Rung, Scored, Scorer, Unscored, judged
from homeostat.analyze.scorers.classifier import LIMITS
from homeostat.analyze.scorers.coherence import Coherence
from homeostat.analyze.scorers.completeness import Completeness
from homeostat.analyze.scorers.conciseness import Conciseness
from homeostat.analyze.scorers.correctness import Correctness
from homeostat.analyze.scorers.engine import ENGINE
from homeostat.analyze.scorers.factuality import Factuality
from homeostat.analyze.scorers.groundedness import Groundedness
from homeostat.analyze.scorers.measured import MEASURED
from homeostat.analyze.scorers.privacy import Privacy
from homeostat.analyze.scorers.relevance import Relevance
from homeostat.analyze.scorers.safety import Safety

TABLE: Final[tuple[Scorer, ...]] = (
    Relevance(),
    Groundedness(),
    Correctness(),
    Factuality(),
    Coherence(),
    Completeness(),
    Conciseness(),
    Safety(),
    Bias(),
    Privacy(),
    *MEASURED,
    *LIMITS,
)
GROUP: Final = "homeostat.scorers"
_decorated: dict[str, Scorer] = {}


class NotAScorer(ValueError):
    """A name that stands for no scorer, or an object that is none."""


@dataclass(frozen=True, slots=True)
class Function:
    """A plain function as a scorer. It answers a number from 0 to 1, a bool, `(value, reason)`, `Scored` or `Unscored`."""

    name: str
    dimension: str
    rung: Rung
    function: Callable[[Case], Any]

    def score(self, case: Case) -> Scored | Unscored:
        """What the function says; what it raises is a reason, never a pass."""
        try:
            found = self.function(case)
        except Exception as error:  # Code of others: one bad scorer must not stop the rest.
            return Unscored(f"{type(error).__name__}: {error}"[:300])
        if isinstance(found, Scored | Unscored):
            return found
        value, reason = found if isinstance(found, tuple) and len(found) == 2 else (found, "")
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            return Unscored(f"answered {value!r:.80}, not a number from 0 to 1")
        return judged(float(value), reason)


def scorer(
    name: str, *, dimension: str = "custom", rung: Rung = "model"
) -> Callable[[Callable[[Case], Any]], Callable[[Case], Any]]:
    """Make a function a scorer of this process.

    >>> @scorer("polite")
    ... def polite(case):
    ...     return "please" in case.output.lower()
    >>> find("polite").score(Case("Please wait.")).value
    1.0
    """

    def register(function: Callable[[Case], Any]) -> Callable[[Case], Any]:
        _decorated[name] = Function(name, dimension, rung, function)
        return function

    return register


def registered(one: Scorer) -> Scorer:
    """Make a scorer known to this process. One of ours is never replaced. Raises NotAScorer."""
    if one.name in ENGINE or any(one.name == ours.name for ours in TABLE):
        raise NotAScorer(f"{one.name} is a scorer of ours: choose another name")
    _decorated[one.name] = one
    return one


def scorers() -> Mapping[str, Scorer]:
    """All scorers by name: the table's, then installed ones, then this process' own."""
    found: dict[str, Scorer] = {one.name: one for one in TABLE}
    for point in entry_points(group=GROUP):
        if point.name not in found:
            found[point.name] = _checked(point.load(), point.name)
    return found | _decorated


def find(name: str) -> Scorer:
    """A scorer by name, or by place (`package.module:attribute`). Raises NotAScorer with the names that there are."""
    known: Mapping[str, Scorer] = {one.name: one for one in TABLE} | _decorated
    if name in known:
        return known[name]
    module, colon, attribute = name.partition(":")
    if colon:
        try:
            return _checked(getattr(import_module(module), attribute), attribute)
        except (ImportError, AttributeError) as error:
            raise NotAScorer(f"{name}: {error}") from error
    if name in ENGINE:
        raise NotAScorer(
            f"{name} is a scorer of the engine: it runs on live traffic, its history, and files (homeostat score), not in Python"
        )
    everything = scorers()
    if name in everything:
        return everything[name]
    raise NotAScorer(f"there is no scorer {name}; there are {', '.join(everything)}")


def _checked(found: Any, name: str) -> Scorer:
    """An instance of a scorer from what an entry point or a place names."""
    if isinstance(found, type) and is_dataclass(found):
        found = found()
    if isinstance(found, Scorer):
        return found
    if callable(found):
        return Function(name, "custom", "model", found)
    raise NotAScorer(f"{name} is neither a scorer nor a function")
