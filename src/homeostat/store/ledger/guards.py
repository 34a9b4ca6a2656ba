"""Guards: what the gateway refuses or replaces in answers. Their documents go out with the routing document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import guards
from homeostat.store.ledger.upsert import upsert


@dataclass(frozen=True, slots=True)
class Kept:
    """A guard as it is now. `state`: `on` or `off`."""

    name: str
    version: int
    state: str
    document: Mapping[str, Any]
    changed: datetime
    author: str


def put(
    ledger: Ledger, project: str, name: str, document: Mapping[str, Any], *, state: str, at: datetime, author: str
) -> Kept:
    """Keep a guard, or change the one of that name."""
    with ledger.begin() as connection:
        before = get(ledger, project, name)
        kept = Kept(name, before.version + 1 if before else 1, state, dict(document), at, author)
        row = {
            "project": project, "name": name, "version": kept.version, "state": state,
            "document": json.dumps(dict(document), sort_keys=True), "changed": at, "author": author,
        }  # fmt: skip
        upsert(connection, guards, [row], lambda new: {column: new[column] for column in row})
        return kept


def get(ledger: Ledger, project: str, name: str) -> Kept | None:
    """One by its name."""
    return next((kept for kept in listed(ledger, project) if kept.name == name), None)


def listed(ledger: Ledger, project: str) -> list[Kept]:
    """All of a project, by name."""
    query = select(guards).where(guards.c.project == project).order_by(guards.c.name)
    with ledger.read() as connection:
        rows = connection.execute(query).all()
    return [Kept(row.name, row.version, row.state, json.loads(row.document), row.changed, row.author) for row in rows]


def changes(ledger: Ledger, project: str) -> int:
    """How often any guard of a project has changed."""
    query = select(func.coalesce(func.sum(guards.c.version), 0)).where(guards.c.project == project)
    with ledger.read() as connection:
        return int(connection.scalar(query) or 0)
