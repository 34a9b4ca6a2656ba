"""A share of one core: what Python scorers may use, saved up for a few seconds and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Allowance:
    """Seconds of CPU time that may be spent, refilled at `share` a second up to `most`."""

    share: float
    most: float = 3.0
    clock: Callable[[], float] = time.monotonic
    _left: float = field(default=1.0, init=False)
    _at: float = field(default=0.0, init=False)
    cost: float = field(default=0.002, init=False)
    """Of one exchange, as it was lately."""

    def __post_init__(self) -> None:
        self._at = self.clock()

    def affords(self) -> int:
        """How many exchanges may be judged now."""
        now = self.clock()
        self._left = min(self.most, self._left + (now - self._at) * self.share)
        self._at = now
        return max(0, int(self._left / self.cost))

    def spend(self, seconds: float, exchanges: int) -> None:
        """This is what it took."""
        self._left -= seconds
        if exchanges:
            self.cost = max(1e-6, 0.8 * self.cost + 0.2 * seconds / exchanges)
