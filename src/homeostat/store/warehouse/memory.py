"""An embedded engine keeps freed memory for a while, Python too; past a limit both are asked to give it back."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Any, Final

from homeostat.store.warehouse.client import Warehouse

#: Bytes that the process may hold between two segments before it is asked for.
KEPT: Final = 700 << 20
#: Seconds between two such requests: each takes some ten milliseconds.
EVERY: Final = 2.0
#: What it may hold while nothing is loaded; what questions and watching leave behind is asked for then.
AT_REST: Final = 400 << 20
QUIET: Final = 3.0
#: By so many bytes it must have grown since the last time, or there is nothing to be had.
GREW: Final = 32 << 20


class Thrift:
    """Asks for memory back when it is time."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._asked = 0.0
        self._left = 0

    def give_back(self) -> None:
        """Call it whenever large things were freed."""
        self._ask(KEPT, EVERY)

    def rest(self) -> None:
        """Call it, as often as you like, while nothing is to be loaded."""
        self._ask(max(AT_REST, self._left + GREW), QUIET)

    def _ask(self, most: int, wait: float) -> None:
        now = time.monotonic()
        if not self._warehouse.embedded or now - self._asked <= wait:
            return
        self._asked = now
        if resident() <= most:
            return
        self._warehouse.load.command("SYSTEM JEMALLOC PURGE")
        if _TRIM is not None:
            _TRIM(0)
        self._left = resident()


def _trim() -> Any:
    """What gives back the memory of everything that is not the engine; None: this system has no such thing."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


_TRIM: Final = _trim()


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
