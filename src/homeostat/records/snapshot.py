"""What the core publishes and every edge obeys: who may come in, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeostat.records.limits import Limits
from homeostat.records.visitor import Scope


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key as a door knows it: enough to recognise it, not enough to use it."""

    id: str
    hash: bytes = field(repr=False)
    project: str
    scopes: frozenset[Scope]
    expires: float | None = None
    """Unix seconds of the machine clock; None: never."""
    revoked: bool = False
    operator: bool = False
    """The local operator's token: it may make keys, and choose its project."""
    limits: Limits = field(default_factory=dict)
    """What it may use of the gateway."""
    paid: tuple[int, float] = (0, 0.0)
    """Day (since 1970, UTC), and what the calls of that day have cost so far, in USD."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest published state; `version` only grows."""

    version: int
    published_at: str
    keys: Mapping[str, PublishedKey]
    projects: frozenset[str] = frozenset()
    clock: Mapping[str, Any] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    pepper: bytes = field(default=b"", repr=False)
    """What key hashes are made with; a file of its own, never part of the published text."""
