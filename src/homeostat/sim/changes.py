"""What a scenario changes in the world, and how strongly just now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import Any

from homeostat.sim.people import Chooser, User, Writing, facts
from homeostat.sim.scenario import Effect, Scenario, Served
from homeostat.sim.shop import Intent, shop


class Changes:
    """The effects of a scenario at the exchange in hand, until somebody does what is right.

    What customers do (`strength`) goes on then; what goes wrong (`harm`) is over: everywhere, or on a release."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._healed: int | None = None
        self._cured: set[str] = set()
        self._kinds: dict[str, list[Effect]] = {}
        for effect in scenario.effects:
            self._kinds.setdefault(effect.kind, []).append(effect)
        self._base = {release.name: _edges(release.faults) for release in scenario.releases}
        self.languages = lru_cache(maxsize=256)(self._languages)
        self.topics = lru_cache(maxsize=256)(self._topics)

    def strength(self, number: int) -> float:
        """How strongly customers have changed at this exchange."""
        return self.scenario.intensity(number)

    def harm(self, number: int, release: str = "") -> float:
        """How strongly things go wrong at this exchange, where this release answers."""
        over = self._healed is not None and number >= self._healed
        return 0.0 if over or release in self._cured else self.scenario.intensity(number)

    @property
    def healed(self) -> bool:
        """Somebody did what was right, for all releases."""
        return self._healed is not None

    def heal(self, number: int) -> None:
        """From this exchange on nothing goes wrong any more."""
        self._healed = number if self._healed is None else self._healed

    def learn(self, release: Served, *, cured: bool) -> None:
        """A release that the story did not know. `cured`: what goes wrong does not concern it."""
        self._base[release.name] = _edges(release.faults)
        if cured:
            self._cured.add(release.name)

    def judging(self, number: int) -> list[tuple[float, Effect]]:
        """What happens to the judge at this exchange: how strongly, and what."""
        strength = self.harm(number)
        return [(strength, effect) for effect in self._kinds.get("judge", ())] if strength else []

    def value(self, kind: str, name: str, strength: float, rest: float) -> float:
        """A number of an effect, between `rest` (nothing happens) and what the file says."""
        if not strength:
            return rest
        for effect in self._kinds.get(kind, ()):
            if name in effect.values:
                return rest + (float(effect.values[name]) - rest) * strength
        return rest

    def word(self, kind: str, name: str) -> str:
        """A word of an effect."""
        found = [effect.values[name] for effect in self._kinds.get(kind, ()) if name in effect.values]
        return str(found[0]) if found else ""

    def fault(self, release: Served, intent: Intent, user: User, harm: float, throw: float) -> str:
        """What goes wrong with this answer, if anything: what is planted first, then what the release does anyway."""
        taken = 0.0
        if harm:
            for effect in self._kinds.get("answers", ()):
                if _concerns(effect, release, intent, user):
                    taken += (1.0 - taken) * effect.values["share"] * harm
                    if throw < taken:
                        return str(effect.values["fault"])
        throw = (throw - taken) / (1.0 - taken) if taken < 1.0 else 1.0
        for edge, fault in self._base[release.name]:
            if throw < edge:
                return "" if fault == "wrong_language" and user.language == "en" else fault
        return ""

    def writing(self, strength: float) -> Writing:
        """How questions are written."""
        if not strength or "writing" not in self._kinds:
            return _PLAIN
        rests = {"slang": 0.0, "synonyms": 0.0, "longer": 1.0}
        return Writing(**{name: self.value("writing", name, strength, rest) for name, rest in rests.items()})

    def _languages(self, strength: float) -> Chooser:
        """Who writes in which language."""
        shares: dict[str, float] = dict(facts()["segments"]["language"])
        for effect in self._kinds.get("languages", ()) if strength else ():
            for name, share in effect.values["shares"].items():
                shares[name] += (share - shares[name]) * strength
            shares["en"] = 1.0 - sum(share for name, share in shares.items() if name != "en")
        return Chooser(shares)

    def _topics(self, language: str, strength: float) -> Chooser:
        """What is asked in a language: numbers of intents."""
        factors: Mapping[str, float] = {}
        for effect in self._kinds.get("topics", ()) if strength else ():
            factors = {name: 1.0 + (factor - 1.0) * strength for name, factor in effect.values["groups"].items()}
        return Chooser({
            str(number): intent.weight * factors.get(intent.group, 1.0)
            for number, intent in enumerate(shop().intents) if language in intent.said
        })  # fmt: skip


_PLAIN = Writing()


def _edges(faults: Mapping[str, float]) -> list[tuple[float, str]]:
    total, edges = 0.0, []
    for fault, share in faults.items():
        total += share
        edges.append((total, fault))
    return edges


def _concerns(effect: Effect, release: Served, intent: Intent, user: User) -> bool:
    where: Mapping[str, Any] = effect.where
    if effect.values["fault"] == "wrong_language" and user.language == "en":
        return False
    if not where:
        return True
    own = {"release": release.name, "group": intent.group, "topic": intent.topic}
    return user.lies_in(where) and all(own[name] in allowed for name, allowed in where.items() if name in own)


def chance(random: Random, share: float) -> bool:
    """Does something of this probability happen? Without a throw where it cannot."""
    return share > 0.0 and random.random() < share
