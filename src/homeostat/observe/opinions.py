"""Signals and scores on their way to their tables: each id once, whenever and however often it is sent."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.observe.facts import SCORE, SIGNAL, Row
from homeostat.store.warehouse.client import Warehouse

_KEY: Final = "sipHash64(project, id)"
_COLUMNS: Final = {"signals": SIGNAL, "scores": SCORE}


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rows were stored and how many were there already, by project. No rollup holds anything of them."""

    stored: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)


class Opinions:
    """Stores signals and scores through Memory tables beside `staged`."""

    def __init__(self, warehouse: Warehouse, staged: str) -> None:
        self._client = warehouse.load
        self._beside = {table: f"{staged}_{table}" for table in _COLUMNS}
        self._filled: set[str] = set()  # own tables that may hold something

    def prepare(self) -> None:
        """Its own tables, empty."""
        for table, beside in self._beside.items():
            columns = ", ".join(_COLUMNS[table])
            self._client.command(f"DROP TABLE IF EXISTS {beside}")
            self._client.command(f"CREATE TABLE {beside} ENGINE = Memory EMPTY AS SELECT {columns} FROM {table}")

    def clear(self) -> None:
        """Empty its tables."""
        for beside in tuple(self._filled):
            self._client.command(f"TRUNCATE TABLE IF EXISTS {beside}")
            self._filled.discard(beside)

    def store(self, table: str, rows: Sequence[Row], segment: int) -> Kept:
        """Store the rows of `signals` or `scores` whose ids are new."""
        if not rows:
            return Kept()
        beside, columns = self._beside[table], ", ".join(_COLUMNS[table])
        self._client.command(f"TRUNCATE TABLE {beside}")
        self._filled.add(beside)
        self._client.insert(beside, rows, column_names=list(_COLUMNS[table]))
        stored = f"SELECT row_key FROM {table} WHERE row_key IN (SELECT {_KEY} FROM {beside})"
        fresh = f"SELECT *, {_KEY} AS row_key FROM {beside} WHERE row_key NOT IN ({stored}) LIMIT 1 BY row_key"
        found: list[Any] = self._client.query(f"SELECT project, count() FROM ({fresh}) GROUP BY project").result_rows
        self._client.command(
            f"INSERT INTO {table} ({columns}, row_key, segment) SELECT {columns}, row_key, {segment} FROM ({fresh})"
        )
        new = Counter[str](dict(found))
        return Kept(new, Counter(row[0] for row in rows) - new)
