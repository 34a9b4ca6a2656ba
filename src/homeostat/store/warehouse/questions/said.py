"""What was said about exchanges: scores (made by scorers) and signals (by people and systems downstream)."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import iso
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, Bound
from homeostat.store.warehouse.questions.related import IS_SCORE, LONE, NEWEST, NO_TRACE, Table, indirect
from homeostat.store.warehouse.questions.rows import START_CHARS

#: A page shows so many signals of one exchange at most.
MOST: Final = 200
_TRACES: Final = "trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16))"
#: Said about a session, or a user alone, that these exchanges know.
_OF_SESSION: Final = "has({sessions:Array(String)}, lower(hex(SHA256(session_id))))"
_OF_USER: Final = "has({users:Array(String)}, lower(hex(SHA256(user_id))))"
_KNOWN: Final[dict[Table, str]] = {
    "scores": _OF_SESSION,
    "signals": f"({_OF_SESSION} OR (session_id = '' AND {_OF_USER}))",
}
_NOWHERE: Final = "0" * 16
_NO_TRACE_HEX: Final = "0" * 32
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
    bound.values["traces"] = sorted({e.trace_id for e in exchanges} | {x[:32] for e in exchanges for x in e.elsewhere})
    bound.values["sessions"] = sorted({_short(e.session_id) for e in exchanges if e.session_id})
    bound.values["users"] = sorted({_short(e.user_id) for e in exchanges if e.user_id})
    return bound


def _short(text: str) -> str:
    """An id may be as long as a body; a question of a thousand of them may not."""
    return hashlib.sha256(text.encode()).hexdigest()


def _about(table: Table, bound: Bound) -> str:
    """What was said about these traces, and what may be about their sessions and users: first by the shorter column."""
    traces = bound.add([*bound.values["traces"], _NO_TRACE_HEX], "Array(String)")
    return (
        f"{SAID_WINDOW} AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces})), 16)) "
        f"AND (trace_id != {NO_TRACE} OR ({LONE[table]} AND {_KNOWN[table]}))"
    )


def _belonging(table: Table) -> str:
    """What was said about these exchanges' parts, sessions and users, with `told_trace` and `told_span` of what it
    belongs to."""
    mine = f"{SAID_WINDOW} AND ({_TRACES} OR ({LONE[table]} AND {_KNOWN[table]}))"
    arms = " UNION ALL ".join(f"SELECT * FROM ({arm})" for arm in indirect(table, mine, fields=()))  # noqa: S608
    places = (
        "SELECT said_key AS row_key, lower(hex(trace_id)) AS told_trace, lower(hex(span_id)) AS told_span "  # noqa: S608
        f"FROM ({arms}) WHERE {_TRACES}"
    )
    return (
        f"(SELECT * FROM (SELECT * FROM {table} WHERE {mine}) AS x "  # noqa: S608
        f"INNER JOIN ({places}) AS y USING (row_key))"
    )


def scores(
    warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange], *, whole: bool = False
) -> list[Scores]:
    """For each exchange the score that counts of each name: costliest rung, then newest; its own before its trace's,
    and that before its session's. Reasons are whole, or their beginnings."""
    if not exchanges:
        return []
    bound = _bound(project, now, exchanges)
    reason = (_WHOLE if whole else _START).format("reason")
    best = f"argMax((value, label, {reason}, scorer, toString(rung)), tuple({IS_SCORE}, {NEWEST})) AS best"
    found = warehouse.ask(
        f"SELECT lower(hex(trace_id)) AS trace_hex, lower(hex(span_id)) AS span_hex, name, {best} "  # noqa: S608
        f"FROM scores WHERE {_about('scores', bound)} GROUP BY trace_id, span_id, name",
        bound.values,
    )
    belonging: dict[tuple[str, str], Scores] = {}
    if _indirect(exchanges, found):
        told = warehouse.ask(
            f"SELECT told_trace AS trace_hex, told_span AS span_hex, name, {best} FROM {_belonging('scores')} "  # noqa: S608
            "GROUP BY told_trace, told_span, name",
            bound.values,
        )
        belonging = _by_span(told)
    by_span = _by_span(found)
    return [belonging.get((e.trace_id, e.span_id), {}) | _merged(e, by_span) for e in exchanges]


def _indirect(exchanges: Sequence[Exchange], found: Sequence[dict[str, Any]]) -> bool:
    """Whether some of it names none of these exchanges, nor their traces as a whole."""
    named = {(e.trace_id, span) for e in exchanges for span in (_NOWHERE, e.span_id, *e.members)}
    return any((row["trace_hex"], row["span_hex"]) not in named for row in found)


def _by_span(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Scores]:
    by_span: dict[tuple[str, str], Scores] = defaultdict(dict)
    for row in rows:
        value, label, reason, scorer, rung = row["best"]
        by_span[row["trace_hex"], row["span_hex"]][row["name"]] = {
            "value": _finite(value),
            "label": label or None,
            "reason": reason or None,
            "scorer": scorer or None,
            "rung": rung or None,
        }
    return by_span


def _merged(exchange: Exchange, by_span: dict[tuple[str, str], Scores]) -> Scores:
    merged: Scores = {}
    for span in (_NOWHERE, *reversed(exchange.members), exchange.span_id):
        merged |= by_span.get((exchange.trace_id, span), {})
    return merged


def signals(
    warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange], *, whole: bool = False
) -> list[Signals]:
    """For each exchange the signals about it or its trace, and those of its session or user that belong to it, oldest
    first. Comments and corrections are whole, or their beginnings."""
    if not exchanges:
        return []
    bound = _bound(project, now, exchanges)
    columns = _columns(_WHOLE if whole else _START)
    found = warehouse.ask(
        f"SELECT {columns} FROM signals WHERE {_about('signals', bound)} "  # noqa: S608
        f"ORDER BY at, id LIMIT {MOST} BY trace_id, span_id",
        bound.values,
    )
    by_span: dict[tuple[str, str], Signals] = defaultdict(list)
    for row in found:
        by_span[row["trace_hex"], row["span_hex"]].append(row)
    belonging: dict[tuple[str, str], Signals] = defaultdict(list)
    if _indirect(exchanges, found):
        for row in warehouse.ask(
            f"SELECT {columns}, told_trace, told_span FROM {_belonging('signals')} "  # noqa: S608
            f"ORDER BY at, id LIMIT {MOST} BY told_trace, told_span",
            bound.values,
        ):
            belonging[row["told_trace"], row["told_span"]].append(row)
    return [
        _sorted(
            [row for span in dict.fromkeys((*e.members, e.span_id, _NOWHERE)) for row in by_span[e.trace_id, span]]
            + belonging[e.trace_id, e.span_id]
        )
        for e in exchanges
    ]


def _sorted(found: Signals) -> Signals:
    return [as_json(row) for row in sorted(found, key=lambda row: (row["at_us"], row["id"]))]


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
