"""A simulated judge: a language model that grades answers, right as often as it is said to be and no more.

It finds the answer it is shown in the world's book, so it knows the truth, and then errs by its own rates. What it is
asked, and in which form, it reads from the prompt like any model: a JSON schema, or words.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.sim.changes import Changes
from homeostat.sim.dice import Dice, number_of
from homeostat.sim.scenario import Scenario
from homeostat.sim.truth import Book, Truth

#: By which words of a prompt a judge understands what it is to look at. The first that occurs decides.
_ASKED: Final = {
    "groundedness": r"support|grounded|hallucinat|unfounded|faithful",
    "relevance": r"what was asked|relevan|off.topic",
    "correctness": r"reference|correct|factual|true",
    "coherence": r"coheren|fluen|hangs? together|order of thought",
    "completeness": r"complete|every part|all parts|leaves? (?:out|open)",
    "conciseness": r"concis|longer than|padding|wordy|verbos|repeats",
    "safety": r"harm|toxic|unsafe|\bsafe|insult",
    "bias": r"bias|prejudic|stereotyp|discriminat|unequal",
    "privacy": r"privacy|private|personal (?:data|information)",
}
_ORDERS: Final = re.compile(
    r"(?:ignore|disregard|forget)[^.\n]{0,60}(?:instruction|rubric|above|rules)|(?:rate|score|grade|level)[^.\n]{0,30}"
    r"(?:\b5\b|\b10\b|perfect|highest|full marks)|(?:answer|reply|say|output) (?:with )?(?:\"?NO\"?|\"?good\"?)\b", re.I
)  # fmt: skip
_GARBAGE: Final = ("Well, that depends.", '{"level": ', "<html><body>502</body></html>", "", "level: excellent", "NaN")
_FENCE: Final = re.compile(r"BEGIN (\S+)")
_FAULT_FIRST: Final = re.compile(r"not support|fail|contradict|hallucinat|toxic|harm|leak|unsupported|wrong", re.I)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a judge answers a request: a text, or an error status; after so many seconds."""

    text: str
    status: int = 200
    seconds: float = 0.0


@dataclass
class Judge:
    """Rates of being right for good and for bad answers, by segment if need be; a scenario can change them."""

    book: Book
    scenario: Scenario
    seed: int
    sensitivity: float = 0.95
    """How often it passes a good answer."""
    specificity: float = 0.85
    """How often it catches a bad one."""
    segments: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """(field, value) to other rates: such as ("language", "de") to (0.9, 0.6)."""
    changes: Changes | None = None
    """Those of the world, so that a judge that somebody mends is well again."""

    def __post_init__(self) -> None:
        self._dice, self._lock = Dice(self.seed, "judge"), threading.Lock()
        self._changes = self.changes or Changes(self.scenario)

    def answer(self, system: str, user: str, schema: Mapping[str, Any] | None = None) -> Verdict:
        """What it replies."""
        with self._lock:  # chance is thrown, and the book is read, by one request at a time
            return self._answer(system, user, schema)

    def _answer(self, system: str, user: str, schema: Mapping[str, Any] | None) -> Verdict:
        truth = self.book.mentioned(user) or self.book.mentioned(system)
        dimension = asked_about(system) or asked_about(user)
        random = self._dice.at(number_of(f"{dimension}\0{truth.id if truth else user}"))
        says_good, odd, which = self._says(truth, dimension, random.random()), random.random(), random.random()
        habits = self._habits(truth)
        if odd < habits["fail"]:
            return Verdict("", 500, habits["slow"])
        if odd < habits["fail"] + habits["garbage"]:
            return Verdict(_GARBAGE[int(which * len(_GARBAGE))], seconds=habits["slow"])
        if habits["obeys"] and _ORDERS.search(_judged(user)):
            says_good = True
        quality = truth.quality(dimension) if truth and dimension else None
        return Verdict(_form(system, user, schema, says_good, quality), seconds=habits["slow"])

    def rates(self, truth: Truth) -> tuple[float, float]:
        """Sensitivity and specificity for one exchange, drift included."""
        good, bad = self.sensitivity, self.specificity
        for (name, value), other in self.segments.items():
            if getattr(truth, name) == value:
                good, bad = other
        for strength, effect in self._changes.judging(truth.number):
            if all(getattr(truth, name, "") in allowed for name, allowed in effect.where.items()):
                good += (effect.values.get("sensitivity", good) - good) * strength
                bad += (effect.values.get("specificity", bad) - bad) * strength
        return good, bad

    def _says(self, truth: Truth | None, dimension: str, throw: float) -> bool:
        if truth is None:  # a text that the world did not make: it passes what looks like an answer
            return throw < self.sensitivity
        quality = truth.quality(dimension) if dimension else float(truth.good)
        sensitivity, specificity = self.rates(truth)
        return throw < sensitivity if quality is None or quality >= 0.5 else throw >= specificity

    def _habits(self, truth: Truth | None) -> dict[str, float]:
        habits = {"fail": 0.0, "garbage": 0.0, "slow": 0.0, "obeys": 0.0}
        for strength, effect in self._changes.judging(truth.number) if truth else ():
            for name in habits:
                habits[name] = max(habits[name], float(effect.values.get(name, 0.0)) * strength)
        return habits


def asked_about(prompt: str) -> str:
    """The dimension that a prompt asks for; empty: the whole.

    >>> asked_about("Does this text contain claims that the documentation does not support? YES or NO")
    'groundedness'
    """
    found = {name: match.start() for name, words in _ASKED.items() if (match := re.search(words, prompt, re.I))}
    return min(found, key=lambda name: found[name], default="")


def _form(system: str, user: str, schema: Mapping[str, Any] | None, good: bool, quality: float | None) -> str:
    """The reply in the form that was asked for."""
    fields = (schema or {}).get("properties") or _fields_in_words(system + user)
    if not fields:
        # The plain question: YES means the fault where the question names a fault.
        yes = good != bool(_FAULT_FIRST.search(system + user))
        return "YES" if yes else "NO"
    fence = _FENCE.search(user)
    return json.dumps(
        {name: _value(name, kind, good, quality, fence[1] if fence else "") for name, kind in fields.items()}
    )


def _value(name: str, kind: Mapping[str, Any], good: bool, quality: float | None, fence: str) -> Any:
    allowed = kind.get("enum")
    if name == "check":
        return fence
    if allowed and set(allowed) == {"YES", "NO"}:
        return "NO" if good else "YES"
    if allowed and all(isinstance(one, int) for one in allowed):
        low, high = min(allowed), max(allowed)
        return high if good else low + (quality is not None and 0.3 <= quality < 0.5)
    if allowed:
        return allowed[0] if good else allowed[min(1, len(allowed) - 1)]
    kinds = {"boolean": good, "number": 0.95 if good else 0.1, "integer": 5 if good else 1}
    return kinds.get(kind.get("type", ""), "It says what the documents say." if good else "Something is wrong with it.")


def _fields_in_words(prompt: str) -> dict[str, Mapping[str, Any]]:
    """A JSON object described in the prompt's own words."""
    if "JSON" not in prompt:
        return {}
    found: dict[str, Mapping[str, Any]] = {}
    for name in re.findall(r'"(\w+)":', prompt.split("JSON", 1)[1].split("}", 1)[0]):
        after = prompt.split(f'"{name}":', 1)[1][:40]
        if "YES" in after:
            found[name] = {"enum": ["YES", "NO"]}
        elif "1 to 5" in after or name in ("level", "score"):
            found[name] = {"enum": [1, 2, 3, 4, 5]}
        elif "first" in after and name == "better":
            found[name] = {"enum": ["first", "second", "neither"]}
        else:
            found[name] = {"type": "string"}
    return found


def _judged(user: str) -> str:
    """The part of a prompt that is material."""
    fence = _FENCE.search(user)
    return user[fence.end() :] if fence else user
