"""The core process: owns engine and ledger. The one place that wires its rooms together."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeostat.config import Settings
from homeostat.doors import keys
from homeostat.loop.clock import WorldClock, event_clock
from homeostat.loop.pace import Pace
from homeostat.loop.scoring import Scoring
from homeostat.loop.scoring.giving_way import GivingWay
from homeostat.loop.watching import Watching
from homeostat.observe.loader import Loader
from homeostat.records.instant import micros
from homeostat.records.limits import MONEY, WINDOWS
from homeostat.records.snapshot import PublishedKey
from homeostat.records.visitor import SCOPES
from homeostat.registry import implicit, steering
from homeostat.store import control, overrides
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, audit, projects, published, segments
from homeostat.store.ledger import keys as ledger_keys
from homeostat.store.spool import segment as spool
from homeostat.store.warehouse import retention, rollups
from homeostat.store.warehouse.client import Warehouse, WritesLost
from homeostat.store.warehouse.questions.paid import paid
from homeostat.store.warehouse.schema import forget_staging, migrate

log: Final = logging.getLogger("homeostat.core")
#: The code that the core ends with when what it holds in memory is not what is on disk.
DAMAGED: Final = 5
#: All threads together have so long to end, well within what the supervisor waits for the process.
CLOSE_SECONDS: Final = 20.0
#: No exchange settles earlier than this after it was received.
SETTLE_MICROS: Final = 10_000_000


@dataclass
class Job:
    """Something done again and again; what it last did is part of "is everything alive?"."""

    name: str
    every: float
    run: Callable[[], object]
    due: float = 0.0
    last: float | None = None
    took: float = 0.0
    error: str = ""
    runs: int = 0


@dataclass
class Core:
    """Loader, jobs and what questions need, over one data directory."""

    settings: Settings
    folder: Folder = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Folder(self.settings.data.resolve())
        self.folder.check_format()
        self._lock = self.folder.hold("core")
        self.clock = event_clock(self.settings.clock, self.folder.clock)
        self.ledger = Ledger(self.settings.ledger_dsn, seal=control.pepper(self.folder.control))
        self.ledger.upgrade()
        projects.ensure(self.ledger, "default", at=datetime.now(UTC))
        self._paid: dict[str, tuple[int, float]] = {}
        self.publish()
        self.warehouse = Warehouse(
            self.settings.warehouse_dsn,
            readers=self.settings.readers,
            question_seconds=self.settings.question_seconds,
        )
        migrate(self.warehouse, cluster=self.settings.cluster or None)
        forget_staging(self.warehouse.jobs)
        self.loader = Loader(self.warehouse, self.ledger, self.folder.spool, self.settings)
        self._unannounced = Job("implicit releases", 15.0, self._implicit)
        self.jobs = [
            Job("hours never rolled up", 86_400.0, self._missing),
            Job("rollups", 2.0, self._rollups),
            Job("retention", 3600.0, self._retention),
            self._unannounced,
            Job("publish", 30.0, self.publish),
            Job("money", 5.0, self._money),
            Job("keys used", 30.0, self._used),
            Job("forget", 3600.0, self._forget),
            Job("audit", 600.0, self._audit),
        ]
        self._way = GivingWay(self.folder.spool)
        self._patient = self.warehouse.patient()
        self.scoring = Scoring(
            self._patient, self.ledger, self.clock, self.settings, self.loaded_until,
            control.secret(self.folder.control, "judging", lambda: os.urandom(32)),
        )  # fmt: skip
        self.watching = Watching(
            self._patient, self.ledger, self.clock, self.settings, self.loaded_until, self.folder, self.publish
        )  # fmt: skip
        self._snapshot = control.Reader(self.folder.control)
        self.started = time.monotonic()
        self.loaded_segments = 0
        self.loader_error = ""
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin loading and the jobs."""
        # Who asks waits for the interpreter beside scorers and detectors: it gets it soon.
        sys.setswitchinterval(0.0005)
        for name, run in (("loader", self._load), ("jobs", self._run_jobs), ("witness", self._witness)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        if self.settings.scoring:
            self.scoring.start()
        self.watching.start()

    def close(self) -> None:
        """End after the piece of work in hand; what takes longer is begun again at the next start."""
        end = time.monotonic() + CLOSE_SECONDS
        self._stop.set()
        self.watching.end()
        self.scoring.end()
        self.watching.join(end)
        self.scoring.join(end)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self.loader.close()
        self.warehouse.close()
        self._lock.close()

    def publish(self) -> None:
        """Tell the edge who may come in, and what steers. It keeps obeying the last snapshot when we are away.

        Rollbacks made meanwhile come first: they are in what is published, and only then go as overrides.
        """
        folder = self.folder.control
        made = keys.operator(control.pepper(folder), self.folder.operator.read_text())
        operator = PublishedKey(made.id, made.hash, "default", SCOPES, operator=True)
        with overrides.locked(folder):
            taken = steering.take_over(self.ledger, folder)
            control.publish(
                folder, published.snapshot(self.ledger, at=datetime.now(UTC), besides=[operator], paid=self._paid)
            )
            for override in taken:
                overrides.drop(folder, override)

    def advance(self, to_ns: int, *, wait: bool = True) -> None:
        """Move the world clock and return when everything accepted up to then is loaded, scored and watched."""
        if not isinstance(self.clock, WorldClock):
            raise ValueError("The event clock is live: start with --clock world to move it.")
        self.clock.set(to_ns)
        if not wait:
            return
        last = spool.last_number(self.folder.spool)
        while len(spool.not_loaded(self.folder.spool, last)) > self.loader.doubtful and not self._stop.is_set():
            time.sleep(0.01)
        with ThreadPoolExecutor(1, thread_name_prefix="unannounced") as beside:
            beside.submit(self._run, self._unannounced)
            if self.settings.scoring and not self._stop.is_set():
                self.scoring.catch_up()
        if self.settings.watching and not self._stop.is_set():
            self.watching.catch_up()

    def loaded_until(self) -> int:
        """Up to which moment (event clock, µs) everything that became ready is in the stores.

        What waits in the spool was received after the oldest segment there was begun, and settles 10 s later at least.
        """
        now = micros(self.clock.now())
        oldest = spool.oldest(self.folder.spool)
        if self.settings.clock == "world" or not oldest:
            return now
        return min(now, oldest + SETTLE_MICROS - 1)

    def state(self) -> dict[str, Any]:
        """Is everything alive, and how far behind is the loader? What `homeostat doctor` shows."""
        self._snapshot()
        waiting = spool.waiting(self.folder.spool)
        threads = {thread.name: thread.is_alive() for thread in self._threads}
        return {
            "clock": {"kind": self.settings.clock, "now": self.clock.now().isoformat()},
            "uptime_seconds": round(time.monotonic() - self.started, 1),
            "loader": {
                "alive": threads.get("loader", False),
                "segments_waiting": waiting.segments,
                "items_waiting": waiting.items,
                "bytes_waiting": waiting.bytes,
                "behind_seconds": round(max(0.0, time.time() - waiting.oldest / 1e6), 2) if waiting.oldest else 0.0,
                "segments_loaded": self.loaded_segments,
                "doubtful": self.loader.doubtful,
                "error": self.loader_error,
            },
            "scoring": self.scoring.state() if self.settings.scoring else {"off": True},
            "watching": self.watching.state() if self.settings.watching else {"off": True},
            "jobs": [
                {"name": job.name, "runs": job.runs, "took_seconds": round(job.took, 3), "error": job.error,
                 "last_seconds_ago": None if job.last is None else round(time.monotonic() - job.last, 1)}
                for job in self.jobs
            ],
            "quarantine": _quarantine(self.folder),
            "ledger_damage": self.ledger.damage,
            "keys_problem": self._snapshot.problem,
            "retention_days": self.settings.retention_days,
            "spool_sync": self.settings.spool_sync,
        }  # fmt: skip

    def _load(self) -> None:
        delay = 0.05
        pace = Pace()
        while not self._stop.is_set():
            try:
                loaded = self.loader.load_next()
            except Exception as error:  # a sick store must not end the thread: it is tried again, later each time
                said = str(error)[:500]
                # Once per trouble: a full disk would fill what is left of it with what we say about it.
                log.log(logging.DEBUG if said == self.loader_error else logging.ERROR, "loading failed, trying again",
                        exc_info=True)  # fmt: skip
                self.loader_error = said
                delay = min(delay * 2, 5.0)
                self._stop.wait(delay)
                continue
            if self.loader_error:
                log.info("loading works again")
            self.loader_error = ""
            if loaded is None:
                delay = 0.05
                self._stop.wait(0.03)
                continue
            self.loaded_segments += 1
            # On the world clock somebody waits for every load, and nothing more arrives meanwhile.
            if self.settings.clock == "live":
                self._stop.wait(pace.pause(loaded.items, loaded.seconds, now=time.monotonic()))

    def _witness(self) -> None:
        """End this process when the warehouse lost a write: the next one opens what really is on disk."""
        while not self._stop.wait(1.0):
            try:
                self.warehouse.prove()
            except WritesLost as lost:
                log.error("%s", lost)
                os._exit(DAMAGED)
            except Exception:
                log.debug("whether writes were lost cannot be asked now", exc_info=True)

    def _run_jobs(self) -> None:
        while not self._stop.wait(0.25):
            for job in self.jobs:
                # The world clock brings this one along: what is seen must not depend on how fast the machine is.
                brought = job is self._unannounced and self.settings.clock == "world"
                if time.monotonic() >= job.due and not brought and not self._stop.is_set():
                    self._run(job)

    def _run(self, job: Job) -> None:
        begun = time.monotonic()
        try:
            job.run()
            job.error = ""
        except Exception as error:  # one broken job must not stop the others; doctor shows it
            said = str(error)[:500]
            log.log(logging.DEBUG if said == job.error else logging.ERROR, "job %s failed", job.name, exc_info=True)
            job.error = said
        job.runs += 1
        job.last = time.monotonic()
        job.took = job.last - begun
        job.due = job.last + job.every

    def _missing(self) -> None:
        rollups.mark_missing(self.warehouse, self.ledger)

    def _rollups(self) -> None:
        if self.settings.clock == "live" and self._way.wait("rollups"):
            return  # hours that change with every load would be looked through again and again
        rollups.run(self._patient, self.ledger, self.clock.now())

    def _implicit(self) -> None:
        """Up to where everything is loaded, so that what comes late to the stores is not passed over."""
        until = self.clock.now()
        oldest = spool.oldest(self.folder.spool)
        if self.settings.clock == "live":
            behind = time.time() - oldest / 1e6 if oldest else 0.0
            until -= timedelta(seconds=max(60.0, behind + 30.0))
        elif oldest:
            return
        implicit.run(self._patient, self.ledger, until)

    def _retention(self) -> None:
        days, size = self.settings.retention_days, self.settings.retention_bytes
        retention.run(self.warehouse, self.ledger, self.clock.now(), days=days, bytes=size)

    def _money(self) -> None:
        """What keys with a limit in money have used of their day; edges hear of it when it has grown."""
        snapshot = self._snapshot()
        keys = [key.id for key in snapshot.keys.values() if MONEY in key.limits] if snapshot is not None else []
        now, window = micros(self.clock.now()), WINDOWS[MONEY] * 1_000_000
        day = now // window
        found = paid(self._patient, keys, day * window, now) if keys else {}
        told = {key: (day, usd) for key, usd in found.items()}
        if told != self._paid:
            self._paid = told
            self.publish()

    def _used(self) -> None:
        ledger_keys.used(self.ledger, control.used(self.folder.control))

    def _audit(self) -> None:
        wrong = audit.verify(self.ledger)
        if wrong:
            raise RuntimeError(wrong)

    def _forget(self) -> None:
        week = int((time.time() - 7 * 86400) * 1e6) << 12
        # What is loaded is known by the ledger alone while its file is there: it would be loaded, and counted, again.
        segments.forget(self.ledger, min([week, *spool.not_loaded(self.folder.spool, week)]))


def _quarantine(folder: Folder) -> dict[str, int]:
    """What was set aside because it could not be read: of the spool and of the ledger."""
    sizes = []
    for place in (folder.spool / spool.QUARANTINE, folder.root / "quarantine"):
        with contextlib.suppress(FileNotFoundError):
            sizes += [path.stat().st_size for path in place.iterdir()]
    return {"files": len(sizes), "bytes": sum(sizes)}
