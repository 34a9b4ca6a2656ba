"""Two releases take turns for a whole route, in an order drawn at random: what differs between the turns was caused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from homeostat.act.remedies import routes
from homeostat.act.remedies.effects import Effects
from homeostat.act.remedies.remedy import Told
from homeostat.analyze.inference.switchback import LEAST_BLOCKS, drawn
from homeostat.records.action import Action
from homeostat.records.instant import micros
from homeostat.registry.declined import Declined

_MINUTE: Final = 60_000_000
_MOST_BLOCKS: Final = 96
_LONGEST: Final = 14 * 1440


@dataclass(frozen=True, slots=True)
class Switchback:
    """`to` and `leaving` serve all of a route by turns: `blocks` turns of so many `minutes`, half of them `to`'s.

    Afterwards the route is as it was, until the verdict: if `to` did better, it gets the route then. `settle`: minutes
    at the beginning of a turn that do not count, because conversations began in the one before.

    >>> Switchback("default", leaving="A", to="B", blocks=12, minutes=30).lasts
    360
    """

    answer: ClassVar[str] = "rollback"
    steps: ClassVar[tuple[str, ...]] = ("draw", "turns", "end")
    inside: ClassVar[frozenset[str]] = frozenset(("draw", "turns", "end"))

    route: str = "default"
    leaving: str = ""
    to: str = ""
    blocks: int = 24
    minutes: int = 30
    settle: int = 3

    def __post_init__(self) -> None:
        if not self.leaving or not self.to or self.leaving == self.to:
            raise ValueError("a switchback is between two releases: leaving and to")
        if self.blocks % 2 or not LEAST_BLOCKS <= self.blocks <= _MOST_BLOCKS:
            raise ValueError(f"blocks is an even number from {LEAST_BLOCKS} to {_MOST_BLOCKS}")
        if self.minutes < 5 or not 0 <= self.settle <= self.minutes / 2:
            raise ValueError("minutes is at least 5, settle at most half of it")
        if self.lasts > _LONGEST:
            raise ValueError("all turns together last at most two weeks")

    @property
    def lasts(self) -> int:
        """Minutes that all turns take."""
        return self.blocks * self.minutes

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """Shares before and in the new release's turns, and how long it takes."""
        shown = self._possible(effects, action)
        if isinstance(shown, Declined):
            return shown
        return {**shown, "by_turns_with": self.leaving, "turns": self.blocks, "minutes": self.lasts}

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """Draw the order; take the turn that is due; give the route back."""
        if step == "draw":
            return self._draw(effects, action)
        if step == "end":
            return routes.put_back(effects, action, self.route, reason=f"the turns of action {action.id} are over")
        turns = [list(turn) for turn in action.result.get("turns", ())]
        now = micros(effects.author.at)
        if turns and now < turns[-1][2]:
            return Told(wait=True)
        if len(turns) == self.blocks:
            return Told()
        on = bool(action.result["order"][len(turns)])
        told = self._put(effects, action, self.to if on else self.leaving)
        if isinstance(told, Declined):
            return told
        turns.append([int(on), now, now + self.minutes * _MINUTE])
        return Told(told.before, {**told.result, "turns": turns}, publish=True, wait=True)

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """The shares as they were before the first turn; at any time."""
        return routes.put_back(effects, action, self.route)

    def _draw(self, effects: Effects, action: Action) -> Told | Declined:
        shown = self._possible(effects, action)
        if isinstance(shown, Declined):
            return shown
        order = drawn(self.blocks, np.random.default_rng())
        return Told(result={"order": [int(on) for on in order], "turns": []})

    def _possible(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        now = routes.current(effects, action.project, self.route)
        if isinstance(now, Declined):
            return now
        if not now.shares.get(self.leaving):
            return Declined("conflict", f"{self.leaving} does not serve {self.route} now: leaving is who does.")
        return routes.shown(effects, action, self.route, {self.to: 1.0})

    def _put(self, effects: Effects, action: Action, release: str) -> Told | Declined:
        """The route to one of the two, unless somebody else has changed it since our last turn."""
        now = routes.current(effects, action.project, self.route)
        if isinstance(now, Declined):
            return now
        last = action.result.get("policy_version")
        if last is not None and now.version != last:
            return Declined("conflict", f"Somebody changed the policy of {self.route}: the turns end here.")
        if last is not None and now.shares == {release: 1.0}:
            return Told()
        told = routes.put(effects, action, self.route, {release: 1.0})
        if isinstance(told, Declined):
            return told
        made = told.result["policy_version"]
        versions = [*action.result.get("versions", ()), made]
        before = {} if "policy" in action.before else told.before
        return Told(before, {**told.result, "versions": versions}, publish=True)
