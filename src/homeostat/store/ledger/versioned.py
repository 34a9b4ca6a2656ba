"""Tables whose rows are versions of what a name means: the newest one of a name counts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select


def newest_of(table: Table, project: str, *counts: ColumnElement[bool]) -> Select[Any]:
    """The newest version of each name that counts, by name."""
    last = (
        select(table.c.name, func.max(table.c.version).label("version"))
        .where(table.c.project == project, *counts)
        .group_by(table.c.name)
        .subquery()
    )
    return (
        select(table)
        .join(last, (table.c.name == last.c.name) & (table.c.version == last.c.version))
        .where(table.c.project == project)
        .order_by(table.c.name)
    )


def versions_of(table: Table, project: str, name: str, version: int | None = None) -> Select[Any]:
    """Every version of a name, newest first; or that one."""
    query = select(table).where(table.c.project == project, table.c.name == name).order_by(table.c.version.desc())
    return query if version is None else query.where(table.c.version == version)
