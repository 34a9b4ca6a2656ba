"""Changing what a route obeys: in one transaction with its history and its audit entry, or not at all."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Final

from homeostat.records import rollback as rollbacks
from homeostat.records.policy import Policy, as_json
from homeostat.records.rollback import Rollback, rolled_back
from homeostat.registry.away import Back, nothing_to_go_back_to
from homeostat.registry.declined import Declined
from homeostat.store import overrides
from homeostat.store.ledger import Ledger, audit, meta, policies, releases
from homeostat.store.overrides import Override

log: Final = logging.getLogger("homeostat.registry")


def no_policy(route: str) -> Declined:
    """There is nothing to change or to show."""
    return Declined("not_found", f"The route {route} has no policy.", "homeostat policy ls")


def roll_back(ledger: Ledger, project: str, route: str, wanted: Rollback) -> Back | Declined:
    """Put a good release back on all of a route. The same rollback told twice is done once."""
    with ledger.begin():
        kept = policies.get(ledger, project, route, hold=True)
        if kept is None:
            return no_policy(route)
        done = policies.made_by(ledger, project, wanted.id)
        if done is not None:
            return Back(kept.policy, done.policy)
        if wanted.to and releases.get(ledger, project, wanted.to) is None:
            return Declined("not_found", f"There is no release {wanted.to}.", "homeostat release ls")
        after = rolled_back(kept.policy, wanted)
        if after is None:
            return nothing_to_go_back_to(route)
        if after.version != kept.policy.version:
            _keep(ledger, project, kept, after, wanted)
        return Back(kept.policy, after)


def take_over(ledger: Ledger, folder: Path) -> list[Override]:
    """Make overrides part of the ledger. Publish after it, then `overrides.drop` what this returns.

    Hold `overrides.locked` around all three, so that nobody adds a rollback to a file that is about to go.
    """
    for name in overrides.set_aside(folder):
        log.error("the override %s is damaged and was set aside; nobody obeyed it", name)
    found = overrides.listed(folder)
    for override in found:
        with ledger.begin():
            for step in override.steps:
                _take_over(ledger, override, step)
    return found


def _take_over(ledger: Ledger, override: Override, step: Rollback) -> None:
    project, route = override.project, override.policy.route
    if policies.made_by(ledger, project, step.id) is not None:
        return
    kept = policies.get(ledger, project, route, hold=True)
    place = override.against + override.steps.index(step)
    if kept is None or kept.policy.version != place:
        # Somebody changed the policy after this rollback was published, so it is over already: edges obey the newer.
        _overtaken(ledger, override, step)
        return
    after = rolled_back(kept.policy, step)
    if after is not None and after.version != kept.policy.version:
        _keep(ledger, project, kept, after, step)


def _keep(ledger: Ledger, project: str, kept: policies.Kept, after: Policy, wanted: Rollback) -> None:
    """The new version and its audit entry. The caller holds the transaction."""
    at = datetime.fromisoformat(wanted.at)
    if not policies.replace(ledger, project, after, proved=kept.proved, action="rollback", at=at, request=wanted.id):
        raise AssertionError("a policy changed inside a transaction that held it")
    audit.append(
        ledger, at=datetime.fromisoformat(wanted.made), actor=wanted.actor, action="rollback", subject=after.route,
        project=project, before=as_json(kept.policy), after=as_json(after),
    )  # fmt: skip


def _overtaken(ledger: Ledger, override: Override, step: Rollback) -> None:
    if meta.get(ledger, f"overtaken {step.id}"):
        return
    meta.put(ledger, f"overtaken {step.id}", step.made)
    audit.append(
        ledger, at=datetime.fromisoformat(step.made), actor=step.actor, action="rollback.overtaken",
        subject=override.policy.route, project=override.project,
        before={"version": override.against}, after=rollbacks.as_json(step),
    )  # fmt: skip
