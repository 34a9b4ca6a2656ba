"""What a start does to the tables of the warehouse."""

from __future__ import annotations

import secrets

from homeostat.store.warehouse import schema
from homeostat.store.warehouse.client import Warehouse


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
