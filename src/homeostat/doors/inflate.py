"""Decompression that stops at a limit: a small body may claim to be gigabytes."""

from __future__ import annotations

import zlib
from typing import Final

from homeostat.doors.answers import Refused

#: What is fed to zlib at once: what it leaves over is copied, so pieces keep many-member bodies linear.
_PIECE: Final = 64 << 10
#: No exporter writes more members than this; a million empty ones would only burn time.
_MEMBERS: Final = 10_000
_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15


class TooLong(Exception):
    """The inflated body passes the limit."""


def inflate(data: bytes, encoding: str, limit: int) -> bytes:
    """The whole body, or `TooLong` as soon as it passes `limit` bytes. Several gzip members are one body."""
    bits = _GZIP if encoding == "gzip" else _deflate_bits(data)
    out: list[bytes] = []
    room = limit
    members = 0
    stream = zlib.decompressobj(bits)
    try:
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            while piece:
                if stream.eof:
                    piece = piece.lstrip(b"\0") if bits == _GZIP else piece  # some writers fill up with zeros
                    if not piece:
                        break
                    members += 1
                    stream = _next_member(bits, members)
                got = stream.decompress(piece, room + 1)
                if len(got) > room:
                    raise TooLong
                room -= len(got)
                out.append(got)
                piece = stream.unused_data
    except zlib.error as error:
        raise Refused(400, f"The body is not sound {encoding} ({error}). Send it again, or uncompressed.") from error
    if not stream.eof and data:
        raise Refused(400, f"The {encoding} body ends too early. Send it again.")
    return out[0] if len(out) == 1 else b"".join(out)


def _next_member(bits: int, members: int) -> zlib._Decompress:
    if bits != _GZIP:
        raise Refused(400, "There are bytes after the end of the deflate body. Send exactly one stream.")
    if members > _MEMBERS:
        raise Refused(400, f"The gzip body has more than {_MEMBERS} members. Send fewer, larger ones.")
    return zlib.decompressobj(bits)


def _deflate_bits(data: bytes) -> int:
    """`deflate` means zlib by the standard and a raw stream by some clients: the two header bytes tell."""
    zlib_header = len(data) >= 2 and data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return _ZLIB if zlib_header else _RAW
