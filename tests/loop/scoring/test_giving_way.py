"""Scorers wait while the loader is behind, but not for ever."""

from __future__ import annotations

import time
from pathlib import Path

from homeostat.loop.scoring.giving_way import BEHIND, LONGEST, GivingWay
from homeostat.store.spool.segment import sealed_name


def sealed(folder: Path, age: float) -> Path:
    path = folder / sealed_name(int((time.time() - age) * 1e6) << 12, 7)
    path.write_bytes(b"")
    return path


def test_what_waits_for_the_loader_holds_scorers_up(tmp_path: Path) -> None:
    now = [100.0]
    way = GivingWay(tmp_path, clock=lambda: now[0])
    assert not way.wait("texts")
    sealed(tmp_path, -3600)  # just now, however slowly this goes
    assert not way.wait("texts")
    old = sealed(tmp_path, BEHIND + 1)
    assert way.wait("texts")
    old.unlink()
    assert not way.wait("texts")


def test_under_a_load_without_end_each_worker_gets_a_round_now_and_then(tmp_path: Path) -> None:
    now = [100.0]
    way = GivingWay(tmp_path, clock=lambda: now[0])
    sealed(tmp_path, 2 * BEHIND)
    assert way.wait("texts")
    now[0] += LONGEST
    assert way.wait("judges")
    assert not way.wait("texts")
    assert way.wait("texts")
