"""When something was changed that may change the answers of an application: where trouble is likelier to begin."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Final

from homeostat.records.instant import micros
from homeostat.records.policy import Policy
from homeostat.store.ledger import Ledger, policies, sightings

#: A policy is a change when it moves so much of a route to other releases; less is a trial, compared by itself.
_MOVES: Final = 0.5
_VERSIONS: Final = 50


def moments(ledger: Ledger, project: str, since: int, until: int) -> list[int]:
    """Of policies that moved a route, and of configurations first seen in traffic beside older ones (µs), ascending."""
    found = {micros(at) for at in _moved(ledger, project)}
    found |= {micros(one.first_at) for one in sightings.changes(ledger, project, limit=_VERSIONS)}
    return sorted(at for at in found if since <= at < until)


def _moved(ledger: Ledger, project: str) -> list[datetime]:
    """A rollback moves users too: it may be wrong."""
    versions = policies.history(ledger, project, limit=_VERSIONS)
    found = []
    for route in {one.policy.route for one in versions}:
        mine = sorted((one for one in versions if one.policy.route == route), key=lambda one: one.policy.version)
        found += [new.at for old, new in pairwise(mine) if _part(old.policy, new.policy) >= _MOVES - 1e-9]
    return found


def _part(old: Policy, new: Policy) -> float:
    """How much of a route another release serves now."""
    return sum(max(0.0, share - old.shares.get(name, 0.0)) for name, share in new.shares.items())
