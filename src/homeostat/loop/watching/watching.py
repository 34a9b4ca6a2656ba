"""Ticks every project, then lets those run who act on what was found."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.act import incidents
from homeostat.act.monitors import silence
from homeostat.config import Settings
from homeostat.loop.clock import Clock
from homeostat.loop.watching import actor, diagnosing, telling, trying, verifier
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.errands import Errands
from homeostat.loop.watching.heartbeat import Heartbeat
from homeostat.loop.watching.ticker import Ticker
from homeostat.records.finding import Finding
from homeostat.records.instant import micros
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, findings
from homeostat.store.ledger.streams import Fenced
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.ticks import MINUTE

log: Final = logging.getLogger("homeostat.watching")
#: Who runs after a tick, in this order.
STEPS: Final[Mapping[str, Callable[[Context, int], object]]] = {
    "diagnosing": diagnosing.run,
    "actor": actor.run,
    "verifier": verifier.run,
    "telling": telling.run,
}
_PAUSE: Final = 1.0
#: Drafts that nobody has tried are looked for so often.
_TRIES: Final = 15.0
#: Ticks wait so long for what ended in their minute to become ready and scored.
_SETTLE: Final = 20_000_000
#: A loader that has not loaded for so long (µs) has stopped.
_LOADER_STOPPED: Final = 600_000_000
#: And a project that could not be ticked for so long is not watched.
_TICKER_STOPPED: Final = 300_000_000


@dataclass
class Step:
    """One of those who run, and what it last did."""

    name: str
    run: Callable[[Context, int], object]
    runs: int = 0
    error: str = ""
    last: float | None = None
    took: float = 0.0


@dataclass
class Watching:
    """The watch over all projects."""

    warehouse: Warehouse
    ledger: Ledger
    clock: Clock
    settings: Settings
    loaded_until: Callable[[], int]
    """Up to which moment (event clock, µs) everything that was received is loaded."""
    folder: Folder
    publish: Callable[[], None]
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = Context(
            self.warehouse, self.ledger, self.clock, self.settings, self.folder, self.publish
        )  # fmt: skip
        self._owner = secrets.token_hex(8)
        self._tickers: dict[str, Ticker] = {}
        self._failing: dict[str, int] = {}
        self.steps = [Step(name, run) for name, run in STEPS.items()]
        self._ticking = Step("ticker", self._tick)
        self._trying = Step("trying", trying.run)
        self._errands = Step("errands", Errands().run)
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tries: threading.Thread | None = None
        self._goes: threading.Thread | None = None
        self._stopped = 0
        self._heart = Heartbeat(self.settings.heartbeat_url)

    def start(self) -> None:
        """Begin; on the world clock nothing runs by itself, `catch_up` does it all. What a person approves goes on also
        where nothing is watched."""
        if self.settings.clock == "world":
            return
        self._goes = threading.Thread(target=self._go, name="errands", daemon=True)
        self._goes.start()
        if not self.settings.watching:
            return
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)
        self._thread.start()
        self._tries = threading.Thread(target=self._try, name="trying", daemon=True)
        self._tries.start()

    def end(self) -> None:
        """Nothing new is begun."""
        self._stop.set()

    def join(self, end: float) -> None:
        """Wait for the piece in hand, until then (monotonic) at most."""
        if self._thread is not None:
            self._thread.join(max(0.0, end - time.monotonic()))
        if self._goes is not None:  # what hangs outside is begun again at the next start, and knows that
            self._goes.join(min(2.0, max(0.0, end - time.monotonic())))

    def catch_up(self) -> None:
        """Tick everything that is ready, then act on it: for the world clock."""
        at = self.loaded_until() // MINUTE * MINUTE
        with self._turn:
            self._do(self._ticking, at)
            for step in (*self.steps, self._trying, self._errands):
                self._do(step, at)

    def state(self) -> dict[str, Any]:
        """Is it alive? For `homeostat doctor`."""
        alive = self.settings.clock == "world" or (self._thread is not None and self._thread.is_alive())
        return {
            "alive": alive,
            "steps": [
                {"name": step.name, "runs": step.runs, "took_seconds": round(step.took, 3), "error": step.error,
                 "last_seconds_ago": None if step.last is None else round(time.monotonic() - step.last, 1)}
                for step in (self._ticking, *self.steps, self._trying, self._errands)
            ],
            "monitors_refused": {
                f"{project}/{name}": why for project, ticker in tuple(self._tickers.items())  # a project may come now
                for name, why in ticker.problems.items()
            },
            "telling": telling.state(self.context),
            "heartbeat": self._heart.state(),
        }  # fmt: skip

    def _run(self) -> None:
        ticked = -1
        while not self._stop.wait(_PAUSE):
            now = micros(self.clock.now())
            minute = min(self.loaded_until(), now - _SETTLE) // MINUTE
            with self._turn:
                self._loader(now)
                if minute > ticked:
                    ticked = minute
                    self._do(self._ticking, minute * MINUTE)
                    for step in self.steps:
                        self._do(step, now)
                else:  # those who wait for a person's word, or send
                    for step in self.steps:
                        if step.name in ("actor", "telling"):
                            self._do(step, now)
            self._heart.beat(well=not self._stopped and not any(each.error for each in (self._ticking, *self.steps)))

    def _try(self) -> None:
        """Models take their time to answer: nothing else waits for them."""
        while not self._stop.wait(_TRIES):
            self._do(self._trying, micros(self.clock.now()))

    def _go(self) -> None:
        """Pipelines and fine-tuning APIs take their time too."""
        while not self._stop.wait(_PAUSE):
            self._do(self._errands, micros(self.clock.now()))

    def _loader(self, now: int) -> None:
        """While the loader stands still there is nothing to tick: that is told by itself, once."""
        since = self.loaded_until()
        if now - since < _LOADER_STOPPED:
            self._stopped = 0
        elif not self._stopped:
            self._stopped = now
            with self.ledger.begin():
                for project in self.context.projects():
                    self._told(project, silence.ours("loader", project, since, now, ""), now)

    def _tick(self, context: Context, at: int) -> None:
        """Every project; the trouble of one does not hold up the others."""
        troubles = []
        for project in context.projects():
            ticker = self._tickers.setdefault(project, Ticker(context, project, self._owner))
            try:
                ticker.advance(at)
                self._failing.pop(project, None)
            except Fenced as fenced:
                log.warning("%s", fenced)
            except Exception as error:  # it begins again from the ledger; doctor shows it
                ticker.fence = -1
                troubles.append(f"{project}: {error}"[:500])
                log.debug("ticking %s failed", project, exc_info=True)
                self._unwatched(project, at, str(error)[:200] or type(error).__name__)
        if troubles:
            raise RuntimeError("; ".join(troubles))

    def _unwatched(self, project: str, at: int, why: str) -> None:
        """A project that cannot be ticked for a while is not watched: that is told by itself, once."""
        since = self._failing.setdefault(project, at)
        if since and at - since >= _TICKER_STOPPED:
            self._failing[project] = 0
            with self.ledger.begin():
                self._told(project, silence.ours("watching", project, since, at, why), at)

    def _told(self, project: str, found: Finding, at: int) -> None:
        incidents.take(self.ledger, project, [findings.add(self.ledger, found)], at=at)

    def _do(self, step: Step, at: int) -> None:
        begun = time.monotonic()
        try:
            step.run(self.context, at)
            step.error = ""
        except Exception as error:  # one broken step must not stop the others; doctor shows it
            said = str(error)[:500] or type(error).__name__
            level = logging.DEBUG if said == step.error else logging.ERROR
            log.log(level, "%s failed", step.name, exc_info=True)
            step.error = said
        step.runs += 1
        step.last = time.monotonic()
        step.took = step.last - begun
