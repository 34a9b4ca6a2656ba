"""What the core promises about time, tried on its own methods over a folder of segments."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.loop import core as core_module
from homeostat.loop import supervisor
from homeostat.loop.clock import WorldClock
from homeostat.loop.core import Core, Job
from homeostat.loop.scoring import Scoring
from homeostat.loop.watching import Watching
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, segments
from homeostat.store.spool.segment import open_name, sealed_name

from .serving import until

OLD = int((time.time() - 8 * 86400) * 1e6) << 12


def core(folder: Path, **more: Any) -> Any:
    """A core without an engine."""
    (folder / "spool").mkdir()
    told = {"folder": Folder(folder), "loader": SimpleNamespace(doubtful=0), "_stop": threading.Event(), **more}
    told.setdefault("settings", SimpleNamespace(scoring=False, watching=False))
    told.setdefault("_unannounced", Job("implicit releases", 15.0, lambda: None))
    one = SimpleNamespace(**told)
    one._run = lambda job: Core._run(one, job)  # type: ignore[arg-type]
    return one


def test_the_world_moves_on_when_also_the_segment_being_written_is_loaded(tmp_path: Path) -> None:
    one = core(tmp_path, clock=WorldClock(tmp_path / "clock"))
    being_written, sealed = tmp_path / "spool" / open_name(OLD), tmp_path / "spool" / sealed_name(OLD, 3)
    being_written.write_bytes(b"what was accepted")
    moving = threading.Thread(target=Core.advance, args=(one, 10**18))
    moving.start()
    try:
        until(lambda: one.clock.now_ns() == 10**18)
        being_written.rename(sealed)
        moving.join(0.1)
        assert moving.is_alive()
        sealed.unlink()
        moving.join(120)
        assert not moving.is_alive()
    finally:
        one._stop.set()
        moving.join()


def test_a_world_that_is_still_being_told_does_not_wait(tmp_path: Path) -> None:
    one = core(tmp_path, clock=WorldClock(tmp_path / "clock"))
    (tmp_path / "spool" / sealed_name(OLD, 3)).touch()
    Core.advance(one, 10**18, wait=False)
    assert one.clock.now_ns() == 10**18


def test_a_world_with_a_segment_that_waits_for_another_one_moves(tmp_path: Path) -> None:
    one = core(tmp_path, clock=WorldClock(tmp_path / "clock"), loader=SimpleNamespace(doubtful=1))
    (tmp_path / "spool" / sealed_name(OLD, 3)).touch()
    Core.advance(one, 10**18)
    assert one.clock.now_ns() == 10**18


def test_what_changed_without_a_word_is_looked_for_before_the_world_goes_on_and_at_no_other_time(
    tmp_path: Path,
) -> None:
    """By the machine's clock a fast machine would see less of the same story than a slow one."""
    moments: list[int] = []
    clock = WorldClock(tmp_path / "clock")
    job = Job("implicit releases", 0.0, lambda: moments.append(clock.now_ns()))
    settings = SimpleNamespace(scoring=False, watching=False, clock="world")
    one = core(tmp_path, clock=clock, _unannounced=job, jobs=[job], settings=settings)
    jobs = threading.Thread(target=Core._run_jobs, args=(one,))
    jobs.start()
    try:
        for minute in (1, 2, 3):
            Core.advance(one, 10**18 + minute * 60 * 10**9)
            assert moments == [10**18 + done * 60 * 10**9 for done in range(1, minute + 1)]
        time.sleep(0.6)  # two turns of the jobs
        assert len(moments) == 3
    finally:
        one._stop.set()
        jobs.join()


def test_its_trouble_stops_neither_the_world_nor_hides(tmp_path: Path) -> None:
    def sick() -> None:
        raise RuntimeError("the store is away")

    job = Job("implicit releases", 15.0, sick)
    one = core(tmp_path, clock=WorldClock(tmp_path / "clock"), _unannounced=job)
    Core.advance(one, 10**18)
    assert (job.runs, job.error) == (1, "the store is away")


def test_threads_that_do_not_end_hold_up_the_end_no_longer_than_the_supervisor_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: else the process is killed, and the end is told as unclean."""
    assert core_module.CLOSE_SECONDS + 10 < supervisor.DRAIN_SECONDS + 5
    monkeypatch.setattr(core_module, "CLOSE_SECONDS", 0.2)
    waits: list[float] = []

    class Hangs(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            waits.append(-1.0 if timeout is None else timeout)
            super().join(timeout)

    free = threading.Event()
    threads = [Hangs(target=free.wait, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    nothing: Any = None
    settings = Settings(data=tmp_path)
    scoring = Scoring(nothing, nothing, nothing, settings, lambda: 0)
    watching = Watching(nothing, nothing, nothing, settings, lambda: 0, Folder(tmp_path), lambda: None)
    scoring._threads, watching._thread, watching._goes = list(threads[:3]), threads[3], threads[4]
    closed = SimpleNamespace(close=lambda: None)
    one = core(
        tmp_path,
        watching=watching,
        scoring=scoring,
        _threads=threads[5:],
        loader=closed,
        warehouse=closed,
        _lock=closed,
    )
    Core.close(one)
    assert one._stop.is_set() and scoring._stop.is_set() and watching._stop.is_set()
    assert len(waits) == 8 and all(0 <= wait <= 0.2 for wait in waits) and waits[-1] == 0.0, waits
    free.set()


def test_a_loaded_segment_is_known_while_its_file_is_there(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    one = core(tmp_path, ledger=ledger)
    file = tmp_path / "spool" / sealed_name(OLD, 3)
    file.touch()
    segments.intend(ledger, OLD)
    segments.finish(ledger, OLD, [], [])
    Core._forget(one)
    assert segments.state(ledger, OLD) == "loaded"
    file.unlink()
    Core._forget(one)
    assert segments.state(ledger, OLD) is None
