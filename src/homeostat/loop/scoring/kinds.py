"""From a row of the ledger to something that judges: the kinds of scorers, their settings, the default set."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, cast

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.rubrics import RUBRICS
from homeostat.analyze.scorers.cards import card
from homeostat.analyze.scorers.case import Scorer
from homeostat.analyze.scorers.classifier import Classifier
from homeostat.analyze.scorers.correctness import Correctness
from homeostat.analyze.scorers.embeddings import Embeddings
from homeostat.analyze.scorers.engine import ENGINE, IN_ENGINE, InEngine
from homeostat.analyze.scorers.factuality import Factuality
from homeostat.analyze.scorers.measured import AgainstReference
from homeostat.analyze.scorers.registry import NotAScorer, find, scorers
from homeostat.config import Settings
from homeostat.loop.scoring.matter import UNITS, Unit
from homeostat.store.ledger import Ledger
from homeostat.store.ledger import scorers as scorers_of
from homeostat.store.ledger.scorers import Configured
from homeostat.store.warehouse.questions.feed import REFERENCE

Rung = Literal["engine", "model", "judge"]
#: Of the model rung: those that need neither a reference nor settings of the user.
_DEFAULT_MODELS: Final = (
    "relevance", "groundedness", "coherence", "completeness", "conciseness", "safety", "bias", "privacy",
)  # fmt: skip
JUDGE: Final = "judge"
#: Kinds whose code judges otherwise than it once did, and how often it changed. What another edition says is another
#: version of a scorer, so that no chart breaks in silence.
EDITIONS: Final[dict[str, int]] = {
    "answered": 2, "bias": 6, "coherence": 7, "completeness": 7, "conciseness": 5, "correctness": 5, "factuality": 8,
    "groundedness": 8, "json": 2, "privacy": 4, "relevance": 7, "safety": 8,
}  # fmt: skip
_EDITION: Final = "edition"
#: The edition of judges of a dimension of the user's own, which were asked by the levels of another one at first.
_OWN_WORDS: Final = 2
_LONGEST: Final = 8_000
NO_JUDGE: Final = "No judge is configured: set judge_url and judge_model."


class BadScorer(ValueError):
    """A kind that does not exist, or settings that it does not have; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Runnable:
    """A configured scorer and what does its work."""

    configured: Configured
    rung: Rung
    works: InEngine | Scorer | Judge
    unit: Unit = "exchange"

    @property
    def dimension(self) -> str:
        """Which quality it judges."""
        return self.works.dimension

    @property
    def needs_reference(self) -> bool:
        """Whether it says nothing of what does not carry what should have been said."""
        return _needs_reference(self.works)

    @property
    def reads_reference(self) -> bool:
        """Whether it may read that: who needs it, and whoever is not of ours from the beginning."""
        return self.needs_reference or (self.rung == "model" and self.configured.kind not in _DEFAULT_MODELS)


def _needs_reference(works: InEngine | Scorer | Judge) -> bool:
    if isinstance(works, Judge):
        return "reference" in works.rubric.needs
    read = works.field if isinstance(works, Classifier) else works.against if isinstance(works, Embeddings) else ""
    return read == "reference" or isinstance(works, AgainstReference | Correctness)


def needs(each: Runnable, chosen: Settings) -> str:
    """What it does not score without, where that is not given with every exchange; empty: nothing."""
    if each.needs_reference:
        return f"It scores only exchanges that carry what should have been said: the attribute {REFERENCE}."
    if isinstance(each.works, Judge) and not chosen.judge_url:
        return NO_JUDGE
    if isinstance(each.works, Factuality) and not each.works.facts and not chosen.documents:
        return "It scores nothing without facts (--set) or documents of your own (setting documents)."
    return ""


def runnable(configured: Configured) -> Runnable:
    """What does the work of a configured scorer. Raises BadScorer."""
    kind, settings = configured.kind, dict(configured.settings)
    unit = settings.pop("unit", "exchange")
    settings.pop(_EDITION, None)
    if unit not in UNITS:
        raise BadScorer(f"unit is one of {', '.join(UNITS)}.")
    if kind in ENGINE:
        if settings or unit != "exchange":
            raise BadScorer(f"{kind} judges exchanges and has no settings.")
        return Runnable(configured, "engine", ENGINE[kind])
    if kind == JUDGE:
        return Runnable(configured, "judge", _judge(configured.name, settings), unit)
    if ":" in kind:  # a place in code: only what is installed or decorated counts, nothing that a request names
        raise BadScorer("A scorer's kind is a name from the list of kinds, not a place in code.")
    try:
        found = find(kind)
    except NotAScorer as error:
        raise BadScorer(f"There is no kind {kind!r}; there are {', '.join(kinds())}.") from error
    if found.rung in ("judge", "human"):
        raise BadScorer(f"{kind} does not judge by itself.")
    return Runnable(configured, "model", _with(found, settings), unit)


def kinds() -> dict[str, dict[str, Any]]:
    """Every kind with its rung, its dimension, what it measures and its settings."""
    found: dict[str, dict[str, Any]] = {
        each.name: {"rung": "engine", "dimension": each.dimension, "means": each.means, "misses": each.misses,
                    "settings": {}, "needs": ""}
        for each in IN_ENGINE
    }  # fmt: skip
    for name, each in scorers().items():
        if name in ENGINE:  # as `runnable` has it: nobody's scorer takes the place of one of these
            continue
        told = card(name)
        found[name] = {
            "rung": each.rung, "dimension": each.dimension,
            "means": told.means if told else (type(each).__doc__ or "").partition("\n")[0],
            "misses": told.misses if told else "", "settings": _settings(each),
            "needs": REFERENCE if _needs_reference(each) else "",
        }  # fmt: skip
    judge = "A language model judges one dimension by a rubric, reasons before the verdict."
    found[JUDGE] = {
        "rung": "judge", "dimension": "", "means": judge, "misses": "Judges err in a direction: compare with people.",
        "settings": {field.name: _plain(field.default) for field in fields(Judge)}, "needs": "",
    }  # fmt: skip
    return found


def defaults(project: str) -> list[Configured]:
    """What every project starts with."""
    return [today(Configured(project, name, 1, name)) for name in (*ENGINE, *_DEFAULT_MODELS)]


def current(ledger: Ledger, project: str, *, at: datetime) -> list[Configured]:
    """The scorers of a project: the default set to begin with, and each as its code judges today."""
    scorers_of.ensure(ledger, project, defaults(project), at=at)
    return [_renewed(ledger, each, at) for each in scorers_of.current(ledger, project)]


def today(configured: Configured) -> Configured:
    """With the edition that its kind has now."""
    edition = _OWN_WORDS if _own_words(configured) else EDITIONS.get(configured.kind, 1)
    settings = {name: value for name, value in configured.settings.items() if name != _EDITION}
    return replace(configured, settings=settings | ({_EDITION: edition} if edition > 1 else {}))


def _own_words(configured: Configured) -> bool:
    """A judge of a dimension of the user's own, who gave it no levels."""
    given = configured.settings
    own = configured.kind == JUDGE and given.get("dimension", configured.name) not in RUBRICS
    return own and given.get("form", "rubric") == "rubric" and not given.get("levels")


def _renewed(ledger: Ledger, configured: Configured, at: datetime) -> Configured:
    now = today(configured)
    return configured if now == configured else scorers_of.put(ledger, now, at=at, author="homeostat")


def _judge(name: str, settings: dict[str, Any]) -> Judge:
    given = {"dimension": name} | settings
    for several in ("levels", "jury"):
        if isinstance(given.get(several), list):
            given[several] = tuple(str(one) for one in given[several])
    wrong = [key for key, value in given.items() if not isinstance(value, str | tuple) or len(str(value)) > _LONGEST]
    if wrong:
        raise BadScorer(f"{wrong[0]} is a text, or a list of texts, of at most {_LONGEST} characters.")
    try:
        return Judge(**given)
    except (TypeError, ValueError) as error:
        raise BadScorer(f"This judge cannot be: {error}") from error


def _with(found: Scorer, settings: dict[str, Any]) -> Scorer:
    if not settings:
        return found
    known = _settings(found)
    unknown = sorted(settings.keys() - known.keys())
    if unknown:
        raise BadScorer(f"{found.name} has no setting {unknown[0]!r}; it has {', '.join(known) or 'none'}.")
    wrong = [name for name, value in settings.items() if known[name] is not None and not _alike(value, known[name])]
    if wrong:
        raise BadScorer(f"{found.name}: {wrong[0]} must be like {known[wrong[0]]!r}.")
    if not 0 <= settings.get("threshold", 0.5) <= 1:
        raise BadScorer(f"{found.name}: threshold is from 0 to 1.")
    try:
        return cast(Scorer, replace(cast(Any, found), **settings))
    except (TypeError, ValueError) as error:
        raise BadScorer(f"{found.name}: {error}.") from error


def _settings(found: Scorer) -> dict[str, Any]:
    """Fields that a person may set, with their values: plain ones only."""
    if not is_dataclass(found):
        return {}
    given = {field.name: getattr(found, field.name) for field in fields(found)}
    fixed = ("name", "dimension", "rung", "function", "metric", "scale")
    return {
        name: value
        for name, value in given.items()
        if name not in fixed and (value is None or isinstance(value, str | int | float | bool | tuple))
    }


def _plain(default: Any) -> Any:
    return default if isinstance(default, str | int | float | bool) else list(default) if default == () else ""


def _alike(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(isinstance(one, str) and one.strip() for one in value)
    return isinstance(value, type(default))
