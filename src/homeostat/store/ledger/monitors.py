"""Monitors that people made. A version never changes; the newest one of a name counts."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, insert, update

from homeostat.records.monitor import Monitor, as_json
from homeostat.store.ledger import audit
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import monitors
from homeostat.store.ledger.versioned import newest_of, versions_of

_APART: Final = ("project", "name", "version", "state")
_FIELDS: Final = tuple(field.name for field in fields(Monitor) if field.name not in _APART)


def current(ledger: Ledger, project: str) -> list[Monitor]:
    """The newest version of each name, by name."""
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(newest_of(monitors, project))]


def versions(ledger: Ledger, project: str, name: str) -> list[tuple[Monitor, datetime, str]]:
    """Every version of a name with when and by whom it was made, newest first."""
    with ledger.read() as connection:
        found = connection.execute(versions_of(monitors, project, name))
        return [(_read(row), row.created, row.author) for row in found]


def put(ledger: Ledger, wanted: Monitor, *, at: datetime, author: str) -> Monitor:
    """Make it current: a new version, with new detectors, when it says something else than the newest."""
    with ledger.begin() as connection:
        known = versions(ledger, wanted.project, wanted.name)
        newest = known[0][0] if known else None
        state = wanted.state or (newest.state if newest else "on")
        if newest is not None and _said(newest) == _said(wanted):
            return newest if newest.state == state else set_state(ledger, newest, state, at=at, author=author)
        made = replace(wanted, version=newest.version + 1 if newest else 1, state=state)
        row = {
            "project": made.project, "name": made.name, "version": made.version, "document": json.dumps(_said(made)),
            "state": made.state, "created": at, "author": author,
        }  # fmt: skip
        connection.execute(insert(monitors), row)
        audit.append(
            ledger, at=at, actor=author, action="monitor.put", subject=f"{made.name}@{made.version}",
            project=made.project, before=_said(newest) if newest else None, after=_said(made),
        )  # fmt: skip
        return made


def set_state(ledger: Ledger, monitor: Monitor, state: str, *, at: datetime, author: str) -> Monitor:
    """Pause it or let it go on. One of the default set becomes one of the ledger's by it."""
    with ledger.begin() as connection:
        if not monitor.version:
            return put(ledger, replace(monitor, state="on" if state == "on" else "paused"), at=at, author=author)
        same = (
            monitors.c.project == monitor.project, monitors.c.name == monitor.name,
            monitors.c.version == monitor.version,
        )  # fmt: skip
        connection.execute(update(monitors).where(*same).values(state=state))
        audit.append(
            ledger, at=at, actor=author, action=f"monitor.{state}", subject=f"{monitor.name}@{monitor.version}",
            project=monitor.project, before={"state": monitor.state}, after={"state": state},
        )  # fmt: skip
        return replace(monitor, state="on" if state == "on" else "paused")


def _said(monitor: Monitor) -> dict[str, Any]:
    told = as_json(monitor)
    return {name: told[name] for name in _FIELDS}


def _read(row: Row[tuple[object, ...]]) -> Monitor:
    told = json.loads(row.document)
    known = {name: told[name] for name in _FIELDS if name in told}
    known["by"] = tuple(known.get("by", ()))
    known["where"] = tuple((str(key), str(value)) for key, value in known.get("where", ()))
    return Monitor(project=row.project, name=row.name, version=row.version, state=row.state, **known)
