"""Configurations that were seen in traffic, announced or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import sightings
from homeostat.store.ledger.upsert import upsert

#: `implied` of one that is established and changed nothing unannounced.
KNOWN: Final = "-"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One configuration of one service and name of call.

    `implied`: empty until it was seen often enough, then the implicit release that it became, or `KNOWN`.
    """

    fingerprint: str
    service: str
    name: str
    config: Mapping[str, Any]
    calls: int
    first_at: datetime
    last_at: datetime
    implied: str = ""
    changed: Mapping[str, Any] | None = None


def get(ledger: Ledger, project: str, fingerprint: str) -> Sighting | None:
    """One by its fingerprint."""
    query = select(sightings).where(sightings.c.project == project, sightings.c.fingerprint == fingerprint)
    with ledger.read() as connection:
        row = connection.execute(query).first()
        return None if row is None else _sighting(row)


def put(ledger: Ledger, project: str, sighting: Sighting) -> None:
    """Keep it, in the place of what was known of it."""
    row = {
        "project": project, "fingerprint": sighting.fingerprint, "service": sighting.service, "name": sighting.name,
        "config": json.dumps(sighting.config), "calls": sighting.calls, "first_at": sighting.first_at,
        "last_at": sighting.last_at, "implied": sighting.implied, "changed": json.dumps(sighting.changed),
    }  # fmt: skip
    with ledger.begin() as connection:
        upsert(connection, sightings, [row], lambda new: {name: new[name] for name in row})


def of(ledger: Ledger, project: str, service: str, name: str) -> list[Sighting]:
    """Those of a service and name, the one seen last first."""
    query = (
        select(sightings)
        .where(sightings.c.project == project, sightings.c.service == service, sightings.c.name == name)
        .order_by(sightings.c.last_at.desc(), sightings.c.first_at.desc(), sightings.c.fingerprint)
        .limit(200)
    )
    with ledger.read() as connection:
        return [_sighting(row) for row in connection.execute(query)]


def changes(ledger: Ledger, project: str, limit: int = 1000) -> list[Sighting]:
    """Those that changed something, newest first."""
    query = select(sightings).where(sightings.c.project == project, sightings.c.changed != "null")
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(sightings.c.first_at.desc(), sightings.c.fingerprint).limit(limit))
        return [_sighting(row) for row in rows]


def forget(ledger: Ledger, *, rare: datetime, plain: datetime) -> None:
    """Drop what was last seen before: of those seen too rarely, and of those that changed nothing."""
    idle = (sightings.c.implied == KNOWN) & (sightings.c.changed == "null") & (sightings.c.last_at < plain)
    with ledger.begin() as connection:
        connection.execute(delete(sightings).where((sightings.c.implied == "") & (sightings.c.last_at < rare) | idle))


def _sighting(row: Any) -> Sighting:
    """Damaged texts are empty: they must not hide the others."""
    return Sighting(
        row.fingerprint, row.service, row.name, _read(row.config) or {}, row.calls, row.first_at, row.last_at,
        row.implied, _read(row.changed),
    )  # fmt: skip


def _read(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
