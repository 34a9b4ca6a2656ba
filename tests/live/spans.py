"""OTLP bodies whose every part a test can choose."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.live.harness import Server

PROTOBUF = {"content-type": "application/x-protobuf"}
SECOND = 10**9


def message(role: str, text: str) -> str:
    """A list of one message, as the GenAI conventions write it."""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def call(text: str = "Hello?", **more: str | int) -> dict[str, str | int]:
    """Attributes of a call to a model; in names, `__` stands for a dot."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.input.messages": message("user", text),
        "gen_ai.output.messages": message("assistant", "Soon."),
        **{name.replace("__", "."): value for name, value in more.items()},
    }


def body(*spans: Mapping[str, Any]) -> bytes:
    """Spans of `trace`, `span`, `parent` (bytes), `attributes`, `start`, `seconds`."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.scope.name = "tests.live"
    for given in spans:
        span = scope.spans.add()
        span.trace_id = given.get("trace") or secrets.token_bytes(16)
        span.span_id = given.get("span") or secrets.token_bytes(8)
        span.parent_span_id = given.get("parent", b"")
        span.name = given.get("name", "chat")
        start = given.get("start", time.time_ns() - SECOND)
        span.start_time_unix_nano = start
        span.end_time_unix_nano = start + int(given.get("seconds", 1) * SECOND)
        _fill(span.attributes, given.get("attributes", call()))
    return request.SerializeToString()


def log_body(trace: bytes, span: bytes, event: str, content: Mapping[str, str]) -> bytes:
    """A log record that names a span, as older instrumentors send prompts."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.trace_id, record.span_id = trace, span
    record.time_unix_nano = time.time_ns()
    record.event_name = event
    record.attributes.add(key="event.name").value.string_value = event
    for key, value in content.items():
        record.body.kvlist_value.values.add(key=key).value.string_value = value
    return request.SerializeToString()


def send(server: Server, data: bytes, *, to: str = "/v1/traces", key: str = "", status: int = 200) -> bytes:
    """Send it, and see that the answer is the expected one."""
    headers = PROTOBUF | ({"authorization": f"Bearer {key}"} if key else {})
    found, answer = server.request("POST", to, data, headers, timeout=60)
    assert found == status, (found, answer[:500])
    return answer


def _fill(attributes: Any, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        slot = attributes.add(key=name).value
        if isinstance(value, int):
            slot.int_value = value
        else:
            slot.string_value = value
