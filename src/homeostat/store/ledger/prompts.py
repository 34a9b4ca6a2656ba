"""Prompts: each version is written once, numbered from 1 by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import prompts
from homeostat.store.ledger.versioned import newest_of, versions_of


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of a template."""

    name: str
    version: int
    template: str
    note: str
    created: datetime
    author: str


def add(ledger: Ledger, project: str, name: str, template: str, *, at: datetime, author: str, note: str = "") -> Prompt:
    """The next version of a name."""
    with ledger.begin() as connection:
        mine = (prompts.c.project == project, prompts.c.name == name)
        last = connection.scalar(select(func.max(prompts.c.version)).where(*mine))
        prompt = Prompt(name, int(last or 0) + 1, template, note, at, author)
        row = {"project": project, "name": name, "version": prompt.version, "template": template, "note": note}
        connection.execute(insert(prompts), {**row, "created": at, "author": author})
        return prompt


def get(ledger: Ledger, project: str, name: str, version: int | None = None) -> Prompt | None:
    """One version, or the newest."""
    with ledger.read() as connection:
        row = connection.execute(versions_of(prompts, project, name, version).limit(1)).first()
        return None if row is None else _prompt(row)


def versions(ledger: Ledger, project: str, name: str, limit: int = 1000) -> list[Prompt]:
    """Every version of a name, newest first."""
    with ledger.read() as connection:
        return [_prompt(row) for row in connection.execute(versions_of(prompts, project, name).limit(limit))]


def newest(ledger: Ledger, project: str, limit: int = 1000) -> list[Prompt]:
    """The newest version of each name."""
    with ledger.read() as connection:
        return [_prompt(row) for row in connection.execute(newest_of(prompts, project).limit(limit))]


def _prompt(row: Any) -> Prompt:
    return Prompt(row.name, row.version, row.template, row.note, row.created, row.author)
