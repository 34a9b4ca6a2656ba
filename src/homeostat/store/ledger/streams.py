"""Up to where a project is watched, by whom, and the state of its detectors: one row, moved as a whole.

Whoever ticks holds a lease (machine clock). Taking it over from somebody else raises the fence; a worker that was
thought dead and wakes up finds another fence, and nothing of what it did is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, select, update

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import watches
from homeostat.store.ledger.upsert import insert_new

#: Where the evidence stands in what is kept of a stream (`act.monitors.watch.standings_json`).
_LEVEL: Final = 4


class Fenced(Exception):
    """Somebody else ticks this project now."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a project's watch. Times: microseconds, event clock."""

    ticked: int = 0
    cursors: Mapping[str, int] = field(default_factory=dict)
    standing: Mapping[str, Any] = field(default_factory=dict)
    state: bytes = b""
    fence: int = 0


def take(ledger: Ledger, project: str, owner: str, *, now: float, seconds: float) -> Kept | None:
    """Hold the watch of a project for so many seconds of the machine clock. None: somebody else holds it."""
    with ledger.begin() as connection:
        empty = {"owner": "", "lease": 0.0, "fence": 0, "ticked": 0, "cursors": "{}", "standing": "{}", "state": b""}
        insert_new(connection, watches, {"project": project, **empty})
        row = connection.execute(select(watches).where(watches.c.project == project).with_for_update()).one()
        if row.owner != owner and row.lease > now:
            return None
        fence = row.fence if row.owner == owner else row.fence + 1
        connection.execute(
            update(watches).where(watches.c.project == project)
            .values(owner=owner, lease=now + seconds, fence=fence)
        )  # fmt: skip
        return Kept(row.ticked, json.loads(row.cursors), json.loads(row.standing), bytes(row.state), fence)


def move(connection: Connection, project: str, kept: Kept) -> None:
    """Keep what came of a tick, inside the transaction that keeps its alarms. Fenced: all of it is to be dropped."""
    values = {
        "ticked": kept.ticked, "cursors": json.dumps(dict(kept.cursors), sort_keys=True),
        "standing": json.dumps(dict(kept.standing), sort_keys=True), "state": kept.state,
    }  # fmt: skip
    mine = (watches.c.project == project, watches.c.fence == kept.fence)
    if connection.execute(update(watches).where(*mine).values(**values)).rowcount != 1:
        raise Fenced(f"the watch of {project} was taken over")


def look(ledger: Ledger, project: str) -> Kept | None:
    """As it is, without holding it."""
    with ledger.read() as connection:
        row = connection.execute(select(watches).where(watches.c.project == project)).first()
    if row is None:
        return None
    return Kept(row.ticked, json.loads(row.cursors), json.loads(row.standing), bytes(row.state), row.fence)


def levels(ledger: Ledger, project: str) -> dict[str, float]:
    """The evidence of each stream (at 1 it alarms), without the state of its detector."""
    with ledger.read() as connection:
        text = connection.scalar(select(watches.c.standing).where(watches.c.project == project))
    return {key: float(row[_LEVEL]) for key, row in json.loads(text or "{}").items()}
