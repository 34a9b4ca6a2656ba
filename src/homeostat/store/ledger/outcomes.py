"""What became of every accepted item: the conservation ledger."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select, update

from homeostat.records.outcome import Kind
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import outcomes
from homeostat.store.ledger.upsert import upsert


def totals(ledger: Ledger, project: str | None) -> dict[str, Any]:
    """`{"stored", "rejected": {reason: n}, "expired", "erased"}` of a project, or of all (None).

    What is still waiting stands in the spool, not here; whoever answers adds it, and `received` as the sum.
    """
    query = select(outcomes.c.kind, outcomes.c.reason, func.sum(outcomes.c["items"])).group_by(
        outcomes.c.kind, outcomes.c.reason
    )
    if project is not None:
        query = query.where(outcomes.c.project == project)
    found: dict[str, Any] = {"stored": 0, "rejected": {}, "expired": 0, "erased": 0}
    with ledger.read() as connection:
        for kind, reason, items in connection.execute(query.order_by(outcomes.c.kind, outcomes.c.reason)):
            if kind == "rejected":
                found["rejected"][reason] = int(items)
            else:
                found[kind] += int(items)
    return found


def move(ledger: Ledger, project: str, from_kind: Kind, to_kind: Kind, items: int) -> int:
    """Items changed their fate (retention, erasure); tells how many. Never more than there were, so the sum holds."""
    with ledger.begin() as connection:
        return moved(connection, project, (from_kind, to_kind), items)


def moved(connection: Connection, project: str, kinds: tuple[Kind, Kind], items: int) -> int:
    """The same within a transaction."""
    from_kind, to_kind = kinds
    here = (outcomes.c.project == project, outcomes.c.kind == from_kind, outcomes.c.reason == "")
    have = connection.scalar(select(outcomes.c["items"]).where(*here).with_for_update()) or 0
    count = max(0, min(items, have))
    if count and from_kind != to_kind:
        connection.execute(update(outcomes).where(*here).values({"items": outcomes.c["items"] - count}))
        row = {"project": project, "kind": to_kind, "reason": "", "items": count}
        upsert(connection, outcomes, [row], lambda new: {"items": outcomes.c["items"] + new["items"]})
    return count
