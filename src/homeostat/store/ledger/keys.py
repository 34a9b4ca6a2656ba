"""API keys: what is kept of them. The key itself is shown once, when it is made, and is not here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, or_, select, update

from homeostat.records.visitor import SCOPES, Scope
from homeostat.store.ledger import audit, projects
from homeostat.store.ledger.database import Ledger, LedgerError
from homeostat.store.ledger.tables import keys


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its owner may see it."""

    id: str
    project: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    hash: bytes = field(repr=False, compare=False)


def create(
    ledger: Ledger,
    *,
    id: str,
    hash: bytes,
    project: str,
    scopes: Iterable[Scope],
    at: datetime,
    actor: str,
    name: str = "",
    expires: datetime | None = None,
) -> None:
    """Keep a new key of a project (made if it is new), with its audit entry."""
    chosen = sorted(set(scopes))
    if not chosen or not SCOPES.issuperset(chosen):
        raise LedgerError(f"A key needs scopes out of {', '.join(sorted(SCOPES))}; got {', '.join(chosen) or 'none'}.")
    if expires is not None and expires <= at:
        raise LedgerError(f"A key cannot expire in the past ({expires.isoformat()}).")
    with ledger.begin() as connection:
        projects.ensure(ledger, project, at=at, actor=actor)
        row = {
            "id": id,
            "hash": hash.hex(),
            "project": project,
            "name": name,
            "scopes": " ".join(chosen),
            "created": at,
            "expires": expires,
        }
        connection.execute(insert(keys), row)
        after = {"name": name, "scopes": chosen, "expires": expires}
        audit.append(ledger, at=at, actor=actor, action="key.create", subject=id, project=project, after=after)


def listed(ledger: Ledger, project: str | None) -> list[Key]:
    """Keys of a project, or of all (None: only for the operator, and for publishing), oldest first."""
    query = select(keys).order_by(keys.c.created, keys.c.id)
    if project is not None:
        query = query.where(keys.c.project == project)
    with ledger.read() as connection:
        return [_key(row) for row in connection.execute(query)]


def revoke(ledger: Ledger, id: str, *, project: str | None, at: datetime, actor: str) -> bool:
    """End a key of a project (None: of any, for the operator). False: there is no such key. Once is enough."""
    with ledger.begin() as connection:
        query = select(keys).where(keys.c.id == id)
        if project is not None:
            query = query.where(keys.c.project == project)
        row = connection.execute(query.with_for_update()).first()
        if row is None:
            return False
        if row.revoked is None:
            connection.execute(update(keys).where(keys.c.id == id).values(revoked=at))
            audit.append(ledger, at=at, actor=actor, action="key.revoke", subject=id, project=row.project)
        return True


def used(ledger: Ledger, when: Mapping[str, datetime]) -> None:
    """Remember when keys were last used; ids that are no keys are passed over."""
    with ledger.begin() as connection:
        for id, at in sorted(when.items()):
            later = or_(keys.c.last_used.is_(None), keys.c.last_used < at)
            connection.execute(update(keys).where(keys.c.id == id, later).values(last_used=at))


def exist(ledger: Ledger) -> bool:
    """Whether anybody has made a key yet."""
    with ledger.read() as connection:
        return bool(connection.scalar(select(exists().select_from(keys))))


def _key(row: Any) -> Key:
    return Key(
        id=row.id,
        project=row.project,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        last_used=row.last_used,
        hash=_hash(row.hash),
    )


def _hash(text: str) -> bytes:
    """Of a damaged one nothing is left: it fits no key, and the other keys still open."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
