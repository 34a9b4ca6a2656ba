"""What changed when: releases made, releases seen in traffic, policies put and rolled back, on one line of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from homeostat.records.policy import as_json
from homeostat.store.ledger import Ledger, policies, releases, sightings
from homeostat.store.ledger.sightings import KNOWN


def events(
    ledger: Ledger, project: str, *, since: datetime | None, until: datetime | None, limit: int
) -> list[tuple[datetime, dict[str, Any]]]:
    """Newest first. `kind`: release, implicit, seen (a release that only the traffic names), put, rollback, label."""
    with ledger.read():
        found = [*_made(ledger, project), *_seen(ledger, project), *_obeyed(ledger, project)]
    within = [
        (at, event)
        for at, event in found
        if (since is None or at >= since) and (until is None or at < until)
    ]  # fmt: skip
    return sorted(within, key=lambda each: each[0], reverse=True)[:limit]


def _made(ledger: Ledger, project: str) -> Iterator[tuple[datetime, dict[str, Any]]]:
    for kept in releases.listed(ledger, project, implicit=False):
        yield kept.created, {
            "kind": "release", "release": kept.release.name, "note": kept.note, "author": kept.author,
        }  # fmt: skip


def _seen(ledger: Ledger, project: str) -> Iterator[tuple[datetime, dict[str, Any]]]:
    for sighting in sightings.changes(ledger, project):
        announced = sighting.implied == KNOWN
        yield (
            sighting.first_at,
            {
                "kind": "seen" if announced else "implicit",
                "release": sighting.config.get("release", "") if announced else sighting.implied,
                "service": sighting.service,
                "name": sighting.name,
                "changed": sighting.changed,
                "calls": sighting.calls,
            },
        )


def _obeyed(ledger: Ledger, project: str) -> Iterator[tuple[datetime, dict[str, Any]]]:
    for version in policies.history(ledger, project):
        told = as_json(version.policy)
        yield (
            version.at,
            {
                "kind": version.action,
                "route": told["route"],
                "version": told["version"],
                "shares": told["shares"],
                "previous_good": told["previous_good"],
                "reason": told["reason"],
                "author": told["updated_by"],
            },
        )
