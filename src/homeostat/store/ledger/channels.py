"""The ways to tell people that a project has. Secrets come here sealed and go out sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, select, update

from homeostat.records.channel import Channel, rules_as_json, rules_from_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import channels, threads
from homeostat.store.ledger.upsert import upsert


def put(ledger: Ledger, channel: Channel) -> None:
    """Keep it, in the place of one of that name."""
    row = {
        "project": channel.project, "name": channel.name, "kind": channel.kind,
        "settings": json.dumps(dict(channel.settings), sort_keys=True, allow_nan=False), "sealed": channel.sealed,
        "rules": json.dumps(rules_as_json(channel.rules)), "state": channel.state, "created": channel.created,
        "author": channel.author, "sent": channel.sent, "sent_critical": channel.sent_critical,
        "problem": channel.problem,
    }  # fmt: skip
    with ledger.begin() as connection:
        upsert(connection, channels, [row], lambda new: {name: new[name] for name in row})


def get(ledger: Ledger, project: str, name: str) -> Channel | None:
    """One by its name."""
    query = select(channels).where(channels.c.project == project, channels.c.name == name)
    with ledger.read() as connection:
        row = connection.execute(query).first()
        return None if row is None else _read(row)


def listed(ledger: Ledger, project: str | None = None) -> list[Channel]:
    """By project and name; None: of every project."""
    query = select(channels).order_by(channels.c.project, channels.c.name)
    if project is not None:
        query = query.where(channels.c.project == project)
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(query)]


def remove(ledger: Ledger, project: str, name: str) -> bool:
    """Forget it with its threads; tells whether it was there."""
    with ledger.begin() as connection:
        connection.execute(delete(threads).where(threads.c.project == project, threads.c.channel == name))
        mine = (channels.c.project == project, channels.c.name == name)
        return connection.execute(delete(channels).where(*mine)).rowcount == 1


def used(ledger: Ledger, project: str, name: str, **values: Any) -> None:
    """Write down how it went: `sent`, `sent_critical`, `problem`."""
    with ledger.begin() as connection:
        mine = (channels.c.project == project, channels.c.name == name)
        connection.execute(update(channels).where(*mine).values(**values))


def thread(ledger: Ledger, project: str, channel: str, incident: int) -> str:
    """What the receiver calls this incident; empty: it was not told, or needs no name for it."""
    query = select(threads.c.handle).where(
        threads.c.project == project, threads.c.channel == channel, threads.c.incident == incident
    )
    with ledger.read() as connection:
        return str(connection.scalar(query) or "")


def remember(ledger: Ledger, project: str, channel: str, handles: Mapping[int, str]) -> None:
    """Keep what the receiver calls these incidents."""
    rows = [
        {"project": project, "channel": channel, "incident": incident, "handle": handle}
        for incident, handle in handles.items()
        if handle
    ]
    with ledger.begin() as connection:
        upsert(connection, threads, rows, lambda new: {"handle": new.handle})


def _read(row: Row[Any]) -> Channel:
    return Channel(
        row.project, row.name, row.kind, json.loads(row.settings), row.sealed, rules_from_json(json.loads(row.rules)),
        "off" if row.state == "off" else "on", row.created, row.author, row.sent, row.sent_critical, row.problem,
    )  # fmt: skip
