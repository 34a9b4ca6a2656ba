"""Releases: written once, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from homeostat.records.release import Release, as_json, from_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import releases
from homeostat.store.ledger.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Kept:
    """A release, who made it and when (event clock)."""

    release: Release
    note: str
    created: datetime
    author: str


def add(ledger: Ledger, project: str, release: Release, *, at: datetime, author: str, note: str = "") -> bool:
    """Keep a new one. False: that name is taken."""
    row = {
        "project": project,
        "name": release.name,
        "config": json.dumps(as_json(release), allow_nan=False),
        "digest": release.digest,
        "implicit": int(release.implicit),
        "note": note,
        "created": at,
        "author": author,
    }
    with ledger.begin() as connection:
        return insert_new(connection, releases, row)


def get(ledger: Ledger, project: str, name: str) -> Kept | None:
    """One by its name."""
    return named(ledger, project, [name]).get(name)


def named(ledger: Ledger, project: str, names: Iterable[str]) -> dict[str, Kept]:
    """Those of these names that there are."""
    query = select(releases).where(releases.c.project == project, releases.c.name.in_(sorted(set(names))))
    with ledger.read() as connection:
        rows = connection.execute(query).all()
    return {kept.release.name: kept for row in rows if (kept := _kept(row)) is not None}


def listed(ledger: Ledger, project: str, *, implicit: bool | None = None, limit: int = 1000) -> list[Kept]:
    """Newest first; `implicit` asks for those that were announced (False) or only seen (True)."""
    query = select(releases).where(releases.c.project == project)
    if implicit is not None:
        query = query.where(releases.c.implicit == int(implicit))
    query = query.order_by(releases.c.created.desc(), releases.c.name).limit(limit)
    with ledger.read() as connection:
        rows = connection.execute(query).all()
    return [kept for row in rows if (kept := _kept(row)) is not None]


def _kept(row: Any) -> Kept | None:
    """A damaged one is none: it must not hide the others."""
    try:
        return Kept(from_json(json.loads(row.config)), row.note, row.created, row.author)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
