"""The facts engine behind one small door: chDB in this process, or a ClickHouse server, told apart only by the DSN.

One engine client serialises its queries, so there are several: `load` (the loader), `read` (questions; read-only,
bounded), `jobs` (rollups, retention, migrations). A question never waits behind an insert.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from queue import LifoQueue
from typing import Any, Final

import clickhouse_connect

DATABASE: Final = "homeostat"

#: In force on every client: what is written is on disk when the insert returns, and nothing is buffered.
WRITE: Final = {"async_insert": 0, "max_partitions_per_insert_block": 0, "throw_on_max_partitions_per_insert_block": 0}
#: In force on every question: bounded, and it cannot write.
READ: Final = {
    "readonly": 2,  # it cannot write; per-question settings and bound parameters still work
    "do_not_merge_across_partitions_select_final": 1,
    "max_memory_usage": 600_000_000,
    "max_result_rows": 1_000_000,
    "max_result_bytes": 256_000_000,
}


class Warehouse:
    """Clients to one engine. `dsn`: `chdb:///path` or `https://user:password@host:8443/database`."""

    def __init__(self, dsn: str, *, readers: int = 3, question_seconds: float = 30.0) -> None:
        self.dsn = dsn
        self.embedded = dsn.startswith("chdb:")
        first = self._connect({})
        first.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        first.close()
        self.load = self._connect(WRITE)
        self.jobs = self._connect(WRITE)
        self._readers: LifoQueue[Any] = LifoQueue()
        self._all = [self.load, self.jobs]
        self._reading = {**READ, "max_execution_time": question_seconds}
        for _ in range(readers):
            client = self._connect(self._reading)
            self._all.append(client)
            self._readers.put(client)
        self._closing = threading.Lock()

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

    def beside(self) -> Warehouse:
        """The same engine with another client to load by, so that one load can be prepared while another is stored."""
        other = copy(self)
        other.load = self._connect(WRITE)
        self._all.append(other.load)
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

    def read_file(self, client: Any, table: str, path: Path, fmt: str, settings: str) -> None:
        """Insert a local file that the engine itself decodes. Only our own paths come here, never a user's text."""
        quoted = str(path).replace("\\", "\\\\").replace("'", "\\'")
        if self.embedded:
            client.command(f"INSERT INTO {table} FROM INFILE '{quoted}' SETTINGS {settings} FORMAT {fmt}")
        else:
            with path.open("rb") as file:
                client.raw_insert(f"{table} SETTINGS {settings}", insert_block=file, fmt=fmt)

    def insert(self, client: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows that Python made (the exact path, small things)."""
        if rows:
            client.insert(table, rows, column_names=list(columns))

    def close(self) -> None:
        with self._closing:
            for client in self._all:
                client.close()
            self._all = []
