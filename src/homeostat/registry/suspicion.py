"""Whether something may be wrong with a project just now, so that it is worth looking at every answer.

One cheap question for whoever samples. Asking more often because evidence has grown does no harm to the detectors: what
is looked at is chosen by the past, never by the answer itself. Times: microseconds of the event clock.
"""

from __future__ import annotations

from typing import Final, Literal

from homeostat.records.instant import micros
from homeostat.store.ledger import Ledger, actions, incidents, policies, sightings, streams

Suspicion = Literal["", "comparison", "release", "verdict", "incident", "warning"]
#: A stream with so much evidence is in warning: at 1 it alarms. In practice-world traffic without any change the
#: default set was there for a seventh of a week, in stories of a few hours never.
WARNING: Final = 0.01
_HOUR: Final = 3_600_000_000
#: What is older is how things are; looking at every answer would not end.
_LONGEST: Final = 48 * _HOUR
#: So long after a release everything that it breaks at once has shown itself.
_FRESH: Final = 3 * _HOUR
_FEW: Final = 10
_OPEN: Final = ("open", "acknowledged")


def suspected(ledger: Ledger, project: str, at: int) -> Suspicion:
    """Why every answer of the project should be looked at now; empty: there is no reason.

    `comparison`: users are drawn for two releases of a route; `release`: a route was changed within three hours, or
    traffic came in a configuration that was not there before; `verdict`: an action waits for its verdict; `incident`:
    one is open; `warning`: a stream is on its way to an alarm. `comparison`, `verdict` and `incident` for two days at
    most.
    """
    since = at - _LONGEST
    if any(_compared(ledger, project, kept.policy.route, since) for _, kept in policies.listed(ledger, project)):
        return "comparison"
    if _released(ledger, project, at - _FRESH, at):
        return "release"
    if any(action.ended >= since for action in actions.unjudged(ledger, project)):
        return "verdict"
    if incidents.listed(ledger, project, states=_OPEN, since=since, limit=1):
        return "incident"
    return "warning" if any(level >= WARNING for level in streams.levels(ledger, project).values()) else ""


def _compared(ledger: Ledger, project: str, route: str, since: int) -> bool:
    history = policies.history(ledger, project, route, limit=1)
    return bool(history) and len(history[0].policy.shares) > 1 and micros(history[0].at) >= since


def _released(ledger: Ledger, project: str, since: int, until: int) -> bool:
    """The first policy of a route changes nothing: until then nobody was served by another one."""
    changes = [one.at for one in policies.history(ledger, project, limit=_FEW) if one.policy.version > 1]
    changes += [one.first_at for one in sightings.changes(ledger, project, limit=_FEW)]
    return any(since <= micros(at) <= until for at in changes)
