"""What waits to be sent: bounded, counted, never blocking. The caller's thread only ever appends here.

produced = delivered + dropped + waiting, always; `waiting` is what is queued and what is on its way.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["span", "signal", "score"]
Entry = tuple[Kind, Any, int]
"""What it is, itself, and its size in memory."""

_WAKE_ITEMS: Final = 256
_WAKE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of everything, at one moment."""

    produced: int = 0
    delivered: int = 0
    waiting: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason: `full`, `refused`, `sampled`, `closed`."""
    errors: int = 0
    """Mistakes of ours that the application was spared."""


class Outbox:
    """A queue with two bounds. Holds its lock for a few instructions only."""

    def __init__(self, items: int, size: int) -> None:
        self._most_items = items
        self._most_bytes = size
        self.reset()

    def reset(self) -> None:
        """Empty and counted from 0: a forked child begins anew, its parent sends what was here."""
        self._lock = threading.Lock()
        self._queue: deque[Entry] = deque()
        self._bytes = 0
        self._out_items = 0
        self._out_bytes = 0
        self._produced = 0
        self._delivered = 0
        self._dropped: Counter[str] = Counter()
        self._closed = False
        self.errors = 0
        self.something = threading.Event()
        """Set when there is something to send."""
        self.plenty = threading.Event()
        """Set when it should not wait any longer."""

    def put(self, kind: Kind, thing: object, size: int) -> bool:
        """Queue it; False when there is no room and it was dropped."""
        with self._lock:
            self._produced += 1
            reason = self._no_room(size)
            if reason:
                self._dropped[reason] += 1
                return False
            self._queue.append((kind, thing, size))
            self._bytes += size
            first = len(self._queue) == 1
            much = len(self._queue) >= _WAKE_ITEMS or self._bytes >= _WAKE_BYTES
        if first:
            self.something.set()
        if much and not self.plenty.is_set():
            self.plenty.set()
        return True

    def _no_room(self, size: int) -> str:
        if self._closed:
            return "closed"
        if len(self._queue) + self._out_items >= self._most_items:
            return "full"
        return "full" if self._bytes + self._out_bytes + size > self._most_bytes else ""

    def skip(self, reason: str) -> None:
        """It will not be sent, on purpose."""
        with self._lock:
            self._produced += 1
            self._dropped[reason] += 1

    def take(self, most: int, size: int) -> list[Entry]:
        """The oldest of one kind, in order; they count as waiting until `settle`."""
        taken: list[Entry] = []
        with self._lock:
            held = 0
            while self._queue and len(taken) < most and (not taken or held + self._queue[0][2] <= size):
                if taken and self._queue[0][0] != taken[0][0]:
                    break
                entry = self._queue.popleft()
                held += entry[2]
                taken.append(entry)
            self._bytes -= held
            self._out_bytes += held
            self._out_items += len(taken)
            self.plenty.clear()
            if not self._queue:
                self.something.clear()
        return taken

    def settle(self, entries: list[Entry], *, dropped: int = 0, reason: str = "refused") -> None:
        """They left, all but `dropped` of them."""
        with self._lock:
            self._out_items -= len(entries)
            self._out_bytes -= sum(size for _, _, size in entries)
            self._delivered += len(entries) - dropped
            if dropped:
                self._dropped[reason] += dropped

    def close(self) -> None:
        """Nothing more is taken; what is left counts as dropped."""
        with self._lock:
            self._closed = True
            left = len(self._queue)
            if left:
                self._dropped["closed"] += left
            self._queue.clear()
            self._bytes = 0

    def counts(self) -> Counts:
        """All numbers, of one moment."""
        with self._lock:
            waiting = len(self._queue) + self._out_items
            return Counts(self._produced, self._delivered, waiting, dict(self._dropped), self.errors)
