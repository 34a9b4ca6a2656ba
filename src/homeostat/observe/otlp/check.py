"""Is this body sound, how many items are in it, and which of them will not be kept?

The body goes to the spool as it came. The loader drops the same items by the same rule: ids of the wrong length or all
zeros are invalid; what began and ended before `oldest` is expired (before the year 2000 means a clock that nobody set).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError

from homeostat.observe.otlp.refusal import Refused
from homeostat.observe.otlp.schema import LogsData, MetricsData, TracesData

#: More items than this in one request are refused: each costs memory long before it costs bytes.
MOST_ITEMS: Final = 200_000
#: Below this size a body cannot hold enough items to hurt, and is not counted before it is parsed.
_HARMLESS: Final = 256 << 10
_YEAR_2000: Final = 946_684_800_000_000_000
_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a sound body holds."""

    items: int
    rejected: int = 0
    message: str = ""


def check(signal: str, body: bytes, oldest: int) -> Checked:
    """Count the items of a protobuf body, or refuse it."""
    if len(body) > _HARMLESS:
        _not_too_many(body)
    try:
        return _CHECKS[signal](body, oldest)
    except DecodeError as error:
        reason = f"The body is not an OTLP {signal} request in protobuf: garbage, cut short, or nested too deep."
        raise Refused(400, reason) from error


def _traces(body: bytes, oldest: int) -> Checked:
    items = invalid = expired = 0
    for resource in TracesData.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                items += 1
                trace_id, span_id = span.trace_id, span.span_id
                if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _NO_TRACE or span_id == _NO_SPAN:
                    invalid += 1
                elif span.end_time_unix_nano < oldest and _YEAR_2000 <= span.start_time_unix_nano < oldest:
                    expired += 1
    return Checked(items, invalid + expired, _tell(invalid, expired)) if invalid or expired else Checked(items)


def _logs(body: bytes, oldest: int) -> Checked:
    items = expired = 0
    for resource in LogsData.FromString(body).resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                items += 1
                at = record.time_unix_nano or record.observed_time_unix_nano
                expired += _YEAR_2000 <= at < oldest
    return Checked(items, expired, _tell(0, expired)) if expired else Checked(items)


def _metrics(body: bytes, oldest: int) -> Checked:
    data: Any = MetricsData.FromString(body)
    metrics = (m for resource in data.resource_metrics for scope in resource.scope_metrics for m in scope.metrics)
    return Checked(sum(_points(metric) for metric in metrics))


def _points(metric: Any) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0


_CHECKS: Final[dict[str, Callable[[bytes, int], Checked]]] = {"traces": _traces, "logs": _logs, "metrics": _metrics}


def _tell(invalid: int, expired: int) -> str:
    parts = []
    if invalid:
        parts.append(f"{invalid} invalid ids (a trace id has 16 bytes, a span id 8, not all zero)")
    if expired:
        parts.append(f"{expired} expired (ended before the retention began)")
    return ", ".join(parts)


def _not_too_many(body: bytes) -> None:
    """Refuse a large body with too many items, found by its length prefixes alone, before any of them is built."""
    fields = 0
    waiting = [(0, len(body), 0)]
    while waiting:
        at, end, depth = waiting.pop()
        while at < end:
            fields += 1
            if fields > MOST_ITEMS:
                raise Refused(413, f"More than {MOST_ITEMS} items in one request. Send smaller batches.")
            try:
                tag, start, at = _field(body, at)
            except (IndexError, ValueError):
                return  # broken: the parser says so
            if tag == _STEPS[depth] and depth < 2:
                waiting.append((start, min(at, end), depth + 1))


#: Tags of resource_* = 1, scope_* = 2, items = 2, which are the same for traces, logs and metrics.
_STEPS: Final = (0x0A, 0x12, 0x12)


def _field(body: bytes, at: int) -> tuple[int, int, int]:
    """Tag of the field at `at`, where its value starts, where the next field starts."""
    tag, at = _varint(body, at)
    kind = tag & 7
    if kind == 2:
        size, at = _varint(body, at)
        return tag, at, at + size
    if kind == 0:
        return tag, at, _varint(body, at)[1]
    if kind in (1, 5):
        return tag, at, at + (8 if kind == 1 else 4)
    raise ValueError("a group, or no field at all")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("varint too long")
