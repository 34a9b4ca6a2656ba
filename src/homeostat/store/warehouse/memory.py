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


class Thrift:
    """Asks for memory back when it is time."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._asked = 0.0

    def give_back(self) -> None:
        """Call it whenever large things were freed."""
        now = time.monotonic()
        if self._warehouse.embedded and now - self._asked > EVERY and _resident() > KEPT:
            self._asked = now
            self._warehouse.load.command("SYSTEM JEMALLOC PURGE")


def _resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
