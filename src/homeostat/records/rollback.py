"""Going back: what a rollback makes of a policy. Core, edge and command line ask the same function, so they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from homeostat.records.policy import Policy, reshaped


@dataclass(frozen=True, slots=True)
class Rollback:
    """Somebody wants a route back on a good release."""

    id: str
    """Never used twice: what was handed on and written down as well is still done once."""
    actor: str
    at: str
    """ISO 8601 on the event clock: when the policy changes."""
    made: str
    """ISO 8601 on the machine clock: when it was asked for; the audit log says this."""
    to: str = ""
    """The release that serves from now on; empty: the policy's `previous_good`."""
    reason: str = ""


def rolled_back(policy: Policy, wanted: Rollback) -> Policy | None:
    """All traffic to one release, shadow and pins on other releases end. None: there is nothing to go back to.

    The policy itself comes back when nothing has to change.
    """
    to = wanted.to or policy.previous_good
    if not to:
        return None
    back = replace(
        policy,
        pieces=reshaped(policy.pieces, {to: 1.0}),
        pinned={user: release for user, release in policy.pinned.items() if release == to},
        shadow=None,
        previous_good=policy.previous_good or to,
    )
    if back == policy:
        return policy
    return replace(
        back, version=policy.version + 1, updated_at=wanted.at, updated_by=wanted.actor, reason=wanted.reason
    )


def as_json(wanted: Rollback) -> dict[str, Any]:
    """As it stands in an override."""
    return {
        "id": wanted.id,
        "actor": wanted.actor,
        "at": wanted.at,
        "made": wanted.made,
        "to": wanted.to,
        "reason": wanted.reason,
    }


def from_json(said: dict[str, Any]) -> Rollback:
    """Read `as_json` back."""
    return Rollback(**{name: str(said[name]) for name in ("id", "actor", "at", "made", "to", "reason")})
