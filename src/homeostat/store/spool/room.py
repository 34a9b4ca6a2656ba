"""How much the spool may still take: its budget, and what the disk has left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from homeostat.store.spool import segment as files
from homeostat.store.spool.segment import Segment, Waiting
from homeostat.store.spool.storage import Storage

Level = Literal["ok", "warn", "full"]
KEEP_FREE: Final = 512 << 20
_WARN, _FULL = 0.80, 0.95


class Room:
    """Figures of the spool folder, measured now and then; between measurements the writer adds what it writes."""

    def __init__(self, folder: Path, budget: int | Callable[[], int], keep_free: int, storage: Storage) -> None:
        self.sealed = Waiting(0, 0, 0, 0)
        self._folder = folder
        self._budget = budget
        self._limit = 1 << 63
        self._keep_free = keep_free
        self._storage = storage
        self._free = 1 << 63
        self._sizes: dict[str, int] = {}

    def measure(self) -> None:
        """Looks at the folder and the disk. A file's size is asked for once: sealed segments do not change."""
        found = files.sealed(self._folder, storage=self._storage)
        self._sizes = {segment.path.name: self._size(segment) for segment in found}
        oldest = found[0].number >> 12 if found else 0
        items = sum(segment.items for segment in found)
        self.sealed = Waiting(sum(self._sizes.values()), items, oldest, len(found))
        self._free = self._storage.free(self._folder)
        self._limit = self._budget() if callable(self._budget) else self._budget

    def level(self, open_bytes: int, coming: int) -> Level:
        """`open_bytes`: in the segment being written; `coming`: queued, and what asks to come in."""
        used = self.sealed.bytes + open_bytes + coming
        if used >= _FULL * self._limit or self._free - coming < self._keep_free:
            return "full"
        return "warn" if used >= _WARN * self._limit else "ok"

    def wrote(self, size: int) -> None:
        """The disk has less by what was just written."""
        self._free -= size

    def sealed_one(self, number: int, size: int, items: int) -> None:
        """A segment was left by the writer since the last look."""
        known = self.sealed
        oldest = known.oldest or number >> 12
        self.sealed = Waiting(known.bytes + size, known.items + items, oldest, known.segments + 1)

    def _size(self, segment: Segment) -> int:
        known = self._sizes.get(segment.path.name)
        if known is not None:
            return known
        try:
            return self._storage.size(segment.path)
        except FileNotFoundError:  # loaded meanwhile
            return 0
