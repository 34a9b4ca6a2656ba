"""The JSON form of OTLP, written as protobuf: everything after this reads one form only.

Stricter senders and looser ones are both understood: ids in hex of any case or in the base64 of plain protojson, enums
as numbers or names, camelCase or snake_case, 64-bit numbers as numbers or strings without loss, null as absent, unknown
fields ignored. A value that its field cannot hold is refused with its place, for the whole body.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from homeostat.doors.answers import Refused
from homeostat.observe.otlp.json_text import read_json
from homeostat.observe.otlp.schema import ORIGINALS
from homeostat.store.spool.envelope import varint

#: Messages inside messages; the protobuf reader stops at the same depth.
DEPTH: Final = 100
#: An id that is neither hex nor base64 of the right length: kept, and too short to be taken for one.
_BROKEN_ID: Final = b"\xff"
_ID_BYTES: Final = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}

Write = Callable[[Any], bytes]


class _BadValue(Exception):
    """A value that its field cannot hold; `place` grows on the way out."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.place: list[str] = []


def to_protobuf(signal: str, body: bytes) -> bytes:
    """The protobuf form of a JSON request of traces, logs or metrics."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise Refused(400, f"The body is {_kind(value)}; an OTLP request is a JSON object.")
    try:
        return _message(_fields(ORIGINALS[signal]), value, 1)
    except _BadValue as error:
        place = ".".join(reversed(error.place[:8]))
        raise Refused(400, f"{place}: {error}.") from None


class _Field:
    """How one field is written."""

    __slots__ = ("fields", "name", "packed", "repeated", "tag", "write")

    def __init__(self, field: FieldDescriptor) -> None:
        wire = _WIRE.get(field.type, 2)
        self.name: str = field.json_name
        self.repeated: bool = field.is_repeated
        self.packed = self.repeated and wire != 2
        self.tag = varint(field.number << 3 | (2 if self.packed else wire))
        self.fields: Descriptor | None = field.message_type
        self.write: Write = _bytes if field.message_type else _writer(field)


_TABLES: Final[dict[str, dict[str, _Field]]] = {}


def _fields(message: Descriptor) -> dict[str, _Field]:
    """Fields of a message by both of their spellings."""
    table = _TABLES.get(message.full_name)
    if table is None:
        table = {}
        for descriptor in message.fields:
            field = _Field(descriptor)
            table[descriptor.json_name] = table[descriptor.name] = field
        _TABLES[message.full_name] = table
    return table


def _message(table: dict[str, _Field], value: dict[str, Any], depth: int) -> bytes:
    if depth > DEPTH:
        raise _BadValue(f"nested deeper than {DEPTH} messages")
    out: list[bytes] = []
    for name, item in value.items():
        field = table.get(name)
        if field is None or item is None:
            continue
        try:
            if not field.repeated:
                _one(out, field, item, depth)
            elif not isinstance(item, list):
                raise _BadValue(f"must be a list, not {_kind(item)}")
            elif field.packed:
                packed = b"".join(field.write(element) for element in item)
                out += (field.tag, varint(len(packed)), packed)
            else:
                for element in item:
                    _one(out, field, element, depth)
        except _BadValue as error:
            error.place.append(name)
            raise
    return b"".join(out)


def _one(out: list[bytes], field: _Field, value: Any, depth: int) -> None:
    if field.fields is None:
        out += (field.tag, field.write(value))
        return
    if not isinstance(value, dict):
        if value is None:
            return
        raise _BadValue(f"must be an object, not {_kind(value)}")
    inner = _message(_fields(field.fields), value, depth + 1)
    out += (field.tag, varint(len(inner)), inner)


def _sized(value: bytes) -> bytes:
    return varint(len(value)) + value


def _text(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _BadValue(f"must be a string, not {_kind(value)}")
    return _sized(value.encode())


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _BadValue(f"must be a string in base64, not {_kind(value)}")
    try:
        return _sized(_base64(value))
    except (binascii.Error, ValueError):
        raise _BadValue("is not base64") from None


def _base64(value: str) -> bytes:
    padded = value.rstrip("=")
    return base64.b64decode(padded.replace("-", "+").replace("_", "/") + "=" * (-len(padded) % 4), validate=True)


def _id_writer(size: int) -> Write:
    def write(value: Any) -> bytes:
        if not isinstance(value, str):
            raise _BadValue(f"must be a string of {2 * size} hex digits, not {_kind(value)}")
        return _sized(_read_id(value, size))

    return write


def _read_id(value: str, size: int) -> bytes:
    if not value:
        return b""
    try:
        if len(value) != 2 * size and len(_base64(value)) == size:
            return _base64(value)
    except (binascii.Error, ValueError):
        pass  # not base64 either: read as hex below
    try:
        return bytes.fromhex(value)
    except ValueError:
        return _BROKEN_ID


def _bool(value: Any) -> bytes:
    if value is True or value == "true":
        return b"\x01"
    if value is False or value == "false":
        return b"\x00"
    raise _BadValue(f"must be true or false, not {_kind(value)}")


def _whole(value: Any) -> int:
    """A whole number, however it is spelt."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) < 40:
        try:
            return int(value)
        except ValueError:
            pass  # told below
    raise _BadValue(f"must be a whole number, not {_kind(value)} {str(value)[:40]!r}")


def _int_writer(bits: int, signed: bool) -> Write:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def write(value: Any) -> bytes:
        number = _whole(value)
        if not low <= number <= high:
            raise _BadValue(f"{number} does not fit into {bits} bits")
        return varint(number & 0xFFFF_FFFF_FFFF_FFFF)

    return write


def _zigzag(value: Any) -> bytes:
    number = _whole(value)
    if not -(1 << 31) <= number < 1 << 31:
        raise _BadValue(f"{number} does not fit into 32 bits")
    return varint((number << 1 ^ number >> 31) & 0xFFFF_FFFF)


def _fixed_writer(layout: str, low: int, high: int) -> Write:
    pack = struct.Struct(layout).pack

    def write(value: Any) -> bytes:
        number = _whole(value)
        if number > high or number < -(1 << 63):
            raise _BadValue(f"{number} does not fit into its field")
        # A time before 1970 cannot be written; as zero it is an unknown time of one span, not the end of a batch.
        return pack(max(number, low))

    return write


def _double(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            raise _BadValue(f"must be a number, not the string {value[:40]!r}") from None
        return struct.pack("<d", number)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BadValue(f"must be a number, not {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise _BadValue("is out of range")
    return struct.pack("<d", number)


def _enum_writer(enum: EnumDescriptor) -> Write:
    names = {name: value.number for name, value in enum.values_by_name.items()}
    number = _int_writer(32, signed=True)

    def write(value: Any) -> bytes:
        # A name that this version does not know means "unspecified", as an unknown field means nothing.
        return number(names.get(value, 0) if isinstance(value, str) and not value.lstrip("-").isdigit() else value)

    return write


_F = FieldDescriptor
_WIRE: Final = {
    _F.TYPE_DOUBLE: 1, _F.TYPE_FIXED64: 1, _F.TYPE_SFIXED64: 1, _F.TYPE_FIXED32: 5,
    _F.TYPE_BOOL: 0, _F.TYPE_ENUM: 0, _F.TYPE_INT32: 0, _F.TYPE_INT64: 0,
    _F.TYPE_UINT32: 0, _F.TYPE_UINT64: 0, _F.TYPE_SINT32: 0,
}  # fmt: skip
_WRITERS: Final[dict[int, Write]] = {
    _F.TYPE_STRING: _text,
    _F.TYPE_BYTES: _bytes,
    _F.TYPE_BOOL: _bool,
    _F.TYPE_DOUBLE: _double,
    _F.TYPE_SINT32: _zigzag,
    _F.TYPE_INT32: _int_writer(32, signed=True),
    _F.TYPE_INT64: _int_writer(64, signed=True),
    _F.TYPE_UINT32: _int_writer(32, signed=False),
    _F.TYPE_UINT64: _int_writer(64, signed=False),
    _F.TYPE_FIXED64: _fixed_writer("<Q", 0, (1 << 64) - 1),
    _F.TYPE_SFIXED64: _fixed_writer("<q", -(1 << 63), (1 << 63) - 1),
    _F.TYPE_FIXED32: _fixed_writer("<I", 0, (1 << 32) - 1),
}


def _writer(field: FieldDescriptor) -> Write:
    if field.type == _F.TYPE_BYTES and field.name in _ID_BYTES:
        return _id_writer(_ID_BYTES[field.name])
    if field.enum_type:
        return _enum_writer(field.enum_type)
    return _WRITERS[field.type]


def _kind(value: Any) -> str:
    """JSON's word for a value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    kinds = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return kinds.get(type(value), "a value")
