"""Scorers at work. See design/0008-scoring.md.

Each track (the engine's, the models' by what they judge, each judge's) has its own place in the feed of what settled,
so that a slow judge holds up nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.analyze.scorers import own
from homeostat.config import Settings
from homeostat.loop.clock import Clock
from homeostat.loop.scoring import anchors, history, overview, tracks
from homeostat.loop.scoring.allowance import Allowance
from homeostat.loop.scoring.asking import Asker
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.fetching import way_out
from homeostat.loop.scoring.giving_way import GivingWay
from homeostat.loop.scoring.heard import Heard
from homeostat.loop.scoring.judging import Judging
from homeostat.loop.scoring.kinds import BadScorer, Runnable, current, runnable
from homeostat.records.instant import micros
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, projects
from homeostat.store.warehouse.client import Warehouse

log: Final = logging.getLogger("homeostat.scoring")
_PAUSE: Final = 1.0
_REST: Final = 30.0
_LOOK_AGAIN: Final = 300.0


WORKERS: Final = ("texts", "judges", "history")


@dataclass
class Worker:
    """One thread of it, and what it last did."""

    name: str
    last: float | None = None
    error: str = ""
    scored: int = 0


@dataclass
class Scoring:
    """Runs every project's scorers on what settled."""

    warehouse: Warehouse
    ledger: Ledger
    clock: Clock
    settings: Settings
    loaded_until: Callable[[], int]
    """Up to which moment (event clock, µs) everything that was received is loaded."""
    secret: bytes = b""
    workers: dict[str, Worker] = field(default_factory=lambda: {name: Worker(name) for name in WORKERS})

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        # What is live comes first: history gets a third of what scorers in Python may use.
        self._allowance = Allowance(self.settings.scoring_cpu * 2 / 3)
        self._past_allowance = Allowance(self.settings.scoring_cpu / 3)
        folder = Folder(self.settings.data.resolve())
        self._judging = Judging(self.settings, Asker(self.settings, self.secret), Heard(folder.heard))
        self._own = own.told(self.settings.scorers_file)
        self._shelves = Shelves(self.settings.documents, way_out(self.settings.documents_allow))
        self._way = GivingWay(folder.spool)
        self._silent: tuple[float, dict[str, list[str]]] = (0.0, {})

    def start(self) -> None:
        """Begin; on the world clock nothing runs by itself, `catch_up` does it all."""
        if self.settings.clock == "world":
            return
        for name, step in zip(WORKERS, (self._texts, self._judges, self._past), strict=True):
            thread = threading.Thread(target=self._run, args=(name, step), name=f"scoring-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        """Nothing new is begun."""
        self._stop.set()

    def join(self, end: float) -> None:
        """Wait for the pieces in hand, until then (monotonic) at most."""
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def catch_up(self) -> None:
        """Judge everything that is ready, to the end and without a limit of time: for the world clock."""
        until = self.loaded_until()
        with ThreadPoolExecutor(1, thread_name_prefix="scoring-judges") as beside:
            for project in self._projects():
                chosen = self._chosen(project)
                # Judges wait for their answers mostly, meanwhile the others compute.
                judges = beside.submit(self._judged, project, chosen, until)
                while tracks.engine(self._tools(), project, chosen, until):
                    pass
                while tracks.models(self._tools(), project, chosen, until, None):
                    pass
                judges.result()
                while self._history(project, chosen, None):
                    pass
                self._anchors(project, chosen)

    def _judged(self, project: str, chosen: dict[str, list[Runnable]], until: int) -> None:
        while self._judging.round(self._tools(), project, chosen, until) and not self._stop.is_set():
            pass

    def state(self) -> dict[str, Any]:
        """Is it alive? For `homeostat doctor`."""
        alive = {thread.name.removeprefix("scoring-"): thread.is_alive() for thread in self._threads}
        return (
            {"silent": self._silent[1], "own": self._own, "documents": self._shelves.state()}
            | {
                name: {
                    "alive": alive.get(name, self.settings.clock == "world"),
                    "error": worker.error,
                    "scored": worker.scored,
                    "last_seconds_ago": None if worker.last is None else round(time.monotonic() - worker.last, 1),
                }
                for name, worker in self.workers.items()
            }
            | {"judge": self._judging.state()}
        )

    def _texts(self) -> int:
        until, done = self.loaded_until(), 0
        for project in self._projects():
            chosen = self._chosen(project)
            done += tracks.engine(self._tools(), project, chosen, until, together=tracks.TOGETHER)
            done += tracks.models(self._tools(), project, chosen, until, self._allowance, together=tracks.TOGETHER)
        return done

    def _judges(self) -> int:
        until = self.loaded_until()
        return sum(
            self._judging.round(self._tools(), project, self._chosen(project), until) for project in self._projects()
        )

    def _past(self) -> int:
        """Pieces of history, and now and then a look at who is silent."""
        if time.monotonic() - self._silent[0] > _LOOK_AGAIN:
            found = {project: overview.silent(self._tools(), project) for project in self._projects()}
            self._silent = time.monotonic(), {project: names for project, names in found.items() if names}
        done = 0
        for project in self._projects():
            chosen = self._chosen(project)
            done += self._history(project, chosen, self._past_allowance)
            self._anchors(project, chosen)
        return done

    def _anchors(self, project: str, chosen: dict[str, list[Runnable]]) -> None:
        for each in chosen["judge"]:
            anchors.look(self._tools(), project, each, self._judging)

    def drifts(self, project: str) -> list[anchors.Drift]:
        """Judges that were sure to have changed at the last look at their anchors."""
        found = (anchors.drift(self.ledger, project, each.configured.scorer) for each in self._chosen(project)["judge"])
        return [drift for drift in found if drift is not None and drift.since is not None]

    def _history(self, project: str, chosen: dict[str, list[Runnable]], allowance: Allowance | None) -> int:
        known = {each.configured.scorer: each for group in chosen.values() for each in group}
        return history.one(self._tools(), project, known, self._judging, allowance)

    def _run(self, name: str, step: Callable[[], int]) -> None:
        worker, pause = self.workers[name], _PAUSE
        while not self._stop.wait(pause):
            try:
                if self._way.wait(name):
                    pause = _PAUSE
                    continue
                done = step()
                worker.error, pause = "", 0.05 if done else _PAUSE
                worker.scored += done
            except Exception as error:  # a sick store or scorer must not end the thread; doctor shows it
                said = str(error)[:500]
                log.log(logging.DEBUG if said == worker.error else logging.ERROR, "scoring failed", exc_info=True)
                worker.error, pause = said, min(_REST, max(1.0, pause * 2))
            worker.last = time.monotonic()

    def _tools(self) -> tracks.Tools:
        return tracks.Tools(self.warehouse, self.ledger, micros(self.clock.now()), self._shelves)

    def _projects(self) -> list[str]:
        return [project.name for project in projects.listed(self.ledger)]

    def _chosen(self, project: str) -> dict[str, list[Runnable]]:
        """The scorers of a project that are on, by rung."""
        chosen: dict[str, list[Runnable]] = defaultdict(list)
        for configured in current(self.ledger, project, at=self.clock.now()):
            if configured.state != "on":
                continue
            try:
                each = runnable(configured)
            except BadScorer as error:  # of a package that is not installed any more, say
                log.debug("%s cannot run: %s", configured.scorer, error)
                continue
            chosen[each.rung].append(each)
        return chosen
