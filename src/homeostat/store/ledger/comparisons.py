"""How releases that serve a route together compare, as of the last tick: one row for each route and measure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from sqlalchemy import Row, delete, select

from homeostat.records.comparison import Comparison, as_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import comparisons
from homeostat.store.ledger.upsert import upsert

_FIELDS: Final = tuple(field.name for field in fields(Comparison))


def put(ledger: Ledger, found: Sequence[Comparison]) -> None:
    """These take the place of the older ones of their route and measure; older policies of a route are forgotten."""
    rows = [
        {"project": one.project, "route": one.route, "measure": one.measure, "policy": one.policy, "at": one.at,
         "document": json.dumps(as_json(one), allow_nan=False)}
        for one in found
    ]  # fmt: skip
    with ledger.begin() as connection:
        for project, route, policy in sorted({(one.project, one.route, one.policy) for one in found}):
            older = (comparisons.c.project == project, comparisons.c.route == route, comparisons.c.policy < policy)
            connection.execute(delete(comparisons).where(*older))
        upsert(connection, comparisons, rows, lambda new: {name: new[name] for name in ("policy", "at", "document")})


def latest(ledger: Ledger, project: str, route: str | None = None) -> list[Comparison]:
    """The comparisons of a project, or of one route, by route and measure."""
    query = select(comparisons).where(comparisons.c.project == project)
    if route is not None:
        query = query.where(comparisons.c.route == route)
    with ledger.read() as connection:
        return [
            _read(row) for row in connection.execute(query.order_by(comparisons.c.route, comparisons.c.measure)).all()
        ]


listed = latest


def _read(row: Row[tuple[object, ...]]) -> Comparison:
    told = json.loads(row.document)
    known = {name: told[name] for name in _FIELDS if name in told}
    return Comparison(**known | {name: tuple(known[name]) for name in ("users", "means")})
