"""What waits to be told. Rows are written in the transaction of what they tell of, and end `sent`, `dropped` or `dead`.

Before a message leaves, the rows that it tells are bound to a batch with a key that never changes: whoever takes over
after a crash sends the same message under the same key. Times are microseconds of the machine clock.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import outbox


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that one channel is to be told."""

    project: str
    channel: str
    incident: int
    kind: str
    severity: str
    body: Mapping[str, Any]
    made: int
    due: int
    key: str = ""
    batch: str = ""
    attempts: int = 0


def add(ledger: Ledger, waiting: Waiting) -> str:
    """Write it down; tells its key. Call it inside the transaction of what it tells of."""
    key = waiting.key or secrets.token_hex(16)
    row = {
        "key": key, "project": waiting.project, "channel": waiting.channel, "incident": waiting.incident,
        "kind": waiting.kind, "severity": waiting.severity, "body": json.dumps(dict(waiting.body), allow_nan=False),
        "made": waiting.made, "due": waiting.due, "state": "waiting", "batch": "", "held_until": 0, "attempts": 0,
        "ended": 0, "error": "",
    }  # fmt: skip
    with ledger.begin() as connection:
        connection.execute(insert(outbox), row)
    return key


def due(ledger: Ledger, now: int) -> list[tuple[str, str]]:
    """(project, channel) of those that have something to be told now and nobody who is at it."""
    query = (
        select(outbox.c.project, outbox.c.channel)
        .where(outbox.c.state == "waiting", outbox.c.due <= now, outbox.c.held_until <= now)
        .distinct()
    )
    with ledger.read() as connection:
        return [(row.project, row.channel) for row in connection.execute(query)]


def ready(ledger: Ledger, project: str, channel: str, now: int, *, limit: int) -> list[Waiting]:
    """What one channel is to be told now, the oldest first."""
    mine = (outbox.c.project == project, outbox.c.channel == channel, outbox.c.state == "waiting")
    query = (
        select(outbox)
        .where(*mine, outbox.c.due <= now, outbox.c.held_until <= now)
        .order_by(outbox.c.made, outbox.c.key)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(query)]


def bind(ledger: Ledger, rows: Sequence[Waiting], *, now: int, until: int) -> str | None:
    """Make these one message that this process sends until then; its key. None: somebody else was quicker."""
    keys, batch = [row.key for row in rows], rows[0].batch or secrets.token_hex(16)
    free = (outbox.c.key.in_(keys), outbox.c.state == "waiting", outbox.c.held_until <= now)
    with ledger.begin() as connection:
        held = connection.execute(
            update(outbox).where(*free).values(batch=batch, held_until=until, attempts=outbox.c.attempts + 1)
        )
        if held.rowcount != len(keys):
            # Half of a message is none: what was just bound is let go again.
            connection.execute(
                update(outbox).where(outbox.c.key.in_(keys), outbox.c.held_until == until).values(held_until=0)
            )
            return None
    return batch


def of_batch(ledger: Ledger, batch: str) -> list[Waiting]:
    """The rows of a message that was begun before."""
    query = (
        select(outbox).where(outbox.c.batch == batch, outbox.c.state == "waiting").order_by(outbox.c.made, outbox.c.key)
    )
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(query)]


def end(ledger: Ledger, keys: Sequence[str], state: str, *, now: int, error: str = "") -> None:
    """It was told (`sent`), is not worth telling any more (`dropped`), or could not be told for too long (`dead`)."""
    with ledger.begin() as connection:
        values = {"state": state, "ended": now, "error": error[:500], "held_until": 0}
        connection.execute(update(outbox).where(outbox.c.key.in_(list(keys))).values(**values))


def again(ledger: Ledger, keys: Sequence[str], *, due: int, error: str = "") -> None:
    """Try again then."""
    with ledger.begin() as connection:
        values = {"due": due, "held_until": 0} | ({"error": error[:500]} if error else {})
        connection.execute(update(outbox).where(outbox.c.key.in_(list(keys))).values(**values))


def waiting(ledger: Ledger, project: str, incident: int) -> list[Waiting]:
    """What is still to be told of an incident, to whomever and whenever."""
    query = select(outbox).where(
        outbox.c.project == project, outbox.c.incident == incident, outbox.c.state == "waiting"
    )
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(query.order_by(outbox.c.made, outbox.c.key))]


def told(ledger: Ledger, project: str, incident: int) -> set[str]:
    """The channels that were, or are about to be, told of an incident."""
    heard = (outbox.c.state == "sent") | (outbox.c.state.in_(("waiting", "dead")) & (outbox.c.kind != "escalated"))
    query = select(outbox.c.channel).where(outbox.c.project == project, outbox.c.incident == incident, heard)
    with ledger.read() as connection:
        return set(connection.execute(query.distinct()).scalars())


def calm(ledger: Ledger, project: str, incident: int, *, now: int) -> None:
    """Somebody cares, or it is over: nobody else is to be woken about it."""
    mine = (outbox.c.project == project, outbox.c.incident == incident, outbox.c.kind == "escalated")
    with ledger.begin() as connection:
        waits = update(outbox).where(*mine, outbox.c.state == "waiting")
        connection.execute(waits.values(state="dropped", ended=now, error="somebody has seen it"))


def drop_for(ledger: Ledger, project: str, channel: str, *, now: int) -> None:
    """Nobody can be told any more: the channel is gone."""
    mine = (outbox.c.project == project, outbox.c.channel == channel, outbox.c.state == "waiting")
    with ledger.begin() as connection:
        connection.execute(update(outbox).where(*mine).values(state="dropped", ended=now, error="the channel is gone"))


def counts(ledger: Ledger, project: str | None = None) -> dict[tuple[str, str], dict[str, int]]:
    """{(project, channel): {state: rows, "oldest": when the oldest that waits was made, "last": when one was told}}."""
    columns = (outbox.c.project, outbox.c.channel, outbox.c.state)
    counted = (func.count().label("n"), func.min(outbox.c.made).label("oldest"), func.max(outbox.c.ended).label("last"))
    query = select(*columns, *counted).group_by(*columns)
    if project is not None:
        query = query.where(outbox.c.project == project)
    found: dict[tuple[str, str], dict[str, int]] = {}
    with ledger.read() as connection:
        for row in connection.execute(query):
            each = found.setdefault((row.project, row.channel), {})
            each[row.state] = row.n
            if row.state == "waiting":
                each["oldest"] = row.oldest
            if row.state == "sent":
                each["last"] = row.last
    return found


def forget(ledger: Ledger, before: int) -> None:
    """Drop what ended before then."""
    with ledger.begin() as connection:
        connection.execute(delete(outbox).where(outbox.c.state != "waiting", outbox.c.ended < before))


def _read(row: Row[Any]) -> Waiting:
    return Waiting(
        row.project, row.channel, row.incident, row.kind, row.severity, json.loads(row.body), row.made, row.due,
        row.key, row.batch, row.attempts,
    )  # fmt: skip
