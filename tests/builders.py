"""Rows for tests: say what matters, the rest is plausible. `store` puts them into the warehouse, with the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from homeostat.store.warehouse.client import Warehouse

#: The moment around which tests happen.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

Row = dict[str, Any]
ZERO_SPAN = "0" * 16
ZERO_TRACE = "0" * 32


#: Begins anew with each test: who is drawn by an id is the same every time, and no id comes twice.
IDS: Final = Random()


def new_text(size: int) -> str:
    """So many hexadecimal digits that nobody has used."""
    return f"{IDS.getrandbits(4 * size):0{size}x}"


def new_trace() -> str:
    """A trace id that nobody has used."""
    return new_text(32)


def new_span() -> str:
    """A span id that nobody has used."""
    return new_text(16)


def span_row(project: str, **given: Any) -> Row:
    """A row of `spans`. Ids are hex texts."""
    at = given.get("at", NOON)
    row: Row = {
        "project": project,
        "at": at,
        "trace_id": new_trace(),
        "span_id": new_span(),
        "parent_id": ZERO_SPAN,
        "form": "span",
        "segment": 1,
        "received": at,
        "start_ns": int(at.timestamp()) * 10**9,
        "end_ns": int(at.timestamp() + 1) * 10**9,
        "name": "chat",
        "scope": "tests",
        "op": "call",
        "input": "",
        "output": "",
        "response_id": "",
        "attributes": {},
        "attributes_json": {},
        "resource": {},
        "events": "",
        "documents": "",
        "tool_calls": "",
        "ident": "",
    }
    return row | given


def exchange_row(project: str, **given: Any) -> Row:
    """A row of `exchanges`: an answer that is also a call, settled, told by its own span."""
    at = given.get("at", NOON)
    trace_id, span_id = given.get("trace_id") or new_trace(), given.get("span_id") or new_span()
    text_in, text_out = given.pop("input", "a question"), given.pop("output", "an answer")
    row: Row = {
        "project": project,
        "at": at,
        "trace_id": trace_id,
        "span_id": span_id,
        "version": 1,
        "gone": 0,
        "is_answer": True,
        "is_call": True,
        "answer_from": at,
        "settles": at,
        "received": at,
        "members": [span_id],
        "input": text_in,
        "output": text_out,
        "input_start": text_in[:160],
        "output_start": text_out[:160],
        "input_chars": len(text_in),
        "output_chars": len(text_out),
        "name": "chat",
        "op": "call",
        "model": "gpt-test",
        "requested_model": "gpt-test",
        "provider": "openai",
        "response_id": "",
        "user_id": "",
        "session_id": "",
        "release": "",
        "environment": "",
        "prompt_name": "",
        "prompt_version": "",
        "latency_ms": 100.0,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost": 0.001,
        "calls": 1,
        "status": "ok",
        "error": "",
        "tags": [],
        "tools": [],
        "flags": [],
    }
    return row | given | {"trace_id": trace_id, "span_id": span_id}


def signal_row(project: str, **given: Any) -> Row:
    """A row of `signals`."""
    at = given.get("at", NOON + timedelta(minutes=1))
    row: Row = {
        "project": project,
        "at": at,
        "id": new_text(12),
        "segment": 1,
        "received": at,
        "name": "thumbs",
        "value": None,
        "label": "",
        "comment": "",
        "correction": "",
        "source": "api",
        "trace_id": ZERO_TRACE,
        "span_id": ZERO_SPAN,
        "session_id": "",
        "user_id": "",
    }
    return row | given


def score_row(project: str, **given: Any) -> Row:
    """A row of `scores`."""
    at = given.get("at", NOON + timedelta(minutes=1))
    row: Row = {
        "project": project,
        "at": at,
        "id": new_text(12),
        "segment": 1,
        "received": at,
        "name": "relevance",
        "value": 0.5,
        "label": "",
        "reason": "",
        "scorer": "tests",
        "rung": "engine",
        "source": "api",
        "trace_id": ZERO_TRACE,
        "span_id": ZERO_SPAN,
        "session_id": "",
    }
    return row | given


def told_by(exchange: Row, **given: Any) -> Row:
    """The span that tells an exchange, with its whole texts."""
    same = (
        "project",
        "at",
        "trace_id",
        "span_id",
        "name",
        "op",
        "model",
        "user_id",
        "session_id",
        "response_id",
        "input",
        "output",
    )
    return span_row(**({name: exchange[name] for name in same} | given))


def exchange_id(row: Row) -> str:
    """The id as the API says it."""
    return f"{row['trace_id']}-{row['span_id']}"


def store(
    warehouse: Warehouse,
    *,
    spans: Sequence[Row] = (),
    exchanges: Sequence[Row] = (),
    signals: Sequence[Row] = (),
    scores: Sequence[Row] = (),
) -> None:
    """Insert rows. An exchange without a span of its own in `spans` gets one, so that its whole texts exist."""
    told = {(s["trace_id"], s["span_id"]) for s in spans}
    own = [told_by(e) for e in exchanges if (e["trace_id"], e["span_id"]) not in told and not e["gone"]]
    every = [*spans, *own]
    _keys(warehouse, every, "trace_id", "span_id", "ident")
    _keys(warehouse, exchanges, "trace_id", "span_id", "")
    for row in exchanges:
        row.setdefault("input_row", row["row_key"] if row["input"] else 0)
        row.setdefault("output_row", row["row_key"] if row["output"] else 0)
    for row in (*signals, *scores):
        row["row_key"] = hash((row["project"], row["id"])) & (2**64 - 1)
    for table, rows in (("spans", every), ("exchanges", exchanges), ("signals", signals), ("scores", scores)):
        _insert(warehouse, table, rows)


def row_key(warehouse: Warehouse, row: Row) -> int:
    """The key of a span row, as the engine makes it."""
    _keys(warehouse, [row], "trace_id", "span_id", "ident")
    return int(row["row_key"])


def _keys(warehouse: Warehouse, rows: Sequence[Row], trace: str, span: str, ident: str) -> None:
    if not rows:
        return
    found = warehouse.ask(
        "SELECT arrayMap((p, t, s, i, r) -> (sipHash64(p, unhex(t), unhex(s), i), sipHash64(p, unhex(t)), "
        "if(r = '', 0, sipHash64(p, r))), {p:Array(String)}, {t:Array(String)}, {s:Array(String)}, {i:Array(String)}, "
        "{r:Array(String)}) AS keys",
        {
            "p": [r["project"] for r in rows],
            "t": [r[trace] for r in rows],
            "s": [r[span] for r in rows],
            "i": [r.get(ident, "") for r in rows],
            "r": [r["response_id"] for r in rows],
        },
    )[0]["keys"]
    for row, (own, of_trace, of_response) in zip(rows, found, strict=True):
        row.setdefault("row_key", own)
        row.setdefault("trace_key", of_trace)
        row.setdefault("response_key", of_response)


def _insert(warehouse: Warehouse, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    known = {
        r["name"]
        for r in warehouse.ask(
            "SELECT name FROM system.columns WHERE table = {t:String} AND database = 'homeostat'", {"t": table}
        )
    }
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name in known]
    warehouse.insert(warehouse.load, table, columns, [[_value(name, row) for name in columns] for row in rows])


_EMPTY = {
    "input_tokens": None,
    "output_tokens": None,
    "cost": None,
    "ttft_ms": None,
    "streaming": None,
    "tags": [],
    "flags": [],
    "members": [],
    "tools": [],
    "estimated": [],
}


def _value(name: str, row: Mapping[str, Any]) -> Any:
    if name in ("trace_id", "span_id", "parent_id"):
        return bytes.fromhex(row[name])
    if name in ("members", "elsewhere"):
        return [bytes.fromhex(span) for span in row.get(name, [])]
    if name in row:
        return row[name]
    return _EMPTY.get(name, 0 if name.endswith(("tokens", "_key", "_row")) else "")
