"""A session: a conversation, its answers in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import iso
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import rows
from homeostat.store.warehouse.questions.bound import Bound
from homeostat.store.warehouse.questions.fields import ANSWER, STATUS

#: A page shows so many answers; the totals count all.
MOST: Final = 1000
_WHERE: Final = f"project = {{project:String}} AND session_id = {{session:String}} AND session_id != '' AND {ANSWER}"


@dataclass(frozen=True, slots=True)
class Session:
    """The answers (oldest first, `MOST` at most) and sums over all of them."""

    session_id: str
    answers: Sequence[Exchange]
    totals: dict[str, Any]


def session(warehouse: Warehouse, project: str, session_id: str, now: datetime) -> Session | None:
    """One session, None when nobody spoke in it."""
    bound = Bound(project, now)
    bound.values["session"] = session_id
    totals = warehouse.ask(f"SELECT {_TOTALS} FROM exchanges FINAL WHERE {_WHERE}", bound.values)[0]  # noqa: S608
    if totals["answers"] == 0:
        return None
    sql = f"SELECT {rows.SELECT} FROM exchanges FINAL WHERE {_WHERE} ORDER BY at, trace_id, span_id LIMIT {MOST}"  # noqa: S608
    return Session(session_id, rows.exchanges(warehouse.ask(sql, bound.values)), _totals_json(totals))


_TOTALS: Final = (
    "count() AS answers, sum(calls) AS model_calls, sum(ifNull(input_tokens, 0)) AS tokens_in, "
    "sum(ifNull(output_tokens, 0)) AS tokens_out, sum(ifNull(cost, 0)) AS usd, sum(latency_ms) AS took_ms, "
    f"countIf({STATUS} = 'error') AS errors, arraySort(groupUniqArray(20)(user_id)) AS users, "
    "arraySort(groupUniqArray(20)(toString(model))) AS models, "
    "toUnixTimestamp64Micro(min(at)) AS first, toUnixTimestamp64Micro(max(at)) AS last"
)


def _totals_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "answers": row["answers"],
        "calls": row["model_calls"],
        "input_tokens": row["tokens_in"],
        "output_tokens": row["tokens_out"],
        "cost": row["usd"],
        "latency_ms": row["took_ms"],
        "errors": row["errors"],
        "users": [user for user in row["users"] if user],
        "models": [model for model in row["models"] if model],
        "first": iso(row["first"]),
        "last": iso(row["last"]),
    }
