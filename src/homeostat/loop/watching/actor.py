"""The actor: finishes what was begun, rolls back on evidence, proposes answers, does what somebody approved."""

from __future__ import annotations

from homeostat.loop.watching.adopting import adopt
from homeostat.loop.watching.carrying_out import resume
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.proposing import answer
from homeostat.loop.watching.rolling_back import roll_back


def run(context: Context, at: int) -> None:
    """One round for every project. `at`: event clock, µs."""
    for project in context.projects():
        resume(context, project, at)
        roll_back(context, project, at)
        adopt(context, project, at)
        answer(context, project, at)
        resume(context, project, at)
