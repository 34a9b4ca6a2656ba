"""What the ledger says that every edge must know, gathered into a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from homeostat.records import limits
from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.store.ledger import keys, meta, projects, routing
from homeostat.store.ledger.database import Ledger


def snapshot(
    ledger: Ledger,
    *,
    at: datetime,
    besides: Iterable[PublishedKey] = (),
    clock: Mapping[str, Any] | None = None,
    paid: Mapping[str, tuple[int, float]] | None = None,
) -> Snapshot:
    """Keys (the revoked and expired ones too: they must be known to be refused), projects, routing; of one moment.

    `besides`: keys that are not in the ledger, that is the operator's token. `paid`: of each key, see `PublishedKey`.
    """
    with ledger.begin():
        chosen = {project.name: project.settings.get("limits") or {} for project in projects.listed(ledger)}
        known = [
            _published(key, limits.of(chosen.get(key.project, {}), key.id), (paid or {}).get(key.id, (0, 0.0)))
            for key in keys.listed(ledger, None)
        ]
        return Snapshot(
            version=meta.count_up(ledger, "snapshot"),
            published_at=at.isoformat(),
            keys={key.id: key for key in [*known, *besides]},
            projects=frozenset(chosen),
            clock=dict(clock or {}),
            policies=routing.documents(ledger),
        )


def _published(key: keys.Key, allowed: limits.Limits, paid: tuple[int, float]) -> PublishedKey:
    return PublishedKey(
        id=key.id,
        hash=key.hash,
        project=key.project,
        scopes=key.scopes,
        expires=None if key.expires is None else key.expires.timestamp(),
        revoked=key.revoked is not None,
        limits=allowed,
        paid=paid,
    )
