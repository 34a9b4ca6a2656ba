"""Which hours of which projects, and which minutes of them, have rollups that no longer tell what the raw rows tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Update, delete, select, update

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import rollup_marks
from homeostat.store.ledger.upsert import insert_new, upsert

#: Minutes of an hour are the bits of a number, the first minute is the lowest bit. These are all of them.
EVERY: Final = (1 << 60) - 1
#: A project, an hour, and the minutes of it that changed.
Mark = tuple[str, datetime, int]

_columns = rollup_marks.c
#: Minutes that are being added up have changed until that is done; who died of it leaves them so.
_changed = _columns.minutes.bitwise_or(_columns.building)


def add(ledger: Ledger, marks: Iterable[Mark], mark: int) -> None:
    """Mark hours as changed by `mark` (a segment's number, or any number that was never used for that hour).

    The newest mark replaces the older one even when it is smaller: a rebuild that began before it must not clear it.
    """
    with ledger.begin() as connection:
        upsert(
            connection,
            rollup_marks,
            _rows(marks, mark),
            lambda new: {"mark": new["mark"], "minutes": _columns.minutes.bitwise_or(new["minutes"])},
        )


def add_missing(ledger: Ledger, marks: Iterable[Mark]) -> None:
    """Mark hours that are not marked; a mark that is there knows better."""
    with ledger.begin() as connection:
        for row in _rows(marks, 0):
            insert_new(connection, rollup_marks, row)


def dirty(ledger: Ledger, project: str, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """(hour, changed minutes) of a project's marked hours in [start, end): no build of the whole hour tells them."""
    query = (
        select(_columns.hour, _changed)
        .where(_columns.project == project, _columns.hour >= start, _columns.hour < end)
        .order_by(_columns.hour)
    )
    with ledger.read() as connection:
        return [(hour, minutes) for hour, minutes in connection.execute(query)]


def all(ledger: Ledger, limit: int) -> list[tuple[str, datetime, int, int]]:
    """(project, hour, changed minutes, mark) to rebuild, the one that has waited longest first."""
    query = (
        select(_columns.project, _columns.hour, _changed, _columns.mark)
        .order_by(_columns.mark, _columns.project, _columns.hour)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [(project, hour, minutes, mark) for project, hour, minutes, mark in connection.execute(query)]


def begin(ledger: Ledger, project: str, building: Mapping[datetime, int]) -> None:
    """These minutes of these hours are being added up: what changes in them from now on is marked anew."""
    with ledger.begin() as connection:
        for hour, minutes in building.items():
            others = _changed.bitwise_and(EVERY & ~minutes)
            connection.execute(_of(project, hour).values(minutes=others, building=minutes))


def end(ledger: Ledger, project: str, hours: Iterable[datetime]) -> None:
    """What was begun is done."""
    with ledger.begin() as connection:
        for hour in hours:
            connection.execute(_of(project, hour).values(building=0))


def clear(ledger: Ledger, project: str, hour: datetime, mark: int) -> bool:
    """The hour was rebuilt as of `mark`. False: it was marked again meanwhile and stays."""
    query = delete(rollup_marks).where(_columns.project == project, _columns.hour == hour, _columns.mark == mark)
    with ledger.begin() as connection:
        return connection.execute(query).rowcount == 1


def _rows(marks: Iterable[Mark], mark: int) -> list[dict[str, object]]:
    together: dict[tuple[str, datetime], int] = defaultdict(int)
    for project, hour, minutes in marks:
        together[project, hour] |= minutes
    return [
        {"project": project, "hour": hour, "mark": mark, "minutes": minutes, "building": 0}
        for (project, hour), minutes in together.items()
    ]


def _of(project: str, hour: datetime) -> Update:
    return update(rollup_marks).where(_columns.project == project, _columns.hour == hour)
