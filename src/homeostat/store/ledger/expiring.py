"""What is being removed for its age: written down before, so that a crash in between miscounts nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import delete

from homeostat.store.ledger import meta, tables
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.outcomes import moved

_NAME: Final = "expiring"


@dataclass(frozen=True, slots=True)
class Expiring:
    """Rows of `table` that fulfil `where`, which is called with the number `bound`: so many of each project."""

    table: str
    where: str
    bound: int
    items: dict[str, int]


def begin(ledger: Ledger, what: Expiring) -> None:
    """These are about to go."""
    meta.put(ledger, _NAME, json.dumps(asdict(what)))


def pending(ledger: Ledger) -> Expiring | None:
    """What was about to go when somebody died."""
    text = meta.get(ledger, _NAME)
    return None if text is None else Expiring(**json.loads(text))


def done(ledger: Ledger, gone: Counter[str]) -> None:
    """So many of each project are gone: they are no longer stored but expired."""
    with ledger.begin() as connection:
        for project, items in gone.items():
            moved(connection, project, ("stored", "expired"), items)
        connection.execute(delete(tables.meta).where(tables.meta.c.name == _NAME))
