"""Verdicts: written once; a later word about the same action is another one."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert, select

from homeostat.records.verdict import Verdict, as_json, from_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import verdicts


def add(ledger: Ledger, verdict: Verdict) -> Verdict:
    """Keep one."""
    row = {
        "project": verdict.project,
        "action": verdict.action,
        "at": verdict.at,
        "final": int(verdict.final),
        "document": json.dumps(as_json(verdict), sort_keys=True, allow_nan=False),
    }
    with ledger.begin() as connection:
        connection.execute(insert(verdicts), row)
    return verdict


def listed(
    ledger: Ledger, project: str, *, action: int | None = None, before: int | None = None, limit: int = 200
) -> list[tuple[int, Verdict]]:
    """(number, verdict), newest first; `before` a number goes on from there."""
    query = select(verdicts.c.id, verdicts.c.document).where(verdicts.c.project == project)
    if action is not None:
        query = query.where(verdicts.c.action == action)
    if before is not None:
        query = query.where(verdicts.c.id < before)
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(verdicts.c.id.desc()).limit(limit)).all()
    return [(int(row.id), _read(row)) for row in rows]


def latest(ledger: Ledger, project: str, action: int) -> Verdict | None:
    """The word that counts about an action: the final one, else the newest."""
    found = [verdict for _, verdict in listed(ledger, project, action=action)]
    return next((verdict for verdict in found if verdict.final), found[0] if found else None)


def _read(row: Any) -> Verdict:
    return from_json(json.loads(row.document))
