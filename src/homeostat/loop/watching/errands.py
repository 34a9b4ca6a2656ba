"""Errands: actions with steps that call somebody outside. They have one owner and a thread of their own, so that no
request and no watch waits for an answer, and no step is taken by two."""

from __future__ import annotations

from typing import Final

from homeostat.act import acting
from homeostat.loop.watching.carrying_out import go_on, in_hand
from homeostat.loop.watching.context import Context
from homeostat.records.action import ENDED, State

#: What waits, or cannot be reached, is looked at again after so long (µs).
_EVERY: Final = 15_000_000


class Errands:
    """The owner."""

    def __init__(self) -> None:
        self._again: dict[tuple[str, int], tuple[State, int]] = {}

    def run(self, context: Context, at: int) -> None:
        """One round for every project. `at`: event clock, µs."""
        for project in context.projects():
            for action in in_hand(context, project):
                key = (project, action.id)
                state, due = self._again.get(key, ("", 0))
                if not acting.reaches_outside(action) or (action.state == state and at < due):
                    continue
                after = go_on(context, action, at, acting.carry_out)
                if after.state in ENDED:
                    self._again.pop(key, None)
                else:
                    self._again[key] = (after.state, at + _EVERY)
