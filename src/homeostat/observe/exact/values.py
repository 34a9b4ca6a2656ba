"""Attribute values of OTLP as Python objects: str, bool, int, float, bytes, list, dict or None."""

from __future__ import annotations

import struct
from typing import Any, Final

from homeostat.observe.exact.wire import fields

#: Nested deeper than this, a value is cut.
MAX_DEPTH: Final = 64

Attributes = dict[str, Any]


def text(value: int | bytes, flags: set[str]) -> str:
    """Valid text of bytes: what is not UTF-8, and NUL, becomes U+FFFD."""
    if not isinstance(value, bytes):
        return ""
    try:
        out = value.decode()
    except UnicodeDecodeError:
        flags.add("bad_utf8")
        out = value.decode("utf-8", "replace")
    if "\0" in out:
        flags.add("bad_utf8")
        out = out.replace("\0", "\ufffd")
    return out


def add_all(data: bytes, wanted: int, into: Attributes, flags: set[str], depth: int = 0) -> None:
    for number, value in fields(data):
        if number == wanted and isinstance(value, bytes):
            add(value, into, flags, depth)


def add(data: bytes, into: Attributes, flags: set[str], depth: int = 0) -> None:
    """Put one key and its value into `into`; of two values for a key the first counts."""
    key, value = "", None
    for number, part in fields(data):
        if number == 1:
            key = text(part, flags)
        elif number == 2 and isinstance(part, bytes):
            value = value_of(part, flags, depth)
    if key in into:
        flags.add("duplicate_key")
    else:
        into[key] = value


def value_of(data: bytes, flags: set[str], depth: int = 0) -> Any:
    """An AnyValue as str, bool, int, float, bytes, list, dict or None. Of several the last one counts."""
    out: Any = None
    for number, value in fields(data):
        if isinstance(value, bytes):
            if number == 1:
                out = text(value, flags)
            elif number in (5, 6):
                out = _nested(number, value, flags, depth + 1)
            elif number == 7:
                out = value
        elif number == 2:
            out = value != 0
        elif number == 3:
            out = value - (1 << 64) if value >> 63 else value
        elif number == 4:
            out = struct.unpack("<d", value.to_bytes(8, "little"))[0]
    return out


def _nested(number: int, data: bytes, flags: set[str], depth: int) -> Any:
    if depth > MAX_DEPTH:
        flags.add("truncated")
        return None
    if number == 6:
        out: Attributes = {}
        add_all(data, 1, out, flags, depth)
        return out
    return [value_of(part, flags, depth) for inner, part in fields(data) if inner == 1 and isinstance(part, bytes)]
