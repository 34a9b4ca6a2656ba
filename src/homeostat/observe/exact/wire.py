"""Protobuf on the wire, read field by field.

The library's parser refuses a whole request for one invalid UTF-8 string or for nesting beyond 100; this one loses
nothing: strings stay bytes until `text` makes them valid, unknown fields are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator


class Malformed(ValueError):
    """The bytes are not a protobuf message."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value): varints and fixed numbers as unsigned int, everything with a length as bytes."""
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = _varint(data, at - 1)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(data, at)
            if at + size > end:
                raise Malformed("a field is longer than its message")
            yield tag >> 3, data[at : at + size]
            at += size
        elif kind == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            if at + size > end:
                raise Malformed("a number is cut off")
            yield tag >> 3, int.from_bytes(data[at : at + size], "little")
            at += size
        else:
            raise Malformed(f"wire type {kind} is not used by OTLP")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & 0xFFFFFFFFFFFFFFFF, at
            shift += 7
            if shift > 63:
                raise Malformed("a varint is longer than ten bytes")
    except IndexError:
        raise Malformed("a varint is cut off") from None
