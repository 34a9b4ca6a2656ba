"""A fixed set of exchanges to judge again and again, and what they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import WINDOW, Bound
from homeostat.store.warehouse.questions.related import trace_keys
from homeostat.store.warehouse.questions.rows import SELECT, exchanges

_LONG: Final = 90 * 86_400_000_000


def choose(warehouse: Warehouse, project: str, scorer: str, *, most: int, until: int) -> list[str]:
    """Ids of exchanges that a scorer has judged: at most so many that passed, and so many that failed."""
    bound = Bound(project, as_datetime(until), max(0, until - _LONG), until + 1)
    judge = bound.add(scorer, "String")
    rows = warehouse.ask(
        "SELECT concat(lower(hex(trace_id)), '-', lower(hex(span_id))) AS full_id, value >= 0.5 AS passed FROM scores "  # noqa: S608
        f"WHERE {WINDOW} AND scorer = {judge} AND value IS NOT NULL "
        f"ORDER BY sipHash64(full_id) LIMIT {most} BY passed",
        bound.values,
    )
    return sorted(row["full_id"] for row in rows)


def exchanges_of(warehouse: Warehouse, project: str, ids: Sequence[str], *, until: int) -> list[Exchange]:
    """Those of them that are still kept."""
    bound = Bound(project, as_datetime(until), max(0, until - _LONG), until + 1)
    traces = bound.add(sorted({one[:32] for one in ids}), "Array(String)")
    wanted = bound.add(list(ids), "Array(String)")
    return exchanges(
        warehouse.ask(
            f"SELECT {SELECT} FROM exchanges FINAL WHERE {WINDOW} AND trace_key IN ({trace_keys(traces)}) "  # noqa: S608
            f"AND concat(lower(hex(trace_id)), '-', lower(hex(span_id))) IN {wanted} ORDER BY at, trace_id, span_id",
            bound.values,
        )
    )
