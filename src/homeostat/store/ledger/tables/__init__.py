"""The ledger's tables. `migrations/` creates them; a test holds the two together."""

from __future__ import annotations

from homeostat.store.ledger.tables.actions import (
    actions,
    dataset_forgotten,
    dataset_items,
    datasets,
    experiments,
    guards,
    verdicts,
)
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
from homeostat.store.ledger.tables.incidents import channels, incident_entries, incidents, outbox, threads
from homeostat.store.ledger.tables.scoring import feeds, scorers
from homeostat.store.ledger.tables.steering import labels, policies, policy_history, prompts, releases, sightings
from homeostat.store.ledger.tables.watching import comparisons, findings, monitors, watches

__all__ = [
    "Moment",
    "actions",
    "audit",
    "audit_head",
    "channels",
    "comparisons",
    "dataset_forgotten",
    "dataset_items",
    "datasets",
    "experiments",
    "feeds",
    "findings",
    "guards",
    "incident_entries",
    "incidents",
    "keys",
    "labels",
    "meta",
    "metadata",
    "monitors",
    "outbox",
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
    "threads",
    "verdicts",
    "watches",
]
