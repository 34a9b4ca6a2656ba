"""What was found. A finding never changes; what is made of it is an incident."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Final

from sqlalchemy import Row, insert, select

from homeostat.records.finding import Finding, as_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import findings

_FIELDS: Final = tuple(field.name for field in fields(Finding))


def add(ledger: Ledger, finding: Finding) -> Finding:
    """Keep it; the same with its number."""
    document = as_json(finding)
    row = {
        "project": finding.project, "monitor": finding.monitor, "measure": finding.measure, "at": finding.at,
        "document": json.dumps({name: document[name] for name in _FIELDS if name != "id"}, allow_nan=False),
    }  # fmt: skip
    with ledger.begin() as connection:
        made = connection.execute(insert(findings).values(**row).returning(findings.c.id))
        return replace(finding, id=int(made.scalar_one()))


def get(ledger: Ledger, project: str, ids: Iterable[int]) -> list[Finding]:
    """Those of a project with these numbers, oldest first."""
    query = select(findings).where(findings.c.project == project, findings.c.id.in_(list(ids))).order_by(findings.c.id)
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(query)]


def newest(
    ledger: Ledger, project: str, limit: int = 50, *, monitor: str | None = None, since: int = 0
) -> list[Finding]:
    """The last findings of a project, or of one monitor, newest first."""
    query = select(findings).where(findings.c.project == project, findings.c.at >= since)
    if monitor is not None:
        query = query.where(findings.c.monitor == monitor)
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(findings.c.at.desc(), findings.c.id.desc()).limit(limit)).all()
        return [_read(row) for row in rows]


def _read(row: Row[tuple[object, ...]]) -> Finding:
    told = json.loads(row.document)
    return Finding(**{name: told[name] for name in _FIELDS if name in told}, id=row.id)
