"""Handmade OTLP: spans and log records from plain Python values."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from homeostat.observe.exact import Row, Rows, rows

from .recorded import RECEIVED, envelope

TRACE = bytes(range(1, 17))
SPAN = bytes(range(1, 9))
START = RECEIVED - 5_000_000_000


def value(told: Any) -> AnyValue:
    """A Python value as AnyValue; None is an empty one."""
    out = AnyValue()
    if isinstance(told, bool):
        out.bool_value = told
    elif isinstance(told, int):
        out.int_value = told
    elif isinstance(told, float):
        out.double_value = told
    elif isinstance(told, bytes):
        out.bytes_value = told
    elif isinstance(told, str):
        out.string_value = told
    elif isinstance(told, list):
        out.array_value.SetInParent()
        out.array_value.values.extend(value(inner) for inner in told)
    elif isinstance(told, dict):
        out.kvlist_value.SetInParent()
        out.kvlist_value.values.extend(pairs(told))
    return out


def pairs(told: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(inner)) for key, inner in told.items()]


def span(attributes: dict[str, Any] | None = None, events: list[tuple[str, dict[str, Any]]] = (), **more: Any) -> Span:  # type: ignore[assignment]
    told = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "name": "made",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_000_000_000,
        **more,
    }
    made = Span(**told)
    made.attributes.extend(pairs(attributes or {}))
    for number, (name, inner) in enumerate(events):
        event = made.events.add(name=name, time_unix_nano=START + number * 1_000_000)
        event.attributes.extend(pairs(inner))
    return made


def request(*spans: Span, resource: dict[str, Any] | None = None) -> bytes:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.extend(pairs(resource or {}))
    scope = group.scope_spans.add()
    scope.scope.name = "hand"
    scope.spans.extend(spans)
    body: bytes = made.SerializeToString()
    return body


def mapped(*spans: Span, attribute_limit: int = 1 << 16, text_limit: int = 1 << 18, **more: Any) -> Rows:
    resource = more.pop("resource", None)
    body = request(*spans, resource=resource)
    return rows(envelope(body, **more), 0, attribute_limit=attribute_limit, text_limit=text_limit)


def row(attributes: dict[str, Any], **more: Any) -> Row:
    """The row of one span."""
    found = mapped(span(attributes, more.pop("events", ())), **more)
    assert len(found) == 1
    return found[0]


def log(name: str = "", attributes: dict[str, Any] | None = None, body: Any = None, **more: Any) -> Row:
    """The row of one log record."""
    made = ExportLogsServiceRequest()
    told = {"trace_id": TRACE, "span_id": SPAN, "time_unix_nano": START, "event_name": name, **more}
    record = made.resource_logs.add().scope_logs.add().log_records.add(**told)
    record.attributes.extend(pairs(attributes or {}))
    if body is not None:
        record.body.CopyFrom(value(body))
    found = rows(envelope(made.SerializeToString(), "logs"), 0, attribute_limit=1 << 16, text_limit=1 << 18)
    assert len(found) == 1
    return found[0]
