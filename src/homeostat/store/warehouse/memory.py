"""An embedded engine keeps freed memory for a while; past a limit it is asked to give it back."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from homeostat.store.warehouse.client import Warehouse

#: Bytes that the process may hold between two segments before the engine is asked.
KEPT: Final = 900 << 20
#: Seconds between two such requests: each takes some ten milliseconds.
EVERY: Final = 2.0
#: What it may hold when nothing has been loaded for a while: it is asked once, and not again until the next load.
AT_REST: Final = 500 << 20
QUIET: Final = 3.0


class Thrift:
    """Asks for memory back when it is time."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._asked = 0.0
        self._freed = 0.0  # when large things were, last; 0: nothing to ask for

    def give_back(self) -> None:
        """Call it whenever large things were freed."""
        self._freed = time.monotonic()
        if self._freed - self._asked > EVERY:
            self._ask(KEPT)

    def rest(self) -> None:
        """Call it, as often as you like, while nothing is to do."""
        if self._freed and time.monotonic() - self._freed > QUIET:
            self._freed = 0.0
            self._ask(AT_REST)

    def _ask(self, most: int) -> None:
        if self._warehouse.embedded and resident() > most:
            self._asked = time.monotonic()
            self._warehouse.load.command("SYSTEM JEMALLOC PURGE")


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
