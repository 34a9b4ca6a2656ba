"""What a start does to the tables of the warehouse."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import tests
from homeostat.store.warehouse import schema
from homeostat.store.warehouse.client import Warehouse

ROOT = Path(tests.__file__).parents[1]


def test_staging_of_an_older_version_is_forgotten(warehouse: Warehouse) -> None:
    odd = f"staged_old_{secrets.token_hex(4)}"
    client = warehouse.jobs
    # Other tests of this process have staging tables of their own: only what this question names may go.
    kept = _Narrowed(client, odd)
    client.command("CREATE TABLE {name:Identifier} (gone UInt8) ENGINE = Memory", {"name": odd})
    assert odd in kept.tables()
    schema.forget_staging(kept)
    assert odd not in kept.tables()
    assert warehouse.ask("SELECT count() AS n FROM system.tables WHERE name = 'spans'")[0]["n"] == 1


def test_rollups_of_an_older_version_are_made_anew(tmp_path: Path) -> None:
    for step in ("old", "new"):  # a process has one engine
        command = [sys.executable, "-m", "tests.store.warehouse.old_rollups_alone", step, str(tmp_path)]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert found.returncode == 0, found.stderr[-3000:]


class _Narrowed:
    """A client that shows one table in memory."""

    def __init__(self, client: object, name: str) -> None:
        self._client = client
        self._name = name

    def tables(self) -> list[str]:
        """Names of all tables."""
        return [row[0] for row in self._client.query("SHOW TABLES").result_rows]  # type: ignore[attr-defined]

    def query(self, sql: str, parameters: dict[str, str]) -> object:
        """The question, about one table."""
        return self._client.query(  # type: ignore[attr-defined]
            f"{sql} AND name = {{only:String}}", parameters | {"only": self._name}
        )

    def command(self, sql: str, parameters: dict[str, str]) -> None:
        """As it is."""
        self._client.command(sql, parameters)  # type: ignore[attr-defined]
