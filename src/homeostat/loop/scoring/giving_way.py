"""What was sent comes before what we think of it: while the loader is behind, scorers wait, but not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from homeostat.store.spool import segment as spool

#: The loader is behind when what it has not loaded is this old, in seconds. It loads small things within two.
BEHIND: Final = 3.0
#: Under a load that never ends scorers get a round after so many seconds.
LONGEST: Final = 60.0


class GivingWay:
    """Asked before each round of a worker."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._since: dict[str, float] = {}

    def wait(self, worker: str) -> bool:
        """Whether this worker is to wait."""
        oldest = spool.oldest(self._folder)
        if not oldest or time.time() - oldest / 1e6 < BEHIND:
            self._since.pop(worker, None)
            return False
        now = self._clock()
        if now - self._since.setdefault(worker, now) < LONGEST:
            return True
        self._since[worker] = now
        return False
