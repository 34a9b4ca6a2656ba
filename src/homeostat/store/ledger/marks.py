"""Which hours of which projects have rollups that no longer tell what the raw rows tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import rollup_marks
from homeostat.store.ledger.upsert import upsert


def add(ledger: Ledger, marks: Iterable[tuple[str, datetime]], mark: int) -> None:
    """Mark hours as changed by `mark` (a segment's number, or any number that was never used for that hour).

    The newest mark replaces the older one even when it is smaller: a rebuild that began before it must not clear it.
    """
    rows = [{"project": project, "hour": hour, "mark": mark} for project, hour in set(marks)]
    with ledger.begin() as connection:
        upsert(connection, rollup_marks, rows, lambda new: {"mark": new["mark"]})


def dirty(ledger: Ledger, project: str, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """(hour, mark) of a project's hours in [start, end) that must be answered from raw rows."""
    query = (
        select(rollup_marks.c.hour, rollup_marks.c.mark)
        .where(rollup_marks.c.project == project, rollup_marks.c.hour >= start, rollup_marks.c.hour < end)
        .order_by(rollup_marks.c.hour)
    )
    with ledger.read() as connection:
        return [(hour, mark) for hour, mark in connection.execute(query)]


def all(ledger: Ledger, limit: int) -> list[tuple[str, datetime, int]]:
    """(project, hour, mark) to rebuild, the one that has waited longest first."""
    query = (
        select(rollup_marks.c.project, rollup_marks.c.hour, rollup_marks.c.mark)
        .order_by(rollup_marks.c.mark, rollup_marks.c.project, rollup_marks.c.hour)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [(project, hour, mark) for project, hour, mark in connection.execute(query)]


def clear(ledger: Ledger, project: str, hour: datetime, mark: int) -> bool:
    """The hour was rebuilt as of `mark`. False: it was marked again meanwhile and stays."""
    query = delete(rollup_marks).where(
        rollup_marks.c.project == project, rollup_marks.c.hour == hour, rollup_marks.c.mark == mark
    )
    with ledger.begin() as connection:
        return connection.execute(query).rowcount == 1
