"""A routing policy: which releases serve a route, with which shares, and whom. See design/0006-steering.md.

The gateway and the SDK ask the same function, so they agree. Every user has a point on a ring, which never moves; a
policy gives each release pieces of the ring. When shares change only as much of the ring changes hands as must.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

RING: Final = 1 << 32
Sticky = Literal["user", "session", "request"]
Piece = tuple[int, int, str]
"""From (included), to (excluded), release."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A release that gets a copy of a share of the requests; its answers are stored and never returned."""

    release: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What one route obeys. `version` grows by one with every change: compare-and-set."""

    route: str
    version: int
    pieces: tuple[Piece, ...]
    sticky: Sticky = "user"
    """By whom an answer stays the same: by user (else session, else request), by session, or by nothing."""
    pinned: Mapping[str, str] = field(default_factory=dict)
    """Users who get one release whatever their point."""
    shadow: Shadow | None = None
    previous_good: str = ""
    """What `homeostat rollback` puts back; the product sets it when a release has proved itself, or a person."""
    salt: str = ""
    """Another salt throws the points anew; empty: the name of the route."""
    updated_at: str = ""
    updated_by: str = ""
    reason: str = ""

    @property
    def shares(self) -> dict[str, float]:
        """Release to share, largest first; shares sum to one."""
        sizes: dict[str, int] = {}
        for start, end, release in self.pieces:
            sizes[release] = sizes.get(release, 0) + end - start
        return {name: size / RING for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))}


@dataclass(frozen=True, slots=True)
class Assigned:
    """The release that serves a request, and why."""

    release: str
    why: Literal["pinned", "share"]
    unit: str
    """What decided: `user`, `session` or `request`."""


def point(salt: str, unit: str) -> int:
    """Where on the ring a unit stands, for ever."""
    return int.from_bytes(hashlib.blake2b(f"{salt}\0{unit}".encode(), digest_size=4).digest(), "big")


def assign(policy: Policy, *, user: str = "", session: str = "", request: str = "") -> Assigned:
    """Who serves this request. `request` must be different for every request; it decides when nothing else is known."""
    if user and user in policy.pinned:
        return Assigned(policy.pinned[user], "pinned", "user")
    named = {"user": user, "session": session}
    order: tuple[str, ...] = {"user": ("user", "session"), "session": ("session", "user"), "request": ()}[policy.sticky]
    kind = next((kind for kind in order if named[kind]), "request")
    here = point(policy.salt or policy.route, named.get(kind) or request)
    for start, end, release in policy.pieces:
        if start <= here < end:
            return Assigned(release, "share", kind)
    raise ValueError(f"The policy of {policy.route} leaves a gap at {here}.")


def reshaped(pieces: Sequence[Piece], shares: Mapping[str, float]) -> tuple[Piece, ...]:
    """The ring with new shares; as little of it as possible changes hands.

    >>> reshaped([], {"a": 0.75, "b": 0.25})
    ((0, 3221225472, 'a'), (3221225472, 4294967296, 'b'))
    """
    sizes = _sizes(shares)
    held: dict[str, int] = {}
    kept: list[Piece] = []
    free: list[tuple[int, int]] = []
    for start, end, release in sorted(pieces) or [(0, RING, "")]:
        keep = min(end - start, sizes.get(release, 0) - held.get(release, 0))
        if keep:
            kept.append((start, start + keep, release))
            held[release] = held.get(release, 0) + keep
        if start + keep < end:
            free.append((start + keep, end))
    for release, size in sizes.items():
        need = size - held.get(release, 0)
        while need:
            start, end = free.pop(0)
            took = min(need, end - start)
            kept.append((start, start + took, release))
            need -= took
            if start + took < end:
                free.insert(0, (start + took, end))
    return _joined(sorted(kept))


def _sizes(shares: Mapping[str, float]) -> dict[str, int]:
    """Shares as whole parts of the ring that sum to it exactly."""
    total = sum(shares.values())
    if not shares or any(not 0 <= share < float("inf") for share in shares.values()) or total <= 0:
        raise ValueError("Shares are numbers from 0 on, and not all 0.")
    exact = {release: RING * share / total for release, share in shares.items() if share}
    sizes = {release: int(part) for release, part in exact.items()}
    for release in sorted(exact, key=lambda name: (sizes[name] - exact[name], name))[: RING - sum(sizes.values())]:
        sizes[release] += 1
    return {release: size for release, size in sizes.items() if size}


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for start, end, release in pieces:
        if joined and joined[-1][1:] == (start, release):
            joined[-1] = (joined[-1][0], end, release)
        else:
            joined.append((start, end, release))
    return tuple(joined)


def as_json(policy: Policy) -> dict[str, Any]:
    """The one shape of a policy, in the API, in the control snapshot and in the SDK."""
    shadow = policy.shadow
    return {
        "route": policy.route,
        "version": policy.version,
        "shares": {name: round(share, 9) for name, share in policy.shares.items()},
        "pieces": [list(piece) for piece in policy.pieces],
        "sticky": policy.sticky,
        "pinned": dict(policy.pinned),
        "shadow": {"release": shadow.release, "share": shadow.share} if shadow else None,
        "previous_good": policy.previous_good or None,
        "salt": policy.salt,
        "updated_at": policy.updated_at,
        "updated_by": policy.updated_by,
        "reason": policy.reason,
    }


def from_json(said: Mapping[str, Any]) -> Policy:
    """Read `as_json` back; fields of a later version are left alone."""
    shadow = said.get("shadow")
    return Policy(
        route=str(said["route"]),
        version=int(said["version"]),
        pieces=tuple((int(start), int(end), str(release)) for start, end, release in said["pieces"]),
        sticky=said.get("sticky", "user"),
        pinned={str(user): str(release) for user, release in said.get("pinned", {}).items()},
        shadow=Shadow(str(shadow["release"]), float(shadow.get("share", 1.0))) if shadow else None,
        previous_good=str(said.get("previous_good") or ""),
        salt=str(said.get("salt", "")),
        updated_at=str(said.get("updated_at", "")),
        updated_by=str(said.get("updated_by", "")),
        reason=str(said.get("reason", "")),
    )
