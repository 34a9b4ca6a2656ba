"""The facts engine behind one small door: chDB in this process, or a ClickHouse server, told apart only by the DSN.

One engine client serialises its queries, so there are several: `load` (the loader), `read` (questions; read-only,
bounded), `jobs` (rollups, retention, migrations). A question never waits behind an insert: whoever asks comes first,
then what was sent, then what we think of it.

What the disk refuses chDB takes for written. Nobody may count on a write before it was proved: see `Warehouse.prove`.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from queue import LifoQueue
from typing import Any, Final

import clickhouse_connect

from homeostat.store.warehouse.unfinished import mend

DATABASE: Final = "homeostat"

#: Whose turn it is: at each block that a statement reads it lets those of a lower number run, for some milliseconds.
ASKED: Final = {"priority": 1}
SENT: Final = {"priority": 2, "low_priority_query_wait_time_ms": 20}
THOUGHT: Final = {"priority": 3, "low_priority_query_wait_time_ms": 50}
#: In force on every client: what is written is on disk when the insert returns, and nothing is buffered.
WRITE: Final = {"async_insert": 0, "max_partitions_per_insert_block": 0, "throw_on_max_partitions_per_insert_block": 0}
#: For long statements of ours: searching them for what could be written better costs more than it ever saves.
PLAINLY: Final = (
    "optimize_extract_common_expressions = 0, optimize_and_compare_chain = 0, optimize_or_like_chain = 0, "
    "optimize_time_filter_with_preimage = 0"
)
#: In force on every question: bounded, and it cannot write.
READ: Final = {
    **ASKED,
    "readonly": 2,  # it cannot write; per-question settings and bound parameters still work
    "do_not_merge_across_partitions_select_final": 1,
    "max_memory_usage": 600_000_000,
    "max_result_rows": 1_000_000,
    "max_result_bytes": 256_000_000,
}
#: Small files are written without asking whether there is room for them.
LEAST_ROOM: Final = 4 << 20
_REFUSED_WRITES: Final = "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"


class WritesLost(Exception):
    """Something that the engine took for written is not on disk. Only a new process can tell what is."""


class Writer:
    """A client to write by; what it wrote is proved. chDB hands what a failed statement had already answered to the
    next statement of the same connection, which would take those bytes for its own rows: where one failed, the next
    one gets a new connection.
    """

    def __init__(self, connect: Callable[[], Any], prove: Callable[[], None]) -> None:
        self._connect = connect
        self._prove = prove
        self._client = connect()
        self._failed = False
        self._turn = threading.Lock()  # a connection takes one statement at a time anyway

    def command(self, *args: Any, **options: Any) -> Any:
        """A statement without rows."""
        return self._write("command", args, options)

    def query(self, *args: Any, **options: Any) -> Any:
        """Rows."""
        return self._run("query", args, options)

    def raw_query(self, *args: Any, **options: Any) -> Any:
        """Rows as bytes."""
        return self._run("raw_query", args, options)

    def insert(self, *args: Any, **options: Any) -> Any:
        """Rows that Python made, into a table."""
        return self._write("insert", args, options)

    def raw_insert(self, *args: Any, **options: Any) -> Any:
        """Rows as bytes, into a table."""
        return self._write("raw_insert", args, options)

    def close(self) -> None:
        """Let the connection go."""
        with self._turn:
            self._client.close()

    def _write(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        done = self._run(name, args, options)
        self._prove()
        return done

    def _run(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        with self._turn:
            if self._failed:
                stale, self._client = self._client, self._connect()
                self._failed = False
                stale.close()
            try:
                return getattr(self._client, name)(*args, **options)
            except BaseException:
                self._failed = True
                raise


class Warehouse:
    """Clients to one engine. `dsn`: `chdb:///path` or `https://user:password@host:8443/database`."""

    def __init__(self, dsn: str, *, readers: int = 3, question_seconds: float = 30.0) -> None:
        self.dsn = dsn
        self.embedded = dsn.startswith("chdb:")
        self._folder = Path(dsn.removeprefix("chdb://"))
        if self.embedded:
            mend(self._folder, DATABASE)
        first = self._connect({})
        first.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        first.close()
        self._witness = self._connect({"readonly": 2})
        self._one_at_a_time = threading.Lock()
        self.load = self._loading()
        self.jobs = Writer(lambda: self._connect(WRITE | THOUGHT), self.prove)
        self._all: list[Any] = [self.load, self.jobs, self._witness]
        self._closing = threading.Lock()
        self._reading = {**READ, "max_execution_time": question_seconds}
        self._readers = self._reading_by(readers)

    def _loading(self) -> Writer:
        """Most of what the loader writes is in memory only: it proves a load as a whole."""
        return Writer(lambda: self._connect(WRITE | SENT), lambda: None)

    def _reading_by(self, clients: int) -> LifoQueue[Any]:
        readers: LifoQueue[Any] = LifoQueue(clients)
        for _ in range(clients):
            client = self._connect(self._reading)
            self._all.append(client)
            readers.put(client)
        return readers

    def prove(self) -> None:
        """Raise `WritesLost` unless the disk took every write of this engine. Call it before counting on one.

        A write that the disk refused is no error to chDB, not even within a merge, whose broken part then stands for
        good ones. But it is counted; and the good parts stay for some minutes, where the next process finds them.
        """
        if not self.embedded:
            return
        with self._one_at_a_time:
            lost = self._witness.query(_REFUSED_WRITES).result_rows
        if lost:
            raise WritesLost(f"The disk refused {lost[0][0]} writes of the warehouse; the core has to start again.")

    def _connect(self, settings: Mapping[str, Any]) -> Any:
        client = clickhouse_connect.get_client(dsn=self.dsn, settings=dict(settings))
        if client.database != DATABASE and self._exists(client):
            client.database = DATABASE
        return client

    @staticmethod
    def _exists(client: Any) -> bool:
        return bool(
            client.query("SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": DATABASE}).result_rows
        )

    def need_room(self) -> None:
        """Raise OSError on a disk that is as good as full: what is written there is lost sooner than stored."""
        if self.embedded and shutil.disk_usage(self._folder).free < LEAST_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))

    def beside(self) -> Warehouse:
        """The same engine with another client to load by, so that one load can be prepared while another is stored."""
        other = copy(self)
        other.load = self._loading()
        self._all.append(other.load)
        return other

    def patient(self) -> Warehouse:
        """The same engine, asked by what can wait: people's questions come first."""
        other = copy(self)
        other._reading = self._reading | THOUGHT
        other._readers = other._reading_by(self._readers.maxsize)
        return other

    @contextmanager
    def reader(self) -> Iterator[Any]:
        """A client for one question."""
        client = self._readers.get()
        try:
            yield client
        except BaseException:
            # chDB hands what a failed question had already written to the next question of the same connection,
            # whoever asks that one: a connection on which a question failed is never used again.
            client = self._renewed(client)
            raise
        finally:
            self._readers.put(client)

    def _renewed(self, client: Any) -> Any:
        with self._closing:
            if client not in self._all:  # the warehouse is closed
                return client
            fresh = self._connect(self._reading)
            self._all[self._all.index(client)] = fresh
        client.close()
        return fresh

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a question, as dictionaries. Values only ever enter as bound parameters."""
        with self.reader() as client:
            result = client.query(sql, dict(parameters or {}))
            return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def read_file(self, client: Any, insert: str, path: Path, *, fmt: str, structure: str, settings: str) -> None:
        """Run an INSERT … SELECT over a local file that the engine itself decodes; `{file}` in it is the file's rows.

        The rows are never held as a whole. Only our own paths and statements come here, never a user's text.
        """
        quoted, columns = (
            "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" for text in (str(path), structure)
        )
        if self.embedded:
            source = f"file({quoted}, '{fmt}', {columns})"
            client.command(f"{insert.replace('{file}', source)} SETTINGS {settings}")
            return
        # A server reads no file of ours: it is sent behind the statement.
        statement = insert.replace("{file}", f"input({columns})").removeprefix("INSERT INTO ")
        with path.open("rb") as file:
            client.raw_insert(f"{statement} SETTINGS {settings}", insert_block=file, fmt=fmt)

    def insert(self, client: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows that Python made (the exact path, small things)."""
        if rows:
            client.insert(table, rows, column_names=list(columns))

    def close(self) -> None:
        with self._closing:
            for client in self._all:
                client.close()
            self._all.clear()
