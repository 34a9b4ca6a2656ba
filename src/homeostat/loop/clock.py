"""Two clocks. The event clock decides windows, maturity and retention; the machine clock decides leases and timeouts.

Code receives them. Nothing else in the program asks what time it is for a decision about data.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

NS = 1_000_000_000


class Clock(Protocol):
    """The event clock."""

    def now_ns(self) -> int:
        """Unix time in nanoseconds."""

    def now(self) -> datetime:
        """The same as an aware datetime."""


def to_datetime(ns: int) -> datetime:
    """Whole microseconds of a unix time in nanoseconds."""
    seconds, rest = divmod(ns, NS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


class LiveClock:
    """The event clock is the machine's."""

    def now_ns(self) -> int:
        return time.time_ns()

    def now(self) -> datetime:
        return to_datetime(time.time_ns())


class WorldClock:
    """The event clock is what a file says; whoever replays history moves it. Every process reads the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._ns = 0

    def now_ns(self) -> int:
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - called for every request
        except FileNotFoundError:
            return self._ns
        if (stat.st_mtime_ns, stat.st_ino) != self._seen:
            self._ns = int(self._path.read_text())
            self._seen = (stat.st_mtime_ns, stat.st_ino)
        return self._ns

    def now(self) -> datetime:
        return to_datetime(self.now_ns())

    def set(self, ns: int) -> None:
        """Move the clock; it never goes back."""
        if ns < self.now_ns():
            raise ValueError(f"The world clock stands at {self.now().isoformat()} and never goes back.")
        beside = self._path.with_suffix(".new")
        beside.write_text(str(ns))
        beside.rename(self._path)


def event_clock(kind: str, path: Path) -> LiveClock | WorldClock:
    """The clock that the settings ask for."""
    return WorldClock(path) if kind == "world" else LiveClock()
