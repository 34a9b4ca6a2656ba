"""Going back: what a rollback makes of a policy. Core, edge and command line ask the same function, so they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from homeostat.records.policy import Policy, reshaped

_LONGEST: Final = {"id": 64, "to": 100, "reason": 1000}


class BadRollback(ValueError):
    """What was asked for is no rollback; the message says why."""


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


def asked(said: Any, *, id: str, actor: str, at: str, made: str) -> Rollback:
    """A rollback as somebody asks for it: `{"to"?, "reason"?, "id"?}`. Who asks twice with one id gets it once."""
    if not isinstance(said, dict) or not said.keys() <= _LONGEST.keys():
        raise BadRollback("A rollback is an object with to, reason and id; each may be left out.")
    given: dict[str, str] = {}
    for name, value in said.items():
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > _LONGEST[name] or not _is_text(value):
            raise BadRollback(f"{name} is a text of at most {_LONGEST[name]} characters.")
        given[name] = value
    return Rollback(
        given.get("id") or id, actor=actor, at=at, made=made, to=given.get("to", ""), reason=given.get("reason", "")
    )


def _is_text(value: str) -> bool:
    """Half a character cannot be stored, and a NUL not everywhere."""
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


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
