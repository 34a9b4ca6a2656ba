"""Keeps edge and core running: starts them, restarts the one that dies, ends both in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from homeostat.loop.parent import die_with_parent, step_back

#: A child that ends with this code must not be started again: its message says what a person has to do.
REFUSED: Final = 4
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0
_STEADY_AFTER: Final = 20.0
DRAIN_SECONDS: Final = 30.0


@dataclass
class Child:
    """One process under watch."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    files: Sequence[int] = ()
    behind: bool = False
    """It steps back behind the others."""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = _FIRST_DELAY
    due: float = 0.0
    restarts: int = 0

    def start(self) -> None:
        self.process = subprocess.Popen(
            list(self.command),
            env={**os.environ, **self.env},
            pass_fds=tuple(self.files),
            stdin=subprocess.DEVNULL,
            preexec_fn=self._before,
        )
        self.started = time.monotonic()

    def _before(self) -> None:
        """In the new process, before its program begins."""
        die_with_parent()
        if self.behind:
            step_back()


@dataclass
class Supervisor:
    """Runs until told to stop; returns the exit code of the whole program."""

    children: list[Child]
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: T201
    _stopping: bool = field(default=False, init=False)

    def run(self, on_tick: Callable[[], None] = lambda: None) -> int:
        """Watch until SIGTERM or SIGINT, or until a child refuses to run."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for child in self.children:
            child.start()
        while not self._stopping:
            for child in self.children:
                if self._watch(child) == REFUSED:
                    self._end(signal.SIGTERM)
                    return REFUSED
            on_tick()
            time.sleep(0.05)
        return self._end(signal.SIGTERM)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _watch(self, child: Child) -> int | None:
        """Start a dead child again, later each time; a steady run makes it eager again."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                child.restarts += 1
                child.start()
            return None
        code = child.process.poll()
        if code is None:
            if now - child.started > _STEADY_AFTER:
                child.delay = _FIRST_DELAY
            return None
        if code == REFUSED or self._stopping:
            return code
        self.say(f"homeostat: {child.name} ended ({_how(code)}), starting it again in {child.delay:.1f} s")
        child.process = None
        child.due = now + child.delay
        child.delay = min(child.delay * 2, _LONGEST_DELAY)
        return None

    def _end(self, number: int) -> int:
        """End the children in order, the first (the edge) first: it drains into the spool before the core goes."""
        worst = 0
        for child in self.children:
            if child.process is None:
                continue
            if child.process.poll() is None:
                child.process.send_signal(number)
            try:
                code = child.process.wait(DRAIN_SECONDS + 5)
            except subprocess.TimeoutExpired:
                child.process.kill()
                code = child.process.wait()
            worst = max(worst, 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else 1)
        return worst


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
