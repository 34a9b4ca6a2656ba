"""Rollback while the core is away, and what the core makes of it when it is back.

The edge and the command line write an override and obey it at once; the core takes it over, audited, before it
publishes again, and deletes the file after that. Every rollback has an id that the ledger remembers: a crash between
any two of these steps neither loses it nor does it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from homeostat.records import policy as policies_of
from homeostat.records.policy import Policy
from homeostat.records.rollback import Rollback, rolled_back
from homeostat.registry.declined import Declined
from homeostat.store import control, overrides
from homeostat.store.overrides import Override

_HINT: Final = "While the core is away only a release that a policy of the project names can be put back."


@dataclass(frozen=True, slots=True)
class Back:
    """What a rollback did. `changed`: false when that release served everything already."""

    before: Policy
    after: Policy

    @property
    def changed(self) -> bool:
        return self.after.version != self.before.version

    @property
    def to(self) -> str:
        return next(iter(self.after.shares))


def roll_back(folder: Path, project: str, route: str, wanted: Rollback) -> Back | Declined:
    """Write an override, durably. `folder`: `control/` of the data directory."""
    with overrides.locked(folder):
        snapshot = control.Reader(folder)()
        document = (snapshot.policies if snapshot else {}).get(project, {})
        found = document.get("routes", {}).get(route)
        if found is None:
            return Declined("not_found", f"The route {route} has no policy.", "homeostat policy ls")
        if wanted.to and wanted.to not in document["releases"]:
            return Declined("not_found", f"No release {wanted.to} is known here.", _HINT)
        before = policies_of.from_json(found)
        after = rolled_back(before, wanted)
        if after is None:
            return nothing_to_go_back_to(route)
        if after.version != before.version:
            overrides.write(folder, _next(folder, project, before, after, wanted))
        return Back(before, after)


def nothing_to_go_back_to(route: str) -> Declined:
    """No release has served this route before."""
    return Declined("conflict", f"The route {route} has no previous good release.", "Name one: --to RELEASE")


def told_back(done: Back, *, override: bool) -> dict[str, Any]:
    """What a rollback did, as the API says it."""
    return {
        "route": done.after.route,
        "to": done.to,
        "changed": done.changed,
        "override": override,
        "policy": policies_of.as_json(done.after),
    }


def _next(folder: Path, project: str, before: Policy, after: Policy, wanted: Rollback) -> Override:
    """The override of a route, with this rollback after those that it holds already."""
    for held in overrides.listed(folder):
        if (held.project, held.policy) == (project, before):
            return replace(held, steps=(*held.steps, wanted), policy=after)
    return Override(project, before.version, (wanted,), after)
