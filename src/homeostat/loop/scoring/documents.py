"""The project's own documents, read again when they change: for answers whose application sends none."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from homeostat.analyze.text import library
from homeostat.analyze.text.library import Library

log: Final = logging.getLogger("homeostat.scoring")
_LOOK_AGAIN: Final = 30.0
_FETCH_AGAIN: Final = 3600.0


@dataclass
class _Shelf:
    seen: float = 0.0
    stamp: tuple[int, int] = (0, 0)
    held: Library | None = None
    fetched: float = 0.0
    """When its pages were fetched; 0: it has none."""
    pages: dict[str, str] = field(default_factory=dict)
    busy: threading.Thread | None = None


@dataclass
class Shelves:
    """A library for each project. `place` is the operator's: a folder or file, `{project}` stands for the name.

    `get` fetches the pages whose addresses stand in files `.urls`, beside what is going on: nobody waits for them.
    """

    place: str = ""
    get: Callable[[str], str] | None = None
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

    def state(self) -> dict[str, str]:
        """For `homeostat doctor`: what is wrong with the place."""
        if not self.place:
            return {"error": ""}
        whole, named, _ = self.place.partition("{project}")
        there = Path(f"{whole}_").parent.is_dir() if named else _stamp(Path(whole))[0] > 0
        return {"error": "" if there else f"{self.place} is not there, or holds no file"}

    def _look(self, project: str, shelf: _Shelf) -> None:
        # The names of projects have neither slashes nor leading dots, so that this stays where the operator said.
        place = Path(self.place.replace("{project}", project))
        stamp = _stamp(place)
        old = bool(shelf.fetched) and time.monotonic() - shelf.fetched >= _FETCH_AGAIN
        if (stamp != shelf.stamp or old) and (shelf.busy is None or not shelf.busy.is_alive()):
            shelf.stamp = stamp
            pages = self.get is not None and stamp[0] > 0 and _lists(place)
            shelf.fetched = time.monotonic() if pages else 0.0
            if pages:
                shelf.busy = threading.Thread(target=self._load, args=(project, place, shelf), daemon=True)
                shelf.busy.start()
            else:
                self._load(project, place, shelf)
        shelf.seen = time.monotonic()

    def _load(self, project: str, place: Path, shelf: _Shelf) -> None:
        loaded = library.load(place, get=lambda address: self._page(address, shelf)) if shelf.stamp[0] else None
        shelf.held = loaded.library if loaded is not None and len(loaded.library) else None
        for reason in loaded.left_out[:20] if loaded is not None else ():
            log.warning("documents of %s: %s", project, reason)

    def _page(self, address: str, shelf: _Shelf) -> str:
        """A page that cannot be had now is as it was when it last could."""
        if self.get is None:
            raise OSError("pages are not fetched here")
        try:
            shelf.pages[address] = self.get(address)
        except OSError as error:
            if address not in shelf.pages:
                raise
            log.warning("%s is as it was: %s", address, error)
        return shelf.pages[address]


def _lists(place: Path) -> bool:
    files = [place] if place.is_file() else place.rglob("*")
    return any(file.suffix.lower() in library.ADDRESSES for file in files)


def _stamp(place: Path) -> tuple[int, int]:
    """How many files there are, and when the newest was changed."""
    try:
        files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
        return len(files), max((file.stat().st_mtime_ns for file in files), default=0)
    except OSError:
        return 0, 0
