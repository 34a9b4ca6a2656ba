"""What was said about exchanges: scores (made by scorers) and signals (by people and systems downstream)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import iso
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, Bound
from homeostat.store.warehouse.questions.related import IS_SCORE, NEWEST, NO_SPAN
from homeostat.store.warehouse.questions.rows import START_CHARS

#: A page shows so many signals of one exchange at most.
MOST: Final = 200
_USER_WINDOW: Final = 3_600_000_000
_TRACES: Final = "trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16))"
_NOWHERE: Final = "0" * 16
_WHOLE: Final = "{0}"
_START: Final = f"substringUTF8({{0}}, 1, {START_CHARS})"

Scores = dict[str, dict[str, Any]]
Signals = list[dict[str, Any]]


def _columns(long: str) -> str:
    """Of signals; `long` is how long texts are read, whole or their beginnings."""
    return (
        "id, name, value, label, source, session_id, user_id, toUnixTimestamp64Micro(at) AS at_us, "
        "lower(hex(trace_id)) AS trace_hex, lower(hex(span_id)) AS span_hex, "
        f"{long.format('comment')} AS comment, {long.format('correction')} AS correction"
    )


def _bound(project: str, now: datetime, exchanges: Sequence[Exchange]) -> Bound:
    bound = Bound(project, now, min(e.at for e in exchanges), max(e.at for e in exchanges) + 1)
    bound.values["traces"] = sorted({e.trace_id for e in exchanges})
    return bound


def scores(
    warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange], *, whole: bool = False
) -> list[Scores]:
    """For each exchange the score that counts of each name: costliest rung, then newest; its own before its trace's.
    Reasons are whole, or their beginnings."""
    if not exchanges:
        return []
    reason = (_WHOLE if whole else _START).format("reason")
    found = warehouse.ask(
        f"SELECT lower(hex(trace_id)) AS trace_hex, lower(hex(span_id)) AS span_hex, name, "  # noqa: S608
        f"argMax((value, label, {reason}, scorer, toString(rung)), tuple({IS_SCORE}, {NEWEST})) AS best "
        f"FROM scores WHERE {SAID_WINDOW} AND {_TRACES} GROUP BY trace_id, span_id, name",
        _bound(project, now, exchanges).values,
    )
    by_span: dict[tuple[str, str], Scores] = defaultdict(dict)
    for row in found:
        value, label, reason, scorer, rung = row["best"]
        by_span[row["trace_hex"], row["span_hex"]][row["name"]] = {
            "value": _finite(value),
            "label": label or None,
            "reason": reason or None,
            "scorer": scorer or None,
            "rung": rung or None,
        }
    return [_merged(exchange, by_span) for exchange in exchanges]


def _merged(exchange: Exchange, by_span: dict[tuple[str, str], Scores]) -> Scores:
    merged: Scores = {}
    for span in (_NOWHERE, *reversed(exchange.members), exchange.span_id):
        merged |= by_span.get((exchange.trace_id, span), {})
    return merged


def signals(
    warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange], *, whole: bool = False
) -> list[Signals]:
    """For each exchange the signals about it or its trace, oldest first. Comments and corrections are whole, or their
    beginnings."""
    if not exchanges:
        return []
    found = warehouse.ask(
        f"SELECT {_columns(_WHOLE if whole else _START)} FROM signals WHERE {SAID_WINDOW} AND {_TRACES} "  # noqa: S608
        f"ORDER BY at, id LIMIT {MOST} BY trace_id, span_id",
        _bound(project, now, exchanges).values,
    )
    by_span: dict[tuple[str, str], Signals] = defaultdict(list)
    for row in found:
        by_span[row["trace_hex"], row["span_hex"]].append(row)
    return [
        _sorted([row for span in dict.fromkeys((*e.members, e.span_id, _NOWHERE)) for row in by_span[e.trace_id, span]])
        for e in exchanges
    ]


def _sorted(found: Signals) -> Signals:
    return [as_json(row) for row in sorted(found, key=lambda row: (row["at_us"], row["id"]))]


def signals_around(warehouse: Warehouse, project: str, now: datetime, exchange: Exchange) -> Signals:
    """All signals that may be about one exchange: by its id, its trace, its session, and its user within an hour."""
    bound = _bound(project, now, [exchange])
    bound.values |= {
        "spans": [*exchange.members, exchange.span_id],
        "session": exchange.session_id,
        "user": exchange.user_id,
        "low_user": exchange.at - _USER_WINDOW,
        "high_user": exchange.at + _USER_WINDOW,
    }
    return _sorted(
        warehouse.ask(
            f"SELECT {_columns(_WHOLE)} FROM signals WHERE {SAID_WINDOW} AND ("  # noqa: S608
            f"({_TRACES} AND (span_id = {NO_SPAN} OR has({{spans:Array(String)}}, lower(hex(span_id))))) "
            "OR (session_id != '' AND session_id = {session:String}) "
            "OR (user_id != '' AND user_id = {user:String} AND toUnixTimestamp64Micro(at) "
            f"BETWEEN {{low_user:Int64}} AND {{high_user:Int64}})) ORDER BY at, id LIMIT {MOST}",
            bound.values,
        )
    )


def signals_of_trace(warehouse: Warehouse, project: str, now: datetime, trace_id: str, since: int) -> Signals:
    """Everything said about a trace or a part of it."""
    bound = Bound(project, now, since, since + 1)
    bound.values["traces"] = [trace_id]
    sql = f"SELECT {_columns(_START)} FROM signals WHERE {SAID_WINDOW} AND {_TRACES} ORDER BY at, id LIMIT {MOST}"  # noqa: S608
    return _sorted(warehouse.ask(sql, bound.values))


def signals_of_session(
    warehouse: Warehouse, project: str, now: datetime, session_id: str, exchanges: Sequence[Exchange]
) -> Signals:
    """Everything said about a session, or about a trace in it."""
    bound = _bound(project, now, exchanges)
    bound.values["session"] = session_id
    return _sorted(
        warehouse.ask(
            f"SELECT {_columns(_START)} FROM signals WHERE {SAID_WINDOW} AND "  # noqa: S608
            f"((session_id != '' AND session_id = {{session:String}}) OR {_TRACES}) ORDER BY at, id LIMIT {MOST}",
            bound.values,
        )
    )


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """A signal as the API tells it."""
    about_trace = row["trace_hex"].strip("0") != ""
    about_span = row["span_hex"].strip("0") != ""
    return {
        "id": row["id"],
        "name": row["name"],
        "value": _finite(row["value"]),
        "label": row["label"] or None,
        "comment": row["comment"] or None,
        "correction": row["correction"] or None,
        "at": iso(row["at_us"]),
        "source": row["source"] or None,
        "exchange_id": f"{row['trace_hex']}-{row['span_hex']}" if about_trace and about_span else None,
        "trace_id": row["trace_hex"] if about_trace else None,
        "session_id": row["session_id"] or None,
        "user_id": row["user_id"] or None,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
