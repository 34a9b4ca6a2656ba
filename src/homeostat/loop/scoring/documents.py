"""The project's own documents, read again when they change: for answers whose application sends none."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from homeostat.analyze.text import library
from homeostat.analyze.text.library import Library

log: Final = logging.getLogger("homeostat.scoring")
_LOOK_AGAIN: Final = 30.0


@dataclass
class _Shelf:
    seen: float = 0.0
    stamp: tuple[int, int] = (0, 0)
    held: Library | None = None


@dataclass
class Shelves:
    """A library for each project. `place` is the operator's: a folder or file, `{project}` stands for the name."""

    place: str = ""
    _shelves: dict[str, _Shelf] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def of(self, project: str) -> Library | None:
        """Its documents; None: there are none."""
        if not self.place:
            return None
        with self._turn:
            shelf = self._shelves.setdefault(project, _Shelf())
            if time.monotonic() - shelf.seen >= _LOOK_AGAIN or not shelf.seen:
                self._look(project, shelf)
            return shelf.held

    def _look(self, project: str, shelf: _Shelf) -> None:
        # The names of projects have neither slashes nor leading dots, so that this stays where the operator said.
        place = Path(self.place.replace("{project}", project))
        stamp = _stamp(place)
        if stamp != shelf.stamp:
            loaded = library.load(place) if stamp[0] else None
            shelf.held = loaded.library if loaded is not None and len(loaded.library) else None
            for reason in loaded.left_out[:20] if loaded is not None else ():
                log.warning("documents of %s: %s", project, reason)
            shelf.stamp = stamp
        shelf.seen = time.monotonic()


def _stamp(place: Path) -> tuple[int, int]:
    """How many files there are, and when the newest was changed."""
    try:
        files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
        return len(files), max((file.stat().st_mtime_ns for file in files), default=0)
    except OSError:
        return 0, 0
