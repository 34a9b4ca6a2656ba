"""W3C trace context: the caller's trace is continued, or a new one begins."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

_PARENT: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands in its trace."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes = b""
    flags: bytes = b"01"

    @property
    def exchange_id(self) -> str:
        return f"{self.trace_id.hex()}-{self.span_id.hex()}"

    @property
    def header(self) -> bytes:
        """`traceparent` for the upstream."""
        return b"00-%b-%b-%b" % (self.trace_id.hex().encode(), self.span_id.hex().encode(), self.flags)


def place(traceparent: bytes = b"") -> Place:
    """The place of a new call under the caller's `traceparent`, as far as it is one."""
    found = _PARENT.match(traceparent.strip()) if traceparent else None
    if found and _is_sound(*found.groups()):
        return Place(bytes.fromhex(found[2].decode()), os.urandom(8), bytes.fromhex(found[3].decode()), found[4])
    fresh = os.urandom(24)
    return Place(fresh[:16], fresh[16:])


def _is_sound(version: bytes, trace: bytes, span: bytes, _flags: bytes, more: bytes | None) -> bool:
    """Ids are not zero; version 00 has nothing after the flags, later ones may."""
    return version != b"ff" and bool(trace.strip(b"0") and span.strip(b"0")) and (version != b"00" or more is None)
