"""Prompts: each version is written once, numbered from 1 by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import prompts


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
    query = select(prompts).where(prompts.c.project == project, prompts.c.name == name)
    if version is not None:
        query = query.where(prompts.c.version == version)
    with ledger.read() as connection:
        row = connection.execute(query.order_by(prompts.c.version.desc()).limit(1)).first()
        return None if row is None else _prompt(row)


def versions(ledger: Ledger, project: str, name: str, limit: int = 1000) -> list[Prompt]:
    """Every version of a name, newest first."""
    query = select(prompts).where(prompts.c.project == project, prompts.c.name == name)
    with ledger.read() as connection:
        return [_prompt(row) for row in connection.execute(query.order_by(prompts.c.version.desc()).limit(limit))]


def newest(ledger: Ledger, project: str, limit: int = 1000) -> list[Prompt]:
    """The newest version of each name."""
    last = (
        select(prompts.c.name, func.max(prompts.c.version).label("version"))
        .where(prompts.c.project == project)
        .group_by(prompts.c.name)
        .subquery()
    )
    both = (prompts.c.name == last.c.name) & (prompts.c.version == last.c.version)
    query = select(prompts).join(last, both).where(prompts.c.project == project).order_by(prompts.c.name).limit(limit)
    with ledger.read() as connection:
        return [_prompt(row) for row in connection.execute(query)]


def _prompt(row: Any) -> Prompt:
    return Prompt(row.name, row.version, row.template, row.note, row.created, row.author)
