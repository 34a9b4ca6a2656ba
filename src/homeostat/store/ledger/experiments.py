"""Experiments: randomised comparisons of releases that somebody has started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import experiments
from homeostat.store.ledger.upsert import upsert


@dataclass(frozen=True, slots=True)
class Kept:
    """`state`: `running`, `paused`, `stopped`."""

    name: str
    state: str
    document: Mapping[str, Any]
    started: datetime
    author: str


def put(ledger: Ledger, project: str, kept: Kept) -> None:
    """Keep one as it is now."""
    row = {
        "project": project, "name": kept.name, "state": kept.state, "started": kept.started, "author": kept.author,
        "document": json.dumps(dict(kept.document), sort_keys=True),
    }  # fmt: skip
    with ledger.begin() as connection:
        upsert(connection, experiments, [row], lambda new: {name: new[name] for name in ("state", "document")})


def get(ledger: Ledger, project: str, name: str) -> Kept | None:
    """One by its name."""
    return next((kept for kept in listed(ledger, project) if kept.name == name), None)


def listed(ledger: Ledger, project: str) -> list[Kept]:
    """All of a project, newest first."""
    query = select(experiments).where(experiments.c.project == project)
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(experiments.c.started.desc(), experiments.c.name)).all()
    return [Kept(row.name, row.state, json.loads(row.document), row.started, row.author) for row in rows]
