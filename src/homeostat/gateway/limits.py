"""Limits per key: requests and tokens, counted in this process; money, counted by the core. See records/limits.py.

Windows begin with the minute and with the day (UTC). Tokens are known when a call is over, so a limit on them stops the
calls that come after the one that passed it. A restart begins to count anew.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from homeostat.doors.answers import Refused
from homeostat.records.limits import MONEY, WINDOWS
from homeostat.records.snapshot import PublishedKey, Snapshot

_MOST_KEYS: Final = 10_000


class Limits:
    """What each key has used in its windows."""

    def __init__(self, snapshot: Callable[[], Snapshot | None], now: Callable[[], float] = time.time) -> None:
        self._snapshot = snapshot
        self._now = now
        self._used: dict[tuple[str, str], tuple[int, int]] = {}

    def admit(self, key: str) -> None:
        """Count a request; raises `Refused` (429) when the key has used up what it may."""
        snapshot = self._snapshot() if key else None
        published = snapshot.keys.get(key) if snapshot is not None else None
        if published is None or not published.limits:
            return
        now = self._now()
        for name, most in published.limits.items():
            used = _paid(published, now) if name == MONEY else self._count(key, name, now)
            if used >= most:
                seconds = WINDOWS[name] - now % WINDOWS[name]
                words = name.replace("_", " ")
                raise Refused(429, f"This key may use {most} {words}.", "key_limit", math.ceil(seconds))
        if "requests_per_minute" in published.limits:
            self._add(key, "requests_per_minute", 1, now)

    def spent(self, key: str, tokens: int) -> None:
        """A call of this key is over."""
        snapshot = self._snapshot() if key and tokens else None
        published = snapshot.keys.get(key) if snapshot is not None else None
        for name in published.limits if published is not None else ():
            if name.startswith("tokens"):
                self._add(key, name, tokens, self._now())

    def _count(self, key: str, name: str, now: float) -> int:
        window, count = self._used.get((key, name), (0, 0))
        return count if window == now // WINDOWS[name] else 0

    def _add(self, key: str, name: str, more: int, now: float) -> None:
        if len(self._used) >= _MOST_KEYS:
            self._used.clear()
        self._used[key, name] = (int(now // WINDOWS[name]), self._count(key, name, now) + more)


def _paid(published: PublishedKey, now: float) -> float:
    """USD of the calls of this day, as far as they are priced and published."""
    day, usd = published.paid
    return usd if day == now // WINDOWS[MONEY] else 0.0
