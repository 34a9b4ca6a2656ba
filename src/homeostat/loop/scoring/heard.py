"""What judges answered and what is not stored yet: written down at once, so that a crash pays for no answer twice.

A line is in the hands of the operating system when it is written: it survives the process, not the machine, and costs
microseconds where the ledger would wait for the disk.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from homeostat.analyze.scorers.case import Scored, Unscored
from homeostat.loop.scoring.asking import Answer


class Heard:
    """Answers by what they were asked for. A disk that takes no line costs only what a crash would ask again."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._held = dict(_read(path)) if path else {}

    def known(self, key: str) -> Answer | None:
        """An answer that was heard, maybe by an earlier process, and not forgotten."""
        return self._held.get(key)

    def note(self, key: str, answer: Answer) -> None:
        """Keep an answer until it is stored."""
        with self._lock:
            self._held[key] = answer
            self._write([key], os.O_APPEND)

    def paid(self, prefix: str) -> tuple[float, int]:
        """Money and calls of all answers whose keys begin so."""
        with self._lock:
            some = [answer for key, answer in self._held.items() if key.startswith(prefix)]
        return sum(one.usd for one in some), sum(one.calls for one in some)

    def forget(self, prefix: str) -> None:
        """What begins so is stored, and in the accounts."""
        with self._lock:
            gone = [key for key in self._held if key.startswith(prefix)]
            for key in gone:
                del self._held[key]
            if gone:
                self._write(self._held, os.O_TRUNC)

    def _write(self, keys: Iterable[str], how: int) -> None:
        if self._path is None:
            return
        lines = "".join(json.dumps([key, _told(self._held[key])], default=str) + "\n" for key in keys)
        with suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | how, 0o600)
            try:
                os.write(file, lines.encode())
            finally:
                os.close(file)


def _told(answer: Answer) -> dict[str, object]:
    return {"said": asdict(answer.said), "usd": answer.usd, "calls": answer.calls}


def _read(path: Path) -> Iterable[tuple[str, Answer]]:
    """Whole lines; the last one may have been cut."""
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                key, told = json.loads(line)
                said = told["said"]
                yield (
                    str(key),
                    Answer(
                        Scored(**said) if "value" in said else Unscored(**said), float(told["usd"]), int(told["calls"])
                    ),
                )
