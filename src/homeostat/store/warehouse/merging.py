"""While a burst is loaded, merging its small parts waits: the loader needs the processor now, and fewer, larger merges
later cost less than many small ones meanwhile.
"""

from __future__ import annotations

from typing import Final

from homeostat.store.warehouse.client import Warehouse

#: Tables that the loader fills.
TABLES: Final = ("spans", "exchanges")
#: Loads in a row without merging; questions read every part that is left, so there must not be too many.
MOST: Final = 40


class Merging:
    """Holds merges back while `busy`, never for long. A server's merges are its own business."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._held = False
        self._loads = 0

    def pace(self, *, busy: bool) -> None:
        """Call it before each load: whether another one waits behind it."""
        if not busy:
            self.resume()
            self._loads = 0
            return
        self._loads += 1
        if self._loads > MOST:
            self.resume()
        elif not self._held and self._warehouse.embedded:
            self._say("STOP")

    def resume(self) -> None:
        """Merges and mutations go on."""
        if self._held:
            self._say("START")

    def _say(self, word: str) -> None:
        self._held = word == "STOP"
        for table in TABLES:
            self._warehouse.load.command(f"SYSTEM {word} MERGES {table}")
