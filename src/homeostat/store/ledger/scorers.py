"""Which scorers a project has. A version never changes; the newest one of a name counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row, insert, update

from homeostat.store.ledger import audit
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import scorers
from homeostat.store.ledger.versioned import newest_of, versions_of

State = Literal["on", "paused"]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Configured:
    """One version of a scorer in a project."""

    project: str
    name: str
    version: int
    kind: str
    """Its line in the table of scorers."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    filters: Pairs = ()
    """Which exchanges it judges, as the lists are filtered; empty: all answers."""
    share: float = 1.0
    """Of the exchanges that its filters let through."""
    state: State = "on"

    @property
    def scorer(self) -> str:
        """What stands in the rows of its scores."""
        return f"{self.name}@{self.version}"


def current(ledger: Ledger, project: str) -> list[Configured]:
    """The newest version of each name, by name."""
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(newest_of(scorers, project))]


def versions(ledger: Ledger, project: str, name: str) -> list[tuple[Configured, datetime, str]]:
    """Every version of a name with when and by whom it was made, newest first."""
    with ledger.read() as connection:
        found = connection.execute(versions_of(scorers, project, name))
        return [(_read(row), row.created, row.author) for row in found]


def put(ledger: Ledger, wanted: Configured, *, at: datetime, author: str) -> Configured:
    """Make it current: a new version when kind, settings, filters or share are others than those of the newest."""
    with ledger.begin() as connection:
        known = versions(ledger, wanted.project, wanted.name)
        if known and _said(known[0][0]) == _said(wanted):
            return known[0][0]
        version = known[0][0].version + 1 if known else 1
        row = {
            "project": wanted.project, "name": wanted.name, "version": version, "state": wanted.state, "created": at,
            "author": author, **_said(wanted),
        }  # fmt: skip
        connection.execute(insert(scorers), row)
        made = Configured(
            wanted.project,
            wanted.name,
            version,
            wanted.kind,
            wanted.settings,
            wanted.filters,
            wanted.share,
            wanted.state,
        )
        audit.append(
            ledger, at=at, actor=author, action="scorer.put", subject=made.scorer, project=wanted.project,
            before=_said(known[0][0]) if known else None, after=_said(made),
        )  # fmt: skip
        return made


def set_state(ledger: Ledger, project: str, name: str, state: State, *, at: datetime, author: str) -> Configured | None:
    """Pause it or let it go on; None: there is no such scorer."""
    with ledger.begin() as connection:
        known = versions(ledger, project, name)
        if not known:
            return None
        newest = known[0][0]
        if newest.state != state:
            same = (scorers.c.project == project, scorers.c.name == name, scorers.c.version == newest.version)
            connection.execute(update(scorers).where(*same).values(state=state))
            audit.append(
                ledger, at=at, actor=author, action=f"scorer.{state}", subject=newest.scorer, project=project,
                before={"state": newest.state}, after={"state": state},
            )  # fmt: skip
        return versions(ledger, project, name)[0][0]


def ensure(ledger: Ledger, project: str, defaults: Sequence[Configured], *, at: datetime) -> None:
    """Give a project that has no scorer at all the default ones."""
    with ledger.begin():
        if not current(ledger, project):
            for each in defaults:
                put(ledger, each, at=at, author=_AUTHOR)


_AUTHOR: Final = "homeostat"


def _said(scorer: Configured) -> dict[str, Any]:
    return {
        "kind": scorer.kind,
        "settings": json.dumps(dict(scorer.settings), sort_keys=True),
        "filters": json.dumps([list(pair) for pair in scorer.filters]),
        "share": scorer.share,
    }


def _read(row: Row[Any]) -> Configured:
    pairs = tuple((str(key), str(value)) for key, value in json.loads(row.filters))
    state: State = "paused" if row.state == "paused" else "on"
    return Configured(row.project, row.name, row.version, row.kind, json.loads(row.settings), pairs, row.share, state)
