"""The routing documents: all that an edge or an SDK needs to steer, one per project. See design/0006-steering.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeostat.records import policy as policies_of
from homeostat.records import release as releases_of
from homeostat.records.policy import Policy
from homeostat.store.ledger import guards, policies, projects, releases
from homeostat.store.ledger.database import Ledger


def documents(ledger: Ledger) -> dict[str, Any]:
    """Of every project; one without a policy has no routes."""
    routes: dict[str, dict[str, Policy]] = {project.name: {} for project in projects.listed(ledger)}
    for project, kept in policies.listed(ledger, None):
        routes.setdefault(project, {})[kept.policy.route] = kept.policy
    return {project: _document(ledger, project, found) for project, found in routes.items()}


def _document(ledger: Ledger, project: str, routes: Mapping[str, Policy]) -> dict[str, Any]:
    """`version` grows with every change of any policy or guard, and only then: readers may wait for the next one."""
    return {
        "version": sum(policy.version for policy in routes.values()) + guards.changes(ledger, project),
        "routes": {route: policies_of.as_json(policy) for route, policy in routes.items()},
        "guards": [dict(kept.document) for kept in guards.listed(ledger, project) if kept.state == "on"],
        "releases": _named(ledger, project, {name for policy in routes.values() for name in names(policy)}),
    }


def names(policy: Policy) -> set[str]:
    """Every release that a policy names."""
    shadow = {policy.shadow.release} if policy.shadow else set()
    found = {*policy.shares, *policy.pinned.values(), policy.previous_good} | shadow
    return {name for name in found if name}


def _named(ledger: Ledger, project: str, wanted: set[str]) -> dict[str, Any]:
    """These releases and those that they fall back to."""
    found: dict[str, Any] = {}
    while missing := wanted - set(found):
        for name, kept in releases.named(ledger, project, missing).items():
            found[name] = releases_of.as_json(kept.release)
            wanted |= set(kept.release.fallbacks)
        wanted -= missing - set(found)
    return found
