"""Labels: movable names on releases (`production`) and on versions of a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import labels
from homeostat.store.ledger.upsert import upsert

Kind = Literal["release", "prompt"]


@dataclass(frozen=True, slots=True)
class Label:
    """`target`: a release's name, or a prompt's version. `name`: the prompt's; empty for releases."""

    name: str
    label: str
    target: str
    at: datetime
    author: str


def put(
    ledger: Ledger, project: str, kind: Kind, label: str, target: str, *, name: str = "", at: datetime, author: str
) -> str | None:
    """Move a label; tells where it was."""
    with ledger.begin() as connection:
        before = target_of(ledger, project, kind, label, name=name)
        place = {"project": project, "kind": kind, "name": name, "label": label}
        row = {**place, "target": target, "at": at, "author": author}
        upsert(connection, labels, [row], lambda new: {key: new[key] for key in ("target", "at", "author")})
        return before


def target_of(ledger: Ledger, project: str, kind: Kind, label: str, *, name: str = "") -> str | None:
    """Where it is."""
    query = select(labels.c.target).where(
        labels.c.project == project, labels.c.kind == kind, labels.c.name == name, labels.c.label == label
    )
    with ledger.read() as connection:
        found: str | None = connection.scalar(query)
        return found


def listed(ledger: Ledger, project: str, kind: Kind, name: str | None = None) -> list[Label]:
    """All of a kind, or of one prompt."""
    query = select(labels).where(labels.c.project == project, labels.c.kind == kind)
    if name is not None:
        query = query.where(labels.c.name == name)
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(labels.c.name, labels.c.label))
        return [Label(row.name, row.label, row.target, row.at, row.author) for row in rows]
