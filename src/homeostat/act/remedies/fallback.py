"""Another model behind the same prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from homeostat.act.remedies import routes
from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.records.policy import Policy
from homeostat.records.release import Release
from homeostat.registry import releases
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad


@dataclass(frozen=True, slots=True)
class Fallback:
    """`instead` serves where `leaving` did: a release that exists, or `leaving` with another `model` or `endpoint`.

    >>> Fallback("default", leaving="A", model="gpt-4o-2024-11-20").name
    'A-gpt-4o-2024-11-20'
    """

    answer: ClassVar[str] = "fallback"
    steps: ClassVar[tuple[str, ...]] = ("release", "policy")
    inside: ClassVar[frozenset[str]] = frozenset(("release", "policy"))

    route: str = "default"
    leaving: str = ""
    instead: str = ""
    model: str = ""
    endpoint: str = ""
    holdback: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.holdback <= 0.5:
            raise ValueError("holdback is a share from 0 to 0.5")

    @property
    def name(self) -> str:
        """What the release is called that serves instead."""
        return self.instead or f"{self.leaving}-{(self.model or self.endpoint).replace('/', '-')}"[:100]

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """The release, and shares before and after."""
        made = self._release(effects, action)
        if isinstance(made, Declined):
            return made
        change = routes.planned(effects, action.project, self.route, self._shares)
        if isinstance(change, Declined):
            return change
        now, shares = change
        told = {"release": self.name, "model": made.model, "endpoint": made.endpoint}
        return {**told, **routes.change(now, shares)}

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Make the release; then change the policy."""
        change = routes.planned(effects, action.project, self.route, self._shares)
        if isinstance(change, Declined):
            return change
        _, shares = change
        if step == "release":
            wanted = self._release(effects, action)
            if isinstance(wanted, Declined):
                return wanted
            made = None if self.instead else releases.make(effects.ledger, action.project, wanted, effects.author)
            return made if isinstance(made, Declined) else Told(result={"release": self.name})
        return routes.put(effects, action, self.route, shares)

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """The shares as they were; the release stays, unused."""
        return routes.put_back(effects, action, self.route)

    def _release(self, effects: Effects, action: Action) -> Release | Declined:
        if not (self.instead or self.model or self.endpoint):
            return bad("Say what serves instead: a release (instead), or another model or endpoint.")
        found = releases.find(effects.ledger, action.project, self.instead or self.leaving)
        if isinstance(found, Declined):
            return found
        if self.instead:
            return found.release
        old = found.release
        # A prompt of the registry stands in the release by name and version: its text is looked up again.
        return replace(
            old, name=self.name, model=self.model or old.model, endpoint=self.endpoint or old.endpoint,
            model_version=self.model or old.model_version, implicit=False, fallbacks=(),
        )  # fmt: skip

    def _shares(self, now: Policy) -> dict[str, float] | Declined:
        """What `leaving` has goes to the other, but for the hold-back; where none is named everything does."""
        return routes.moved(now, self.leaving, self.name, 1 - self.holdback) if self.leaving else {self.name: 1.0}
