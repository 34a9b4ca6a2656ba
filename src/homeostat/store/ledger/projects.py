"""Applications under watch, and what was chosen for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update

from homeostat.store.ledger import audit
from homeostat.store.ledger.database import Ledger, LedgerError
from homeostat.store.ledger.tables import projects
from homeostat.store.ledger.upsert import insert_new

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Project:
    """`settings` is JSON, e.g. `{"prices": {"my-model": {"input": 1.5, "output": 6}}}`."""

    name: str
    created: datetime
    settings: Mapping[str, Any]


def ensure(ledger: Ledger, name: str, *, at: datetime, actor: str = "system") -> bool:
    """Have a project of that name; True: it is new."""
    if not _NAME.match(name):
        raise LedgerError(
            f"{name[:80]!r} is no name for a project: 1 to 64 letters, digits, '.', '_', '-'; a letter or digit first."
        )
    with ledger.begin() as connection:
        new = insert_new(connection, projects, {"name": name, "created": at, "settings": "{}"})
        if new:
            audit.append(ledger, at=at, actor=actor, action="project.create", subject=name, project=name)
        return new


def listed(ledger: Ledger) -> list[Project]:
    """All of them by name."""
    with ledger.read() as connection:
        return [_project(row) for row in connection.execute(select(projects).order_by(projects.c.name))]


def get(ledger: Ledger, name: str) -> Project | None:
    """One, if there is one."""
    with ledger.read() as connection:
        row = connection.execute(select(projects).where(projects.c.name == name)).first()
        return None if row is None else _project(row)


def settings(ledger: Ledger, name: str) -> Mapping[str, Any]:
    """What was chosen for a project; nothing for one that is unknown."""
    found = get(ledger, name)
    return {} if found is None else found.settings


def choose(ledger: Ledger, name: str, changes: Mapping[str, Any], *, at: datetime, actor: str) -> Mapping[str, Any]:
    """Change settings by name (None takes one away); tells all of them as they are now."""
    with ledger.begin() as connection:
        row = connection.execute(select(projects).where(projects.c.name == name).with_for_update()).first()
        if row is None:
            raise LedgerError(f"There is no project {name!r}.")
        before = _read(row.settings)
        after = {key: value for key, value in {**before, **changes}.items() if value is not None}
        text = json.dumps(after, allow_nan=False)
        connection.execute(update(projects).where(projects.c.name == name).values(settings=text))
        change = {"before": before, "after": after}
        audit.append(ledger, at=at, actor=actor, action="project.settings", subject=name, project=name, **change)
        return after


def _project(row: Any) -> Project:
    return Project(row.name, row.created, _read(row.settings))


def _read(text: str) -> dict[str, Any]:
    """Settings that were damaged are the defaults: one project's must not stop all."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
