"""Small facts of this installation by name."""

from __future__ import annotations

from sqlalchemy import select

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import meta
from homeostat.store.ledger.upsert import upsert


def get(ledger: Ledger, name: str) -> str | None:
    """What was put last; None: nothing yet."""
    with ledger.read() as connection:
        found: str | None = connection.scalar(select(meta.c.value).where(meta.c.name == name))
        return found


def put(ledger: Ledger, name: str, value: str) -> None:
    """Keep it."""
    with ledger.begin() as connection:
        upsert(connection, meta, [{"name": name, "value": value}], lambda new: {"value": new["value"]})


def count_up(ledger: Ledger, name: str) -> int:
    """The next number of a series that never repeats, also not between two cores."""
    with ledger.begin() as connection:
        # Writing what is there already takes the row's lock, whether or not there was a row.
        upsert(connection, meta, [{"name": name, "value": "0"}], lambda new: {"value": meta.c.value})
        number = int(connection.scalar(select(meta.c.value).where(meta.c.name == name)) or 0) + 1
        upsert(connection, meta, [{"name": name, "value": str(number)}], lambda new: {"value": new["value"]})
        return number
