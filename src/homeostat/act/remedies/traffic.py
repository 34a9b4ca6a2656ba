"""Other shares for a route, and a release that serves nobody for now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from homeostat.act.remedies import routes
from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.records.policy import Policy
from homeostat.registry.declined import Declined


@dataclass(frozen=True, slots=True)
class ShiftTraffic:
    """A route gets these shares.

    >>> ShiftTraffic("default", {"A": 0.9, "B": 0.1}).shares
    {'A': 0.9, 'B': 0.1}
    """

    answer: ClassVar[str] = "rollback"
    steps: ClassVar[tuple[str, ...]] = ("policy",)
    inside: ClassVar[frozenset[str]] = frozenset(("policy",))

    route: str = "default"
    shares: Mapping[str, float] = field(default_factory=dict)

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """Shares before and after."""
        return routes.shown(effects, action, self.route, self.shares)

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Change the policy."""
        return routes.put(effects, action, self.route, self.shares)

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """The shares as they were."""
        return routes.put_back(effects, action, self.route)


@dataclass(frozen=True, slots=True)
class Pause:
    """A canary or an arm of an experiment gets nobody; the others share what it had.

    >>> Pause("default", "B").without({"A": 0.9, "B": 0.1})
    {'A': 0.9}
    """

    answer: ClassVar[str] = "rollback"
    steps: ClassVar[tuple[str, ...]] = ("policy",)
    inside: ClassVar[frozenset[str]] = frozenset(("policy",))

    route: str
    release: str

    def without(self, shares: Mapping[str, float]) -> dict[str, float]:
        """The shares of the others, as they are to each other."""
        return {name: share for name, share in shares.items() if name != self.release}

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """Shares before and after."""
        now = self._now(effects, action)
        return now if isinstance(now, Declined) else routes.shown(effects, action, self.route, self.without(now.shares))

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Change the policy."""
        now = self._now(effects, action)
        return now if isinstance(now, Declined) else routes.put(effects, action, self.route, self.without(now.shares))

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """It serves again."""
        return routes.put_back(effects, action, self.route)

    def _now(self, effects: Effects, action: Action) -> Policy | Declined:
        now = routes.current(effects, action.project, self.route)
        if isinstance(now, Declined) or (self.release in now.shares and len(now.shares) > 1):
            return now
        return Declined("conflict", f"{self.release} does not serve {self.route} beside others: nothing to pause.")
