"""The simulated model: it answers from the documentation, and goes wrong as its release or the scenario says.

A question that the world has planned gets the planned answer. Any other question is understood by its words, so that
whoever types one gets a sensible answer; asked again it gets the same one, until something in the world changes.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from homeostat.sim import people
from homeostat.sim.application import SYSTEM, Conversation, asked
from homeostat.sim.dice import Dice, lasts, number_of
from homeostat.sim.exchange import Exchange
from homeostat.sim.faults import reply
from homeostat.sim.people import Chooser, Crowd
from homeostat.sim.scenario import Served
from homeostat.sim.shop import Intent, shop
from homeostat.sim.world import World

_WORD: Final = re.compile(r"[\w-]{3,}")
#: How telling a word is that none of our questions has.
_STRANGE: Final = 5.5
_UNKNOWN: Final = "I can only help with questions about our shop and its appliances."


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model says, how long it takes, and what it costs."""

    text: str
    model: str
    finish: str = "stop"
    ttft: float = 0.0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass
class Model:
    """The provider's side of a world. `pace`: 1 takes the time that a model takes, 0 none."""

    world: World
    pace: float = 1.0
    planned: dict[str, Exchange] = field(default_factory=dict)
    """Trace id to what the world decided; whoever plans takes it away again."""
    tuned: dict[str, Served] = field(default_factory=dict)
    """Models that were fine-tuned, by name."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._dice, self._crowd = Dice(self.world.seed, "typed"), Crowd(self.world.seed)
        self._english = Chooser({"en": 1.0})

    def complete(
        self, model: str, messages: Sequence[Mapping[str, Any]], *, most: int | None = None, trace: str = ""
    ) -> Completion:
        """One chat completion."""
        plan = self.planned.get(trace)
        system = "\n".join(_text(one) for one in messages if one.get("role") in ("system", "developer"))
        question = next((_text(one) for one in reversed(messages) if one.get("role") == "user"), "")
        with self._lock:  # chance is thrown by one request at a time
            made = self._as_planned(plan) if plan else self._typed(model, system, question)
        size = sum(len(_text(one)) for one in messages) // 4 + 4 * len(messages)
        text, finish = made.text, made.finish
        if most is not None and made.output_tokens > most:
            text, finish = text[: most * 4].rsplit(" ", 1)[0], "length"
        out = min(made.output_tokens, most or made.output_tokens)
        return Completion(
            text, made.model, finish, made.ttft * self.pace, made.seconds * self.pace, size, out, made.reasoning_tokens
        )

    def _as_planned(self, plan: Exchange) -> Completion:
        seconds = (plan.end - plan.begin) / 1e9
        return Completion(plan.answer, plan.answered, plan.finish, plan.ttft, seconds, plan.input_tokens,
                          plan.output_tokens, plan.reasoning_tokens)  # fmt: skip

    def _typed(self, model: str, system: str, question: str) -> Completion:
        """A question that nobody planned: a probe, a person at the keyboard."""
        served = self.tuned.get(model) or self._release(model, system)
        random = self._dice.at(number_of(question))
        intent = understood(question)
        changes = self.world.changes
        harm = changes.harm(self.world.count, served.name)
        text, fault, finish = _UNKNOWN, "", "stop"
        if intent is not None:
            user = self._crowd.user(number_of(question) % 1000, self._english)
            talk = Conversation(0, user, "", 1, people.belongings(random, self.world.now // (86_400 * 10**9)), intent)
            fault = changes.fault(served, intent, user, harm, random.random())
            said = reply(fault, asked(talk), random)
            text, finish = said.text, said.finish
        out = len(text) // 4 + 1
        reasoning = int(out * (changes.value("tokens", "factor", harm, 1.0) - 1.0))
        slower = changes.value("speed", "factor", harm, 1.0)
        ttft = lasts(random, 0.38, 0.35) * slower
        answered = (changes.word("model-name", "answered") if harm else "") or served.answered
        return Completion(
            text, answered, finish, ttft, ttft + (out + reasoning) * 0.011 * slower, 0, out + reasoning, reasoning
        )

    def _release(self, model: str, system: str) -> Served:
        """Which of the application's releases speaks: by its system prompt, else by its model."""
        known = self.world.scenario.releases
        by_prompt = [one for one in known if one.system and one.system.strip()[:200] in system]
        by_model = [one for one in known if one.model == model and (not one.system or SYSTEM[:100] in system)]
        return (by_prompt or by_model or list(known))[0]


def understood(question: str) -> Intent | None:
    """The intent whose phrasings share the rarest words with a question; None: about nothing of ours."""
    words, weights = _index()
    found: dict[int, float] = {}
    asked_for = set(_WORD.findall(question.lower()))
    for word in asked_for:
        for number in words.get(word, ()):
            found[number] = found.get(number, 0.0) + weights[word]
    if not found:
        return None
    number = max(found, key=lambda one: (found[one], -one))
    whole = sum(weights.get(word, _STRANGE) for word in asked_for)
    return shop().intents[number] if found[number] > 0.5 * whole else None


@cache
def _index() -> tuple[dict[str, set[int]], dict[str, float]]:
    """Words to the intents that use them, and how telling each word is."""
    words: dict[str, set[int]] = {}
    for number, intent in enumerate(shop().intents):
        for text in intent.said["en"].ask:
            for word in _WORD.findall(text.lower()):
                words.setdefault(word, set()).add(number)
    return words, {word: math.log(1 + len(shop().intents) / len(numbers)) for word, numbers in words.items()}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, Mapping))


def embedded(text: str, size: int = 64) -> list[float]:
    """A text as a vector: its words, thrown into `size` places; alike texts are near each other."""
    vector = [0.0] * size
    for word in _WORD.findall(text.lower()):
        number = number_of(word)
        vector[number % size] += 1.0 if number & 1 << 20 else -1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [round(value / length, 6) for value in vector]
