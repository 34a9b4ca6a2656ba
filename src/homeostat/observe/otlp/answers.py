"""What an OTLP sender hears back: exact bodies in the form that it sent."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from homeostat.doors.answers import Refused, Send
from homeostat.observe.otlp.check import Checked
from homeostat.store.spool.envelope import varint

#: google.rpc codes that fit our HTTP answers.
RPC_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 415: 3, 422: 3, 429: 8, 503: 14}
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
    start["headers"] += refusal.headers
    await send(start)
    await send({"type": "http.response.body", "body": body})
