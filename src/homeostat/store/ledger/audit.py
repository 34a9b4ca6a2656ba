"""Who changed what, when: append-only, and chained so that a later change to any of it shows.

Each entry's hash covers the entry and the hash before it, made with the ledger's seal (a secret outside the database).
The head row says which entry is the last, so that entries cut off at the end are missed too.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert, select, update

from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import audit, audit_head
from homeostat.store.ledger.upsert import insert_new

_FIRST: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One change by somebody; `before` and `after` are JSON texts."""

    number: int
    at: datetime
    actor: str
    project: str
    action: str
    subject: str
    before: str
    after: str
    hash: str


def append(
    ledger: Ledger,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    project: str = "",
    before: Any = None,
    after: Any = None,
) -> int:
    """Add an entry; tells its number. Call it inside the transaction that makes the change."""
    with ledger.begin() as connection:
        insert_new(connection, audit_head, {"one": 1, "number": 0, "hash": _FIRST})
        head = connection.execute(select(audit_head.c.number, audit_head.c.hash).with_for_update()).one()
        number = int(head.number) + 1
        entry = {
            "number": number,
            "at": at,
            "actor": actor,
            "project": project,
            "action": action,
            "subject": subject,
            "before": _canonical(before),
            "after": _canonical(after),
        }
        entry["hash"] = _link(ledger.seal, head.hash, entry)
        connection.execute(insert(audit), entry)
        connection.execute(update(audit_head).values(number=number, hash=entry["hash"]))
        return number


def entries(ledger: Ledger, *, project: str | None = None, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Newest first; `before` an entry's number goes on from there."""
    query = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if project is not None:
        query = query.where(audit.c.project == project)
    if before is not None:
        query = query.where(audit.c.number < before)
    with ledger.read() as connection:
        return [Entry(**row._mapping) for row in connection.execute(query)]


def verify(ledger: Ledger) -> str | None:
    """None: the log is whole. Else what is wrong, and from which entry on."""
    with ledger.read() as connection:
        head = connection.execute(select(audit_head.c.number, audit_head.c.hash)).all()
        rows = connection.execution_options(yield_per=1000).execute(select(audit).order_by(audit.c.number))
        number, link = 0, _FIRST
        for entry in _mappings(rows):
            number += 1
            link = _link(ledger.seal, link, entry)
            if entry["number"] != number:
                return f"Entry {number} is missing from the audit log."
            if not hmac.compare_digest(link.encode(), str(entry["hash"]).encode()):
                return f"Entry {number} of the audit log was changed after it was written."
    if number == 0 and not head:
        return None
    if [(row.number, row.hash) for row in head] != [(number, link)]:
        return f"The end of the audit log does not fit: its last entry is {number}, which is not what its head says."
    return None


def _mappings(rows: Any) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield dict(row._mapping)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def _link(seal: bytes, previous: str, entry: dict[str, Any]) -> str:
    names = ("number", "actor", "project", "action", "subject", "before", "after")
    said = [previous, entry["at"].astimezone(UTC).isoformat(), *(str(entry[name]) for name in names)]
    return hmac.digest(seal, _canonical(said).encode(), "sha256").hex()
