"""Is this body sound, how many items are in it, and which of them will not be kept?

The body goes to the spool as it came. The loader drops the same items by the same rule: ids of the wrong length or all
zeros are invalid; what began and ended before `oldest` is expired (before the year 2000 means a clock that nobody set).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError

from homeostat.doors.answers import Refused
from homeostat.observe.otlp.pieces import walk
from homeostat.observe.otlp.schema import LogsData, MetricsData, TracesData
from homeostat.observe.staged import YEAR_2000

#: Bodies up to this size are parsed whole.
_SMALL: Final = 256 << 10
_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_ROOTS: Final[dict[str, Any]] = {"traces": TracesData, "logs": LogsData, "metrics": MetricsData}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a sound body holds."""

    items: int
    rejected: int = 0
    message: str = ""


#: The usual answers, made once.
_ALL_KEPT: Final = tuple(Checked(items) for items in range(1025))


class _Tally:
    """Counts items as they are found."""

    __slots__ = ("expired", "invalid", "items", "oldest")

    def __init__(self, oldest: int) -> None:
        self.oldest = oldest
        self.items = self.invalid = self.expired = 0

    def span(self, trace_id: bytes, span_id: bytes, start: int, end: int) -> None:
        self.items += 1
        if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _NO_TRACE or span_id == _NO_SPAN:
            self.invalid += 1
        elif end < self.oldest and YEAR_2000 <= start < self.oldest:
            self.expired += 1

    def log(self, at: int, observed: int) -> None:
        self.items += 1
        self.expired += YEAR_2000 <= (at or observed) < self.oldest

    def tell(self, kind: str, item: Any) -> None:
        """An item of a large body: a message, or its scalar fields by number."""
        scalars = item if isinstance(item, dict) else None
        if kind == "Span":
            if scalars is None:
                self.span(item.trace_id, item.span_id, item.start_time_unix_nano, item.end_time_unix_nano)
            else:
                self.span(scalars.get(1, b""), scalars.get(2, b""), scalars.get(7, 0), scalars.get(8, 0))
        elif kind == "LogRecord":
            if scalars is None:
                self.log(item.time_unix_nano, item.observed_time_unix_nano)
            else:
                self.log(scalars.get(1, 0), scalars.get(11, 0))
        elif kind.endswith("DataPoint"):
            self.items += 1
        elif scalars is None:
            self.items += _points(item) if kind == "Metric" else len(item.data_points)

    def checked(self) -> Checked:
        if not self.invalid and not self.expired:
            return _ALL_KEPT[self.items] if self.items < len(_ALL_KEPT) else Checked(self.items)
        told = []
        if self.invalid:
            told.append(f"{self.invalid} invalid ids (a trace id has 16 bytes, a span id 8, not all zero)")
        if self.expired:
            told.append(f"{self.expired} expired (ended before the retention began)")
        return Checked(self.items, self.invalid + self.expired, ", ".join(told))


def check(signal: str, body: bytes, oldest: int) -> Checked:
    """Count the items of a protobuf body, or refuse it."""
    tally = _Tally(oldest)
    try:
        if len(body) > _SMALL:
            walk(_ROOTS[signal], body, tally.tell)
        elif signal == "traces":
            for resource in TracesData.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        tally.span(span.trace_id, span.span_id, span.start_time_unix_nano, span.end_time_unix_nano)
        elif signal == "logs":
            for resource in LogsData.FromString(body).resource_logs:
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        tally.log(record.time_unix_nano, record.observed_time_unix_nano)
        else:
            for resource in MetricsData.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    tally.items += sum(map(_points, scope.metrics))
    except DecodeError as error:
        reason = f"The body is not an OTLP {signal} request in protobuf: garbage, cut short, or nested too deep."
        raise Refused(400, reason) from error
    return tally.checked()


def _points(metric: Any) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0
