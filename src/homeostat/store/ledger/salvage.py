"""A damaged SQLite ledger must not stop the server: what can be read moves into a new file, the old one is kept."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError

from homeostat.store.ledger.tables import audit, audit_head, metadata

HEAD: Final = "0009"
"""The newest migration; a test holds it to the files."""
#: Of a file of up to so many bytes (about half a second's work) the indexes are compared with their tables, too: a key
#: that was changed in an index hides rows from those that ask for them, and nothing else shows it.
SMALL: Final = 128 << 20


def damage(database: Path) -> str:
    """What is wrong with the file; empty: nothing that SQLite can see (it keeps no checksums of its own)."""
    try:
        with contextlib.closing(open_readonly(database)) as connection:
            check = "integrity_check" if database.stat().st_size <= SMALL else "quick_check"
            found = [str(row[0]) for row in connection.execute(f"PRAGMA {check}(3)")]
            if found == ["ok"]:
                return _schema_damage(connection)
    except sqlite3.OperationalError:
        raise  # locked, unreadable, disk failing: the file may be whole, so it must stay where it is
    except sqlite3.DatabaseError as error:
        return str(error)
    except UnicodeDecodeError:  # what SQLite says of the damage repeats it, and Python cannot read that
        return "a definition in it is no text any more"
    return "; ".join(found)


def _schema_damage(connection: sqlite3.Connection) -> str:
    """A changed letter in a table's name or definition is no damage to SQLite, but it is to us."""
    names = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" not in names:
        return f"it holds {', '.join(sorted(names))}, but not its version" if names else ""
    version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if version is None:
        return ""
    if not re.fullmatch(r"\d{4}", str(version[0])) or version[0] < "0001":
        return f"its version says {version[0]!r}"
    if version[0] != HEAD:
        return ""  # older: the migrations come first; newer: not ours to judge
    for table in metadata.sorted_tables:
        columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table.name,)).fetchall()
        if columns != [(column.name, str(column.type.compile(sqlite.dialect()))) for column in table.columns]:
            return f"the definition of table {table.name} was changed"
    return ""


def text(raw: bytes) -> str:
    """A damaged letter must not hide the rows beside it."""
    return raw.decode("utf-8", "replace")


def open_readonly(database: Path) -> sqlite3.Connection:
    """Look without changing a byte of the file."""
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    connection.text_factory = text
    return connection


def set_aside(database: Path) -> Path:
    """Move the file and its side files into `quarantine/`; tells where it is now."""
    folder = database.parent / "quarantine"
    folder.mkdir(mode=0o700, exist_ok=True)
    number = 1
    while (target := folder / f"{database.stem}-{number:03d}{database.suffix}").exists():
        number += 1
    for tail in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{database}{tail}").rename(f"{target}{tail}")
    return target


def copy(old: Path, connection: Connection) -> dict[str, int]:
    """Bring over every row that can be read, from both ends of each table; tells how many by table."""
    copied = {}
    for table in metadata.sorted_tables:
        rows = {tuple(row.get(column) for column in _primary(table)): row for row in _readable(old, table)}
        copied[table.name] = sum(_insert(connection, table, row) for row in rows.values())
    _mend_head(connection)
    return copied


def _readable(old: Path, table: Table) -> Iterator[dict[str, Any]]:
    for order in ("ASC", "DESC"):
        try:
            with contextlib.closing(open_readonly(old)) as connection:
                connection.row_factory = sqlite3.Row
                # The names are our own tables', never a user's.
                for row in connection.execute(f"SELECT * FROM {table.name} ORDER BY rowid {order}"):  # noqa: S608
                    # What an older version did not have yet has its default.
                    known = set(row.keys())
                    yield {column.name: row[column.name] for column in table.columns if column.name in known}
        except (sqlite3.Error, UnicodeDecodeError, IndexError):
            continue
        else:
            return


def _primary(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _insert(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """A row that no longer fits (a torn number, a key whose project is lost) stays in the quarantined file only."""
    try:
        with connection.begin_nested():
            names = ", ".join(row)
            places = ", ".join(f":{name}" for name in row)
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", row)  # noqa: S608
            connection.execute(select(table).where(*(table.c[name] == row[name] for name in _plain(table)))).all()
    except (SQLAlchemyError, ValueError, TypeError, OverflowError):
        return False
    return True


def _plain(table: Table) -> list[str]:
    """Primary columns whose stored form is their form here: what is read back must be readable."""
    return [name for name in _primary(table) if name != "hour"]


def _mend_head(connection: Connection) -> None:
    """Without its head row the audit log could not go on."""
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    if last is not None and connection.execute(select(audit_head)).first() is None:
        connection.execute(insert(audit_head), {"one": 1, "number": last.number, "hash": last.hash})
