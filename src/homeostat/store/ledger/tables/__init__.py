"""The ledger's tables. `migrations/` creates them; a test holds the two together."""

from __future__ import annotations

from homeostat.store.ledger.tables.common import Moment, metadata
from homeostat.store.ledger.tables.ground import (
    audit,
    audit_head,
    keys,
    meta,
    outcomes,
    projects,
    rollup_marks,
    segments,
)
from homeostat.store.ledger.tables.scoring import feeds, scorers
from homeostat.store.ledger.tables.steering import labels, policies, policy_history, prompts, releases, sightings

__all__ = [
    "Moment",
    "audit",
    "audit_head",
    "feeds",
    "keys",
    "labels",
    "meta",
    "metadata",
    "outcomes",
    "policies",
    "policy_history",
    "projects",
    "prompts",
    "releases",
    "rollup_marks",
    "scorers",
    "segments",
    "sightings",
]
