"""What SQLite and PostgreSQL spell alike and SQL does not: write a row, or change the one that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Only the one that is in use is imported."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def upsert(connection: Connection, table: Table, rows: Rows, change: Callable[[Any], Mapping[str, Any]]) -> None:
    """Insert rows; where one with that primary key exists, set what `change(row offered)` says instead.

    A key may stand in `rows` once only. Rows are written in the order of their keys, so that two writers
    never wait for each other.
    """
    if not rows:
        return
    primary = [column.name for column in table.primary_key]
    statement = _insert(connection, table)
    statement = statement.on_conflict_do_update(index_elements=primary, set_=dict(change(statement.excluded)))
    connection.execute(statement, sorted((dict(row) for row in rows), key=lambda row: [row[name] for name in primary]))


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless its primary key exists; tells whether it was inserted."""
    # Asked for by RETURNING: what a driver reports as the number of rows differs between the two databases.
    statement = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement, dict(row)).first() is not None
