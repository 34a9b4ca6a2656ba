"""From findings to incidents: what belongs together is told once, what comes back is the old one, what a person says
counts. Every change of an incident, its line in the timeline and what is to be told of it are one transaction.

Times are microseconds of the event clock. See design/0009-acting.md.
"""

from homeostat.act.incidents.grouping import diagnosed, take
from homeostat.act.incidents.opening import stream, tell
from homeostat.act.incidents.said import acknowledge, close, comment, merge, own, reopen, silence, speak, split

__all__ = [
    "acknowledge", "close", "comment", "diagnosed", "merge", "own", "reopen", "silence", "speak", "split", "stream",
    "take", "tell",
]  # fmt: skip
