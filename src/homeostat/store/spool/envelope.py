"""The spool's record: one accepted request in an envelope, so that a segment file is a table for the engine.

See design/0001-shape.md, "Spool format". Writing is a few header bytes before the body as it came; reading walks
records, checks each one's CRC, and finds its feet again after damage.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import google_crc32c

MARK: Final = 0x54534D48
MAX_RECORD: Final = 64 << 20
_PIECE: Final = 1 << 16
_HEAD: Final = struct.Struct("<BIBIBI")  # tag, mark, tag, size, tag, crc
_FIXED: Final = struct.Struct("<BQBQ")  # tag, received, tag, before
_OLDEST: Final = struct.Struct("<BQ")  # tag, oldest
_MARK_BYTES: Final = struct.pack("<BI", 0x0D, MARK)
_ROOM_FOR_FIELDS: Final = 4096


class Part(IntEnum):
    """Which field of the envelope holds the request."""

    NOTHING = 0
    TRACES = 10
    LOGS = 11
    FACTS = 12


@dataclass(frozen=True, slots=True)
class Envelope:
    """One accepted request. What could not be written is refused when the envelope is made, not after the answer."""

    received: int
    project: str
    items: int
    part: Part
    body: bytes
    oldest: int = 0
    outcome: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.received < 1 << 64 and 0 <= self.oldest < 1 << 64 and 0 <= self.items < 1 << 32):
            raise ValueError("received and oldest must fit 64 bits, items 32 bits, and none may be negative")
        if self.body and not self.part:
            raise ValueError("a body needs to say which part of the envelope it is")
        names = len(self.project.encode()) + len(self.outcome.encode())
        if names > _ROOM_FOR_FIELDS // 2 or len(self.body) > MAX_RECORD - _ROOM_FOR_FIELDS:
            raise ValueError(f"a record may not be larger than {MAX_RECORD} bytes, its names {_ROOM_FOR_FIELDS // 2}")


@dataclass(frozen=True, slots=True)
class Record:
    """An envelope as found in a segment: where it stands and what stood before it."""

    offset: int
    length: int
    before: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Frame:
    """A sound record of a segment's bytes, not yet taken apart: `offset` to `end`, its fields from `fields` on."""

    offset: int
    fields: int
    end: int
    before: int
    items: int


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
        + _OLDEST.pack(0x41, envelope.oldest)
    )  # fmt: skip
    if envelope.outcome:
        outcome = envelope.outcome.encode()
        rest += b"\x4a" + varint(len(outcome)) + outcome
    body = envelope.body
    if envelope.part:
        rest += varint(envelope.part << 3 | 2) + varint(len(body))
    crc = google_crc32c.extend(google_crc32c.value(rest), body)
    size = len(rest) + len(body)
    return [varint(_HEAD.size + size) + _HEAD.pack(0x0D, MARK, 0x15, size, 0x1D, crc) + rest, body]


def decode(data: bytes | memoryview) -> Iterator[Record]:
    """Every sound record of a segment's bytes. Damage is skipped: `before` and `items` tell how much is lost."""
    data = bytes(data)
    for frame in frames(data):
        yield opened(data, frame)


def opened(data: bytes, frame: Frame, *, without: Container[Part] = ()) -> Record:
    """A sound record taken apart; bodies of the parts in `without` are left where they are."""
    return Record(frame.offset, frame.end - frame.offset, frame.before, _envelope(data, frame, without))


def frames(data: bytes) -> Iterator[Frame]:
    """Every sound record of a segment's bytes, without taking it apart."""
    at = 0
    while at < len(data):
        frame = frame_at(data, at)
        if frame is None:
            at = _after_damage(data, at)
            continue
        yield frame
        at = frame.end


def frame_at(data: bytes, at: int) -> Frame | None:
    """The sound record that starts at `at`, or None."""
    try:
        length, start = _read_varint(data, at)
        fields, end = start + _HEAD.size, start + length
        if length > MAX_RECORD or end > len(data):
            return None
        t1, mark, t2, size, t3, crc = _HEAD.unpack_from(data, start)
        if mark != MARK or t1 != 0x0D or t2 != 0x15 or t3 != 0x1D or size + _HEAD.size != length:
            return None
        if _checksum(data, fields, end) != crc:
            return None
        _, _, _, before = _FIXED.unpack_from(data, fields)
        size, at_project = _read_varint(data, fields + _FIXED.size + 1)
        items, _ = _read_varint(data, at_project + size + 1)
    except (struct.error, ValueError, IndexError):
        return None
    return Frame(at, fields, end, before, items)


def _checksum(data: bytes, start: int, end: int) -> int:
    """In small pieces: a copy of a whole body would be memory that the system has to clear first."""
    crc = 0
    for at in range(start, end, _PIECE):
        crc = google_crc32c.extend(crc, data[at : min(at + _PIECE, end)])
    return crc


def _after_damage(data: bytes, at: int) -> int:
    """Where to read on after the unsound record at `at`; the end when nothing sound follows.

    A record tells its length twice, before and after the mark. Where they agree, or where one of them leads to a sound
    record, the damaged record is stepped over and its body is not searched: a body could hold bytes made to look like
    a record of another project.
    """
    ends = _claimed_ends(data, at)
    if len(ends) == 2 and ends[0] == ends[1]:
        return ends[0]
    for end in sorted(ends):
        if frame_at(data, end) is not None:
            return end
    mark = data.find(_MARK_BYTES, at + 1)
    while mark >= 0:
        for width in (1, 2, 3, 4):
            if mark - width > at and frame_at(data, mark - width) is not None:
                return mark - width
        mark = data.find(_MARK_BYTES, mark + 1)
    return len(data)


def _claimed_ends(data: bytes, at: int) -> list[int]:
    """Where the damaged record at `at` ends, by the length before its mark and by the size after it."""
    ends = []
    try:
        length, start = _read_varint(data, at)
        ends.append(start + length)
    except (ValueError, IndexError):
        pass
    mark = data.find(_MARK_BYTES, at + 1, at + 4 + len(_MARK_BYTES))
    if mark >= 0 and mark + _HEAD.size <= len(data):
        ends.append(mark + _HEAD.size + _HEAD.unpack_from(data, mark)[3])
    return [end for end in ends if at < end <= len(data)]


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    at += 1
    if byte < 128:
        return byte, at
    value, shift = byte & 127, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 35:
            raise ValueError("varint too long")


def _envelope(data: bytes, frame: Frame, without: Container[Part]) -> Envelope:
    _, received, _, _ = _FIXED.unpack_from(data, frame.fields)
    at = frame.fields + _FIXED.size
    project = outcome = ""
    items = oldest = 0
    part, body = Part.NOTHING, b""
    while at < frame.end:
        tag, at = _read_varint(data, at)
        if tag == 0x38:
            items, at = _read_varint(data, at)
        elif tag == 0x41:
            oldest = int.from_bytes(data[at : at + 8], "little")
            at += 8
        else:
            size, start = _read_varint(data, at)
            at = start + size
            if tag == 0x32:
                project = data[start:at].decode()
            elif tag == 0x4A:
                outcome = data[start:at].decode()
            else:
                part = Part(tag >> 3)
                body = b"" if part in without else data[start:at]
    return Envelope(received, project, items, part, body, oldest, outcome)
