"""Datasets: every version is written once, with its items and where they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import dataset_forgotten, dataset_items, datasets
from homeostat.store.ledger.upsert import upsert
from homeostat.store.ledger.versioned import newest_of, versions_of

#: Rows in one statement: SQLite binds 32,766 values at most.
_AT_ONCE = 1000
#: The digest of a version from which somebody was taken out.
_FORGOTTEN = "forgotten"
_STANDS = datasets.c.withdrawn == 0


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a dataset, without its items."""

    name: str
    version: int
    items: int
    digest: str
    lineage: Mapping[str, Any]
    note: str
    created: datetime
    author: str
    withdrawn: bool = False
    """Its action was undone: it can be read, and is the newest no more."""


def add(ledger: Ledger, project: str, version: Version, items: Sequence[Mapping[str, Any]]) -> None:
    """Keep a version with its items; call it inside the transaction that chose its number."""
    row = {
        "project": project, "name": version.name, "version": version.version, "items": len(items),
        "digest": version.digest, "lineage": json.dumps(dict(version.lineage), sort_keys=True), "note": version.note,
        "created": version.created, "author": version.author,
    }  # fmt: skip
    place = {"project": project, "name": version.name, "version": version.version}
    rows = [
        {**place, "number": number, "exchange": str(item.get("exchange") or ""), "document": json.dumps(dict(item))}
        for number, item in enumerate(items, 1)
    ]
    with ledger.begin() as connection:
        connection.execute(insert(datasets), row)
        for at in range(0, len(rows), _AT_ONCE):
            connection.execute(insert(dataset_items), rows[at : at + _AT_ONCE])


def get(ledger: Ledger, project: str, name: str, version: int | None = None) -> Version | None:
    """A version; without a number the newest that was not withdrawn."""
    query = versions_of(datasets, project, name, version).limit(1)
    with ledger.read() as connection:
        row = connection.execute(query if version else query.where(_STANDS)).first()
    return None if row is None else _version(row)


def last(ledger: Ledger, project: str, name: str) -> int:
    """The number of the newest version, withdrawn or not; 0: there is none."""
    mine = (datasets.c.project == project, datasets.c.name == name)
    with ledger.read() as connection:
        return connection.scalar(select(func.max(datasets.c.version)).where(*mine)) or 0


def withdraw(ledger: Ledger, project: str, name: str, version: int) -> None:
    """It is the newest no more; may be told twice."""
    here = (datasets.c.project == project, datasets.c.name == name, datasets.c.version == version)
    with ledger.begin() as connection:
        connection.execute(update(datasets).where(*here).values(withdrawn=1))


def versions(ledger: Ledger, project: str, name: str) -> list[Version]:
    """All of one dataset, newest first."""
    with ledger.read() as connection:
        return [_version(row) for row in connection.execute(versions_of(datasets, project, name))]


def newest(ledger: Ledger, project: str) -> list[Version]:
    """The newest version of each that was not withdrawn, by name."""
    with ledger.read() as connection:
        return [_version(row) for row in connection.execute(newest_of(datasets, project, _STANDS))]


def items(
    ledger: Ledger, project: str, name: str, version: int, *, after: int = 0, limit: int = 100_000
) -> list[dict[str, Any]]:
    """Items of a version in their order, from behind the number `after`."""
    query = (
        select(dataset_items.c.number, dataset_items.c.document)
        .where(
            dataset_items.c.project == project, dataset_items.c.name == name, dataset_items.c.version == version,
            dataset_items.c.number > after,
        )
        .order_by(dataset_items.c.number)
        .limit(limit)
    )  # fmt: skip
    with ledger.read() as connection:
        return [{"number": row.number, **json.loads(row.document)} for row in connection.execute(query)]


def forget(ledger: Ledger, project: str, exchanges: Sequence[str]) -> int:
    """Take exchanges out of every version that holds them (erasure), and keep them out; tells how many items went.

    Such a version is no longer what it was: the same items again are another one.
    """
    gone = 0
    with ledger.begin() as connection:
        for at in range(0, len(exchanges), _AT_ONCE):
            some = exchanges[at : at + _AT_ONCE]
            rows = [{"project": project, "exchange": digest} for digest in {_digest(one) for one in some}]
            upsert(connection, dataset_forgotten, rows, lambda new: {"exchange": new.exchange})
            mine = (dataset_items.c.project == project, dataset_items.c.exchange.in_(some))
            touched = connection.execute(
                select(dataset_items.c.name, dataset_items.c.version, func.count()).where(*mine)
                .group_by(dataset_items.c.name, dataset_items.c.version)
            ).all()  # fmt: skip
            gone += connection.execute(delete(dataset_items).where(*mine)).rowcount
            for name, version, count in touched:
                here = (datasets.c.project == project, datasets.c.name == name, datasets.c.version == version)
                connection.execute(
                    update(datasets).where(*here).values(items=datasets.c["items"] - count, digest=_FORGOTTEN)
                )
    return gone


def without_forgotten(
    ledger: Ledger, project: str, items: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:  # fmt: skip
    """Items but for those whose exchange was taken out for good."""
    asked = sorted({_digest(str(item["exchange"])) for item in items if item.get("exchange")})
    gone: set[str] = set()
    with ledger.read() as connection:
        for at in range(0, len(asked), _AT_ONCE):
            query = select(dataset_forgotten.c.exchange).where(
                dataset_forgotten.c.project == project, dataset_forgotten.c.exchange.in_(asked[at : at + _AT_ONCE])
            )
            gone.update(connection.scalars(query))
    return [item for item in items if not gone or _digest(str(item.get("exchange") or "")) not in gone]


def _digest(exchange: str) -> str:
    """What tells that an exchange was forgotten, and not which one it was."""
    return hashlib.sha256(exchange.encode()).hexdigest()


def _version(row: Any) -> Version:
    told = row._mapping
    return Version(
        told["name"], told["version"], told["items"], told["digest"], json.loads(told["lineage"]), told["note"],
        told["created"], told["author"], bool(told["withdrawn"]),
    )  # fmt: skip
