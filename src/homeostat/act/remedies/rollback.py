"""Back to a release that has proved itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from homeostat.act.remedies import routes
from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.registry.away import nothing_to_go_back_to
from homeostat.registry.declined import Declined


@dataclass(frozen=True, slots=True)
class Rollback:
    """All of a route to `to` (empty: what was good last). `holdback`: so much stays on `leaving`, drawn at random.

    >>> Rollback("default", to="A", leaving="B", holdback=0.05).shares("A")
    {'A': 0.95, 'B': 0.05}
    """

    answer: ClassVar[str] = "rollback"
    steps: ClassVar[tuple[str, ...]] = ("policy",)
    inside: ClassVar[frozenset[str]] = frozenset(("policy",))

    route: str = "default"
    to: str = ""
    leaving: str = ""
    holdback: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.holdback <= 0.5:
            raise ValueError("holdback is a share from 0 to 0.5")
        if self.holdback and not self.leaving:
            raise ValueError("a holdback needs the release that is left: leaving")

    def shares(self, to: str) -> dict[str, float]:
        """Who serves what afterwards."""
        return {to: 1 - self.holdback} | ({self.leaving: self.holdback} if self.holdback else {})

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """Shares before and after."""
        to = self._target(effects, action)
        return to if isinstance(to, Declined) else routes.shown(effects, action, self.route, self.shares(to))

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Change the policy."""
        to = self._target(effects, action)
        return to if isinstance(to, Declined) else routes.put(effects, action, self.route, self.shares(to))

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """The shares as they were."""
        return routes.put_back(effects, action, self.route)

    def _target(self, effects: Effects, action: Action) -> str | Declined:
        now = routes.current(effects, action.project, self.route)
        if isinstance(now, Declined):
            return now
        if self.holdback and not now.shares.get(self.leaving):
            why = f"{self.leaving} does not serve {self.route} now: nobody can stay on it."
            return Declined("conflict", why, "Leave out holdback, or name a release that serves: leaving.")
        return self.to or now.previous_good or nothing_to_go_back_to(self.route)
