"""A trace: every span of it, as it was sent and as it was understood."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeostat.records.exchange import Exchange, ExchangeId
from homeostat.records.instant import iso
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import rows
from homeostat.store.warehouse.questions.bound import TEXT_WINDOW, Bound, moment
from homeostat.store.warehouse.splice import restore

#: A page shows so many spans at most; a longer trace says that it was cut.
MOST_SPANS: Final = 5000
_TRACE: Final = (
    "project = {project:String} AND trace_key = sipHash64({project:String}, toFixedString(unhex({trace:String}), 16)) "
    "AND trace_id = toFixedString(unhex({trace:String}), 16)"
)
_MAPPED: Final = (
    "op", "requested_model", "model", "provider", "response_id", "user_id", "session_id", "release", "environment",
    "prompt_name", "prompt_version", "input", "output", "input_tokens", "output_tokens", "cached_tokens",
    "cache_write_tokens", "reasoning_tokens", "cost", "ttft_ms", "streaming", "finish_reason", "error", "tags",
)  # fmt: skip
_SENT: Final = (
    "name", "status_code", "status_message", "scope", "scope_version", "otel_kind", "resource", "attributes",
    "attributes_json", "events", "links", "flags", "documents", "tool_calls", "row_key", "response_key", "start_ns",
    "end_ns",
)  # fmt: skip
_SPAN: Final = ", ".join(
    (
        *_SENT,
        *_MAPPED,
        "toString(form) AS came_as",
        "toUnixTimestamp64Micro(at) AS at_us",
        "lower(hex(span_id)) AS span_hex",
        "lower(hex(parent_id)) AS parent_hex",
    )
)

_AROUND: Final = ", ".join(
    (
        "documents",
        "tool_calls",
        "start_ns",
        "toString(form) AS came_as",
        "toUnixTimestamp64Micro(at) AS at_us",
        "lower(hex(span_id)) AS span_hex",
        "lower(hex(parent_id)) AS parent_hex",
    )
)


@dataclass(frozen=True, slots=True)
class Trace:
    """Rows of `spans` in time's order, and the exchanges made of them."""

    trace_id: str
    spans: Sequence[Mapping[str, Any]]
    exchanges: Sequence[Exchange]
    cut: bool


def trace(warehouse: Warehouse, project: str, trace_id: str, now: datetime) -> Trace | None:
    """All of one trace, None when there is nothing of it."""
    found = spans(warehouse, project, trace_id, now)
    if not found:
        return None
    cut = len(found) > MOST_SPANS
    return Trace(trace_id, found[:MOST_SPANS], exchanges_of(warehouse, project, trace_id, now), cut)


def spans(warehouse: Warehouse, project: str, trace_id: str, now: datetime) -> list[dict[str, Any]]:
    """Rows of a trace, oldest first; one more than `MOST_SPANS` when there are more."""
    bound = Bound(project, now)
    bound.values |= {"trace": trace_id, "most": MOST_SPANS + 1}
    return warehouse.ask(
        f"SELECT {_SPAN} FROM spans WHERE {_TRACE} ORDER BY at, start_ns, span_id LIMIT {{most:UInt32}}",  # noqa: S608
        bound.values,
    )


def spans_around(
    warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange]
) -> dict[str, list[dict[str, Any]]]:
    """By trace: whole the spans that tell these exchanges; of those around them what an answer takes from below."""
    bound = Bound(project, now, min(e.at for e in exchanges), max(e.at for e in exchanges) + 1)
    ids = bound.add(sorted({e.trace_id for e in exchanges}), "Array(String)")
    own = bound.add(sorted({span for e in exchanges for span in (e.span_id, *e.members)}), "Array(String)")
    traces = "trace_id IN (SELECT toFixedString(unhex(arrayJoin({})), 16))"
    above = bound.add(sorted({e.trace_id for e in exchanges if e.op not in ("call", "embedding")}), "Array(String)")
    mine = f"span_id IN (SELECT toFixedString(unhex(arrayJoin({own})), 8))"
    found = defaultdict(list)
    for columns, which in (
        (_SPAN, f"{traces.format(ids)} AND {mine}"),
        (_AROUND, f"{traces.format(above)} AND NOT ({mine})"),
    ):
        for row in warehouse.ask(
            f"SELECT {columns}, lower(hex(trace_id)) AS trace_hex FROM spans "  # noqa: S608
            f"WHERE {TEXT_WINDOW} AND {which} ORDER BY at, start_ns, span_id",
            bound.values,
        ):
            found[row["trace_hex"]].append(row)
    return found


def exchanges_of(warehouse: Warehouse, project: str, trace_id: str, now: datetime) -> list[Exchange]:
    """Exchanges of a trace, oldest first."""
    bound = Bound(project, now)
    bound.values["trace"] = trace_id
    return rows.exchanges(
        warehouse.ask(
            f"SELECT {rows.SELECT} FROM exchanges FINAL WHERE {_TRACE} ORDER BY at, span_id LIMIT 10000",  # noqa: S608
            bound.values,
        )
    )


def traces_of(warehouse: Warehouse, project: str, span_id: str, most: int) -> list[str]:
    """Traces in which plain JSON told a span of this id: of all of the project two columns are read, no more."""
    told = warehouse.ask(
        "SELECT DISTINCT lower(hex(trace_id)) AS trace_hex FROM spans WHERE project = {project:String} "
        "AND form = 'plain' AND span_id = toFixedString(unhex({span:String}), 8) LIMIT {most:UInt32}",
        {"project": project, "span": span_id, "most": most},
    )
    return [row["trace_hex"] for row in told]


def merged_elsewhere(warehouse: Warehouse, project: str, id_: ExchangeId, now: datetime) -> Exchange | None:
    """The exchange that took in a span of another trace: the same response, told twice at about the same time."""
    bound = Bound(project, now)
    bound.values |= {"trace": id_.trace_id, "span": id_.span_id}
    told = warehouse.ask(
        "SELECT response_key, toUnixTimestamp64Micro(at) AS at_us FROM spans "  # noqa: S608
        f"WHERE {_TRACE} AND span_id = toFixedString(unhex({{span:String}}), 8) AND response_key != 0 LIMIT 1",
        bound.values,
    )
    if not told:
        return None
    bound.between(told[0]["at_us"], told[0]["at_us"])
    response = bound.add([told[0]["response_key"]], "Array(UInt64)")
    found = warehouse.ask(
        f"SELECT {rows.SELECT} FROM exchanges FINAL WHERE project = {{project:String}} "  # noqa: S608
        f"AND at >= {moment('low_text')} AND at < {moment('high_text')} AND has({response}, response_key) "
        "ORDER BY at LIMIT 1",
        bound.values,
    )
    return rows.exchange(found[0]) if found else None


def attributes(span: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they were sent: texts whole again, other values as the JSON they are."""
    whole: dict[str, Any] = dict(restore(span["attributes"], span["input"], span["output"]))
    return whole | {key: value(text) for key, text in span["attributes_json"].items()}


def value(text: str) -> Any:
    """JSON text as a value; text that is not JSON stays text."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        return text


def items(text: str) -> list[Any]:
    """A JSON array, empty without one."""
    found = value(text) if text else []
    return found if isinstance(found, list) else [found]


def span_json(span: Mapping[str, Any], trace_id: str) -> dict[str, Any]:
    """One span as the API tells it."""
    duration = max(0, span["end_ns"] - span["start_ns"]) / 1e6 if span["end_ns"] and span["start_ns"] else 0.0
    return {
        "id": f"{trace_id}-{span['span_hex']}",
        "trace_id": trace_id,
        "span_id": span["span_hex"],
        "parent_id": span["parent_hex"] if span["parent_hex"].strip("0") else None,
        "form": span["came_as"],
        "name": span["name"],
        "at": iso(span["at_us"]),
        "start_ns": str(span["start_ns"]),
        "end_ns": str(span["end_ns"]),
        "duration_ms": duration,
        "status_code": ("unset", "ok", "error")[min(span["status_code"], 2)],
        "status_message": span["status_message"] or None,
        "scope": span["scope"],
        "scope_version": span["scope_version"],
        "otel_kind": span["otel_kind"],
        "flags": list(span["flags"]),
        "fields": {name: span[name] for name in _MAPPED if span[name] not in ("", None, [])},
        "documents": items(span["documents"]),
        "tool_calls": items(span["tool_calls"]),
        "attributes": attributes(span),
        "resource": dict(span["resource"]),
        "events": items(span["events"]),
        "links": items(span["links"]),
    }
