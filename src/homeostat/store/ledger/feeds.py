"""Up to where each track of a project has taken what became ready, and what it spent on it.

The place moves by compare-and-set, after what was made of the piece is stored: a crash takes the piece again, and a
worker that was thought dead and wakes up later cannot move it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import feeds
from homeostat.store.ledger.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Feed:
    """The place of one track: microseconds, an id; and its account."""

    ready: int = 0
    id: str = ""
    spent: Mapping[str, Any] = field(default_factory=dict)


def place(ledger: Ledger, project: str, track: str, *, start: int) -> Feed:
    """Where it stands; a track that is new begins at `start`."""
    with ledger.begin() as connection:
        new = {"project": project, "track": track, "ready": start, "id": "", "spent": "{}"}
        insert_new(connection, feeds, new)
        row = connection.execute(select(feeds).where(feeds.c.project == project, feeds.c.track == track)).one()
        return Feed(row.ready, row.id, json.loads(row.spent))


def move(ledger: Ledger, project: str, track: str, before: Feed, after: Feed) -> bool:
    """From one place to the next. False: somebody else moved it meanwhile, and what we did was done again by them."""
    mine = (
        feeds.c.project == project, feeds.c.track == track, feeds.c.ready == before.ready, feeds.c.id == before.id,
    )  # fmt: skip
    moved = {"ready": after.ready, "id": after.id, "spent": json.dumps(dict(after.spent), sort_keys=True)}
    with ledger.begin() as connection:
        return connection.execute(update(feeds).where(*mine).values(**moved)).rowcount == 1


def tracks(ledger: Ledger, project: str, prefix: str) -> dict[str, Feed]:
    """The tracks of a project whose names begin so."""
    query = select(feeds).where(feeds.c.project == project, feeds.c.track.startswith(prefix, autoescape=True))
    with ledger.read() as connection:
        return {row.track: Feed(row.ready, row.id, json.loads(row.spent)) for row in connection.execute(query)}
