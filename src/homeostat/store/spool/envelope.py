"""The spool's record: one accepted request in an envelope, so that a segment file is a table for the engine.

See design/0001-shape.md, "Spool format". Writing is a few header bytes before the body as it came; reading walks
records, checks each one's CRC, and finds its feet again at the next mark after damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import google_crc32c

MARK: Final = 0x54534D48
MAX_RECORD: Final = 64 << 20
_HEAD: Final = struct.Struct("<BIBIBI")  # tag, mark, tag, size, tag, crc
_FIXED: Final = struct.Struct("<BQBQ")  # tag, received, tag, before
_MARK_BYTES: Final = struct.pack("<BI", 0x0D, MARK)


class Part(IntEnum):
    """Which field of the envelope holds the request."""

    NOTHING = 0
    TRACES = 10
    LOGS = 11
    FACTS = 12


@dataclass(frozen=True, slots=True)
class Envelope:
    """One accepted request."""

    received: int
    project: str
    items: int
    part: Part
    body: bytes
    oldest: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """An envelope as found in a segment: where it stands and what stood before it."""

    offset: int
    length: int
    before: int
    envelope: Envelope


def varint(n: int) -> bytes:
    """Protobuf's variable-length integer."""
    if n < 128:
        return bytes((n,))
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def encode(envelope: Envelope, before: int) -> list[bytes]:
    """The bytes of one record, in pieces so that the body is not copied. `before`: items in the segment so far."""
    project = envelope.project.encode()
    rest = (
        _FIXED.pack(0x21, envelope.received, 0x29, before)
        + b"\x32" + varint(len(project)) + project
        + b"\x38" + varint(envelope.items)
        + b"\x41" + envelope.oldest.to_bytes(8, "little")
    )  # fmt: skip
    if envelope.outcome:
        outcome = envelope.outcome.encode()
        rest += b"\x4a" + varint(len(outcome)) + outcome
    if envelope.part:
        rest += varint(envelope.part << 3 | 2) + varint(len(envelope.body))
    crc = google_crc32c.extend(google_crc32c.value(rest), envelope.body)
    size = len(rest) + len(envelope.body)
    head = _HEAD.pack(0x0D, MARK, 0x15, size, 0x1D, crc)
    return [varint(_HEAD.size + size) + head + rest, envelope.body]


def decode(data: bytes | memoryview) -> Iterator[Record]:
    """Every sound record of a segment's bytes. Damage is skipped: compare `before` and `items` to count what is lost."""
    view = memoryview(data)
    at = 0
    while at < len(view):
        record = _record(view, at)
        if record is None:
            at = _next_record(data, at + 1)
            continue
        yield record
        at += record.length


def _next_record(data: bytes | memoryview, start: int) -> int:
    """Where the next sound record after damage begins (the length stands before its mark), else the end."""
    raw = bytes(data) if isinstance(data, memoryview) else data
    view = memoryview(raw)
    at = raw.find(_MARK_BYTES, start)
    while at >= 0:
        for width in (1, 2, 3, 4):
            if at - width >= 0 and _record(view, at - width) is not None:
                return at - width
        at = raw.find(_MARK_BYTES, at + 1)
    return len(raw)


def _record(view: memoryview, at: int) -> Record | None:
    """The record that starts at `at`, or None when it is not sound."""
    try:
        length, start = _read_varint(view, at)
        if length < _HEAD.size or length > MAX_RECORD or start + length > len(view):
            return None
        t1, mark, t2, size, t3, crc = _HEAD.unpack_from(view, start)
        if (t1, mark, t2, t3) != (0x0D, MARK, 0x15, 0x1D) or size + _HEAD.size != length:
            return None
        rest = view[start + _HEAD.size : start + length]
        if google_crc32c.value(bytes(rest)) != crc:
            return None
        before, envelope = _fields(rest)
    except (struct.error, ValueError, IndexError):
        return None
    return Record(at, start - at + length, before, envelope)


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 35:
            raise ValueError("varint too long")


def _fields(rest: memoryview) -> tuple[int, Envelope]:
    _, received, _, before = _FIXED.unpack_from(rest, 0)
    at = _FIXED.size
    project = outcome = ""
    items = oldest = 0
    part, body = Part.NOTHING, b""
    while at < len(rest):
        tag, at = _read_varint(rest, at)
        if tag == 0x38:
            items, at = _read_varint(rest, at)
        elif tag == 0x41:
            oldest = int.from_bytes(rest[at : at + 8], "little")
            at += 8
        else:
            size, at = _read_varint(rest, at)
            value = bytes(rest[at : at + size])
            at += size
            if tag == 0x32:
                project = value.decode()
            elif tag == 0x4A:
                outcome = value.decode()
            else:
                part, body = Part(tag >> 3), value
    return before, Envelope(received, project, items, part, body, oldest, outcome)
