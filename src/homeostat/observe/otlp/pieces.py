"""Checking a large body piece by piece, so that it costs no more memory or patience than a small one.

Ten million empty attributes are twenty megabytes on the wire and seven hundred once parsed. So messages above a size
are walked here, by their length prefixes, and only pieces below it are given to the protobuf reader, one after the
other. A body with too many fields at this level is refused before any of it is built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from homeostat.doors.answers import Refused

#: Messages up to this size are parsed at once.
PIECE: Final = 64 << 10
#: More fields than this in the large messages of one request are refused.
MOST_FIELDS: Final = 300_000
_DEPTH: Final = 100
_ID_ROOM: Final = 64  # more than an id may have, so that a longer one is seen to be none

#: Told of every item: its message, or the values of its own scalar fields by number when it was too large to build.
Tell = Callable[[str, Any], None]


class _Kind:
    """How one message type is walked."""

    __slots__ = ("children", "holds_items", "is_item", "message", "name", "wires")

    def __init__(self, descriptor: Descriptor) -> None:
        self.name: str = descriptor.name
        self.message: Any = GetMessageClass(descriptor)
        self.is_item = descriptor.name in ITEMS
        self.holds_items = descriptor.name in _CONTAINERS
        self.children: dict[int, _Kind] = {}
        #: Wire type of each field; a field that comes as another one is unknown, as it is to the protobuf reader.
        self.wires = {field.number: _WIRE_OF.get(field.type, 0) for field in descriptor.fields}


_F: Final = FieldDescriptor
_WIRE_OF: Final = {
    **dict.fromkeys((_F.TYPE_STRING, _F.TYPE_BYTES, _F.TYPE_MESSAGE), 2),
    **dict.fromkeys((_F.TYPE_FIXED64, _F.TYPE_SFIXED64, _F.TYPE_DOUBLE), 1),
    **dict.fromkeys((_F.TYPE_FIXED32, _F.TYPE_SFIXED32, _F.TYPE_FLOAT), 5),
}

#: Message types that are items, or hold the points of a metric.
ITEMS: Final = frozenset(
    ("Span", "LogRecord", "Metric", "Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary", "NumberDataPoint",
     "HistogramDataPoint", "ExponentialHistogramDataPoint", "SummaryDataPoint")
)  # fmt: skip
_CONTAINERS: Final = frozenset(
    ("ResourceSpans", "ScopeSpans", "ResourceLogs", "ScopeLogs", "ResourceMetrics", "ScopeMetrics")
)
_KINDS: Final[dict[str, _Kind]] = {}


def _kind(descriptor: Descriptor) -> _Kind:
    known = _KINDS.get(descriptor.full_name)
    if known is None:
        known = _KINDS[descriptor.full_name] = _Kind(descriptor)
        known.children = {f.number: _kind(f.message_type) for f in descriptor.fields if f.message_type is not None}
    return known


def walk(root: Any, body: bytes, tell: Tell) -> None:
    """Check that `body` is a message of the type `root`, telling each item in it. Raises DecodeError or Refused."""
    fields = 0
    waiting = [(_kind(root.DESCRIPTOR), 0, len(body), 1)]
    while waiting:
        kind, at, end, depth = waiting.pop()
        if depth > _DEPTH:
            raise DecodeError("nested too deep")
        scalars: dict[int, Any] = {}
        while at < end:
            fields += 1
            if fields > MOST_FIELDS:
                raise Refused(413, f"More than {MOST_FIELDS} fields in one request. Send smaller batches.")
            number, wire, start, at = _field(body, at, end)
            if wire != kind.wires.get(number):
                continue
            if wire != _SIZED:
                scalars[number] = (start, at)
                continue
            child = kind.children.get(number)
            if child is None:
                scalars[number] = body[start : min(at, start + _ID_ROOM)]
            elif at - start > PIECE or child.holds_items:
                waiting.append((child, start, at, depth + 1))
            else:
                message = child.message.FromString(body[start:at])
                if child.is_item:
                    tell(child.name, message)
        if kind.is_item:
            tell(kind.name, {n: _whole(body, v) if isinstance(v, tuple) else v for n, v in scalars.items()})


_SIZED: Final = 2


def _field(body: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Number and wire type of the field at `at`, where its value starts, and where it ends."""
    try:
        tag, at = _varint(body, at)
        wire = tag & 7
        if wire == _SIZED:
            size, at = _varint(body, at)
            stop = at + size
        elif wire == 0:
            _, stop = _varint(body, at)
        else:
            stop = at + _WIDTHS[wire]
    except (IndexError, KeyError):
        raise DecodeError("broken field") from None
    if stop > end or tag < 8:
        raise DecodeError("broken field")
    return tag >> 3, wire, at, stop


_WIDTHS: Final = {1: 8, 5: 4}


def _whole(body: bytes, place: tuple[int, int]) -> int:
    """A fixed-width number."""
    return int.from_bytes(body[place[0] : place[1]], "little")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = body[at]
    at += 1
    if value < 128:
        return value, at
    value &= 127
    shift = 7
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise DecodeError("varint too long")
