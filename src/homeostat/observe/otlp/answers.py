"""What an OTLP sender hears back: exact bodies in the form that it sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from homeostat.observe.otlp.check import Checked
from homeostat.observe.otlp.refusal import RPC_CODES, Refused
from homeostat.store.spool.envelope import varint

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

PROTOBUF: Final = "protobuf"
JSON: Final = "json"
_TYPES: Final = {PROTOBUF: b"application/x-protobuf", JSON: b"application/json"}
_REJECTED: Final = {"traces": "rejected_spans", "logs": "rejected_log_records", "metrics": "rejected_data_points"}
_RESPONSES: Final[dict[str, Any]] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}


def _start(form: str, status: int, size: int) -> dict[str, Any]:
    headers = [(b"content-type", _TYPES[form]), (b"content-length", str(size).encode())]
    return {"type": "http.response.start", "status": status, "headers": headers}


_ALL_KEPT: Final = {
    PROTOBUF: (_start(PROTOBUF, 200, 0), {"type": "http.response.body", "body": b""}),
    JSON: (_start(JSON, 200, 2), {"type": "http.response.body", "body": b"{}"}),
}


async def accepted(send: Send, form: str, signal: str, checked: Checked) -> None:
    """200, and what of it will not be kept."""
    if checked.message:
        body = _partial(form, signal, checked)
        start, end = _start(form, 200, len(body)), {"type": "http.response.body", "body": body}
    else:
        start, end = _ALL_KEPT[form]
    await send(start)
    await send(end)


def _partial(form: str, signal: str, checked: Checked) -> bytes:
    name = _REJECTED[signal]
    if form == PROTOBUF:
        told = {name: checked.rejected, "error_message": checked.message}
        whole: bytes = _RESPONSES[signal](partial_success=told).SerializeToString()
        return whole
    head, *rest = name.split("_")
    camel = head + "".join(word.title() for word in rest)
    return msgspec.json.encode({"partialSuccess": {camel: str(checked.rejected), "errorMessage": checked.message}})


async def refused(send: Send, form: str, refusal: Refused) -> None:
    """The refusal as a `google.rpc.Status`."""
    code = RPC_CODES.get(refusal.status, 2)
    if form == PROTOBUF:
        text = refusal.message.encode()
        body = b"\x08" + varint(code) + b"\x12" + varint(len(text)) + text  # google.rpc.Status: code = 1, message = 2
    else:
        body = msgspec.json.encode({"code": code, "message": refusal.message})
    start = _start(form, refusal.status, len(body))
    start["headers"] += _extra_headers(refusal)
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Any JSON answer."""
    body = msgspec.json.encode(value)
    start = _start(JSON, status, len(body))
    start["headers"] += headers
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def refused_plainly(send: Send, refusal: Refused, **more: Any) -> None:
    """The refusal as everything but OTLP says it: `{"error": {"code", "message", ...}}`."""
    error = {"code": refusal.code, "message": refusal.message, **more}
    await send_json(send, refusal.status, {"error": error}, _extra_headers(refusal))


def _extra_headers(refusal: Refused) -> list[tuple[bytes, bytes]]:
    """Headers that belong to a refusal of this status."""
    if refusal.status == 503:
        return [(b"retry-after", str(refusal.retry_after).encode())]
    if refusal.status == 408:
        return [(b"connection", b"close")]
    if refusal.status == 405:
        return [(b"allow", b"POST")]
    return []
