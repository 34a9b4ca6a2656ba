"""Bodies that were accepted a moment ago: an exporter that heard no answer sends the same bytes again.

A body is remembered only after it was made durable, so a repeat of one that failed is a first. A repeat that comes
while the first is under way waits for its end.
"""

from __future__ import annotations

import asyncio
import struct
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import google_crc32c

from homeostat.observe.otlp.check import Checked

_MEMORY: Final = 100_000
_TOLD: Final = struct.Struct("<QqI")  # length, hash, checksum


def fingerprint(project: str, signal: str, body: bytes) -> bytes:
    """The same for the same body to the same place, and for no other, as long as this process lives.

    Python's own hash has 64 bits and a key that nobody knows, and costs a quarter of a cryptographic one: for large
    bodies this was the most expensive step on the way in. Whoever found two bodies that agree would hurt himself only.
    """
    return _place(project, signal) + _TOLD.pack(len(body), hash(body), google_crc32c.value(body))


@lru_cache(maxsize=1024)
def _place(project: str, signal: str) -> bytes:
    return blake2b(f"{project}\0{signal}".encode(), digest_size=16).digest()


class Seen:
    """A bounded memory in two generations: when the younger is full, the older is forgotten."""

    def __init__(self, memory: int = _MEMORY) -> None:
        self._half = max(1, memory // 2)
        self._young: dict[bytes, Checked] = {}
        self._old: dict[bytes, Checked] = {}
        self._under_way: dict[bytes, asyncio.Future[None] | None] = {}

    def __contains__(self, mark: bytes) -> bool:
        """Is it remembered?"""
        return mark in self._young or mark in self._old

    async def first(self, mark: bytes) -> Checked | None:
        """None: this is the first, say `done` or `failed` at its end. Else what the first one held."""
        while True:
            found = self._young.get(mark) or self._old.get(mark)
            if found is not None:
                return found
            if mark not in self._under_way:
                self._under_way[mark] = None
                return None
            waiting = self._under_way[mark]
            if waiting is None:
                waiting = self._under_way[mark] = asyncio.get_running_loop().create_future()
            await asyncio.shield(waiting)

    def done(self, mark: bytes, held: Checked) -> None:
        """The first is durable."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[mark] = held
        self.failed(mark)

    def failed(self, mark: bytes) -> None:
        """The first is over; whoever waits looks again."""
        waiting = self._under_way.pop(mark)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
