"""One key of each kind, and doors that know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.records.visitor import SCOPES
from tests.doors.door import NOW, Door, Keyring


@pytest.fixture
def ring() -> Keyring:
    """One key of each kind, all of project p but two."""
    ring = Keyring()
    for scope in sorted(SCOPES):
        ring.add(scope, frozenset({scope}))
    ring.add("all", SCOPES)
    ring.add("nothing", frozenset())
    ring.add("other", SCOPES, project="q")
    ring.add("expired", SCOPES, expires=NOW - 1)
    ring.add("expiring", SCOPES, expires=NOW + 10)
    ring.add("revoked", SCOPES, revoked=True)
    ring.add("operator", SCOPES, project="default", operator=True)
    return ring


@pytest.fixture
def door(ring: Keyring) -> Callable[..., Door]:
    """Makes a door with these settings; strict unless told otherwise."""

    def make(**settings: Any) -> Door:
        return Door(Settings(**({"auth": "required"} | settings)), ring.snapshot())

    return make
