"""Changing what a route obeys: in one transaction with its history and its audit entry, or not at all."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from homeostat.records import rollback as rollbacks
from homeostat.records.policy import Policy, as_json, reshaped
from homeostat.records.rollback import Rollback, rolled_back
from homeostat.registry.author import Author
from homeostat.registry.away import Back, nothing_to_go_back_to
from homeostat.registry.declined import Declined
from homeostat.registry.proof import Proof, good_after
from homeostat.store import overrides
from homeostat.store.ledger import Ledger, audit, meta, policies, releases, routing
from homeostat.store.overrides import Override

_PROOF: Final = Proof()
log: Final = logging.getLogger("homeostat.registry")


def no_policy(route: str) -> Declined:
    """There is nothing to change or to show."""
    return Declined("not_found", f"The route {route} has no policy.", "homeostat policy ls")


def put(
    ledger: Ledger,
    project: str,
    wanted: Policy,
    expected: int,
    author: Author,
    *,
    proof: Proof = _PROOF,
    keep_salt: bool = True,
) -> Policy | Declined:
    """Replace the policy of a route, if it still has the version `expected` (0: if there is none).

    Of `wanted` count route, pieces (as shares), sticky, pinned, shadow, previous_good, salt and reason. As little of
    the ring as possible changes hands.
    """
    with ledger.begin():
        kept = policies.get(ledger, project, wanted.route, hold=True)
        there = kept.policy if kept else None
        if expected != (there.version if there else 0):
            return _other_version(wanted.route, there)
        unknown = routing.names(wanted) - set(releases.named(ledger, project, routing.names(wanted)))
        if unknown:
            return Declined("not_found", f"There is no release {min(unknown)}.", "homeostat release ls")
        history = policies.history(ledger, project, wanted.route, limit=200)
        good, proved = good_after(ledger, project, kept, wanted, history, author.at, proof)
        after = replace(
            wanted, version=expected + 1, pieces=reshaped(there.pieces if there else (), wanted.shares),
            previous_good=wanted.previous_good or good, updated_at=author.at.isoformat(), updated_by=author.actor,
            salt=there.salt if there and keep_salt else wanted.salt,
        )  # fmt: skip
        if not policies.replace(ledger, project, after, proved=proved, action="put", at=author.at):
            return _other_version(wanted.route, there)
        before = None if there is None else as_json(there)
        author.wrote(ledger, project, "policy.put", wanted.route, before=before, after=as_json(after))
        return after


def prefer(ledger: Ledger, project: str, release: str, author: Author, *, route: str = "") -> list[str] | Declined:
    """A person says that a release is good: on one route, or on all that it has served. Tells which have changed."""
    routes = [kept.policy.route for _, kept in policies.listed(ledger, project)]
    served = {
        version.policy.route
        for version in policies.history(ledger, project, route or None)
        if release in version.policy.shares
    }
    chosen = [each for each in routes if each == route or (not route and each in served)]
    if not chosen:
        return (
            no_policy(route)
            if route
            else Declined("conflict", f"The release {release} has served no route.", "Name one: --route ROUTE")
        )
    changed = []
    for each in chosen:
        kept = policies.get(ledger, project, each, hold=True)
        if kept is None or (kept.policy.previous_good, kept.proved) == (release, release):
            continue
        after = replace(
            kept.policy, version=kept.policy.version + 1, previous_good=release, updated_at=author.at.isoformat(),
            updated_by=author.actor, reason=f"{release} is labelled previous-good",
        )  # fmt: skip
        policies.replace(ledger, project, after, proved=release, action="label", at=author.at)
        changed.append(each)
    return changed


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


def _other_version(route: str, there: Policy | None) -> Declined:
    now = f"is at version {there.version}" if there else "has no policy"
    message = f"The route {route} {now}: somebody else was quicker, or it was read long ago."
    return Declined("conflict", message, "Read it again, and change that version.", as_json(there) if there else None)


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
