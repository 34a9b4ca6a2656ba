"""The ledger's database: SQLite in the data directory, or PostgreSQL when several cores share it."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text

from homeostat.store.ledger import salvage

log: Final = logging.getLogger("homeostat.ledger")
_BUSY_MILLISECONDS: Final = 20_000
_UPGRADE_LOCK: Final = 0x484D5354
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


class LedgerError(Exception):
    """The ledger refuses; the message says why and what to do."""


class NewerData(LedgerError):
    """The ledger was written by a newer version of the program."""


class Ledger:
    """One ledger. Only the core opens it. No `await` inside a transaction: it belongs to the thread."""

    def __init__(self, dsn: str, *, seal: bytes = b"") -> None:
        """`seal`: a secret kept outside the database; whoever lacks it cannot rewrite the audit log unnoticed."""
        self.seal = seal
        self.damage = ""
        self._url = make_url(dsn)
        self._sqlite = self._url.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(self._url) if self._sqlite else create_engine(self._url, pool_pre_ping=True)
        # SQLite's readers see one moment by themselves.
        level = {} if self._sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading = self._engine.execution_options(homeostat_reads=True, **level)
        # SQLite has one writer at a time; taking turns here is fairer and quicker than its sleeping retries.
        self._turn: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if self._sqlite:
            self._turn = threading.Lock()
        self._mine = threading.local()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction that writes: all of it, or nothing. Inside another one of this thread: a part of that one."""
        mine: Connection | None = getattr(self._mine, "connection", None)
        if mine is not None:
            with mine.begin_nested():
                yield mine
            return
        with self._turn, self._engine.connect() as connection, connection.begin():
            self._mine.connection = connection
            try:
                yield connection
            finally:
                self._mine.connection = None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look that never waits for a writer; inside `begin`, it sees what that has written.

        Inside another one of this thread: the same look, so that two answers are of one moment.
        """
        mine: Connection | None = getattr(self._mine, "connection", None) or getattr(self._mine, "look", None)
        if mine is not None:
            yield mine
            return
        with self._reading.connect() as connection, connection.begin():
            self._mine.look = connection
            try:
                yield connection
            finally:
                self._mine.look = None

    def upgrade(self) -> None:
        """Bring the tables up to this version. A newer ledger is refused, untouched; a damaged file is set aside, and
        what can be read of it goes on in a new one (`damage` says so)."""
        damaged = self._damage()
        if damaged:
            self._salvage(damaged)
            return
        if self._refuse_newer() != max(_known()):
            self._migrate("upgrade", "head")

    def downgrade(self, revision: str) -> None:
        """Take the tables back to an older version (`base`: none at all)."""
        self._migrate("downgrade", revision)

    def revision(self) -> str | None:
        """The version of the tables as they are; None: there are none."""
        if self._sqlite and self._url.database and not _exists(self._url):
            return None
        if self._sqlite and self._url.database:
            return _sqlite_revision(self._url.database)
        with self.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def _damage(self) -> str:
        if not self._sqlite or not self._url.database or not _exists(self._url):
            return ""
        return salvage.damage(Path(self._url.database))

    def _salvage(self, damaged: str) -> None:
        database = Path(str(self._url.database))
        self._engine.dispose()
        aside = salvage.set_aside(database)
        _make_private(database)
        self._migrate("upgrade", "head")
        with self.begin() as connection:
            copied = salvage.copy(aside, connection)
        told = ", ".join(f"{rows} {name}" for name, rows in copied.items() if rows) or "nothing"
        self.damage = f"The ledger was damaged ({damaged[:200]}) and is kept as quarantine/{aside.name}. Saved: {told}."
        log.error(self.damage)

    def _refuse_newer(self) -> str | None:
        """The version of the tables, when it is one that this program knows."""
        found, known = self.revision(), _known()
        if found is not None and found not in known and found > max(known):
            raise NewerData(
                f"The ledger is at version {found}, which this version of homeostat does not know. "
                "It was written by a newer one: install that, or open another data directory."
            )
        return found

    def _migrate(self, verb: str, revision: str) -> None:
        from alembic import command  # half a second to import, and most starts have nothing to migrate
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with self.begin() as connection:
            if not self._sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
            config.attributes["connection"] = connection
            getattr(command, verb)(config, revision)


def _known() -> set[str]:
    """The versions of the tables that this program has migrations for, by the names of their files."""
    return {path.name[1:5] for path in (_MIGRATIONS / "versions").glob("m[0-9][0-9][0-9][0-9]_*.py")}


def _exists(url: URL) -> bool:
    return Path(str(url.database)).exists()


def _sqlite_revision(database: str) -> str | None:
    """Looked up read-only, so that a newer file is not changed by asking."""
    connection = salvage.open_readonly(Path(database))
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    finally:
        connection.close()
    return None if row is None else str(row[0])


def _sqlite_engine(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        _make_private(Path(url.database))
    engine = create_engine(url, connect_args={"timeout": _BUSY_MILLISECONDS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: it would begin them too late.
        connection.isolation_level = None
        connection.text_factory = salvage.text
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer asks for the lock at once: one that asks after it has read cannot wait, it can only fail.
        reads = connection.get_execution_options().get("homeostat_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _make_private(path: Path) -> None:
    """The file exists before SQLite opens it, readable by its owner only; SQLite's side files copy its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
