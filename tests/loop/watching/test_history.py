"""Monitors with seasons and of segments, from rows to findings: history is learnt, and a restart changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from homeostat.act.monitors.reading import monitor
from homeostat.loop.watching import history
from homeostat.loop.watching.ticker import Ticker
from homeostat.records import words
from homeostat.store.ledger import findings, monitors
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.ticks import MINUTE
from tests.loop.watching.test_ticker import START, World, make

DAY = 1440


def _put(world: World, **told: Any) -> None:
    made = monitor({"name": "mine", "measure": "share(status=error)", "direction": "up", **told}, world.project)
    with world.context.ledger.begin():
        monitors.put(world.context.ledger, made, at=datetime.now(UTC), author="o")


def _mine(world: World) -> list[Any]:
    return [one for one in findings.newest(world.context.ledger, world.project) if one.monitor == "mine"]


@pytest.fixture
def world(warehouse: Warehouse, project: str, tmp_path: Path) -> World:
    return make(warehouse, project, tmp_path / "ledger.db")


def test_what_is_usual_at_an_hour_is_known_from_history(world: World) -> None:
    for day in (1, 2, 3):
        world.live(range(-DAY * day, 60 - DAY * day), errors=0.3, seed=day, score=None)
        world.live(range(60 - DAY * day, 120 - DAY * day), errors=0.02, seed=10 + day, score=None)
    world.live(range(60), errors=0.3, seed=20, score=None)
    world.live(range(60, 120), errors=0.3, seed=21, score=None)
    _put(world, against={"reference": "3d"})
    ticker = world.ticker()
    for minute in range(2, 61, 2):
        world.tick(ticker, minute)
        if minute % 20 == 0:
            ticker = Ticker(world.context, world.project, ticker.owner)  # as after a kill
    assert _mine(world) == []
    for minute in range(65, 121, 5):
        world.tick(ticker, minute)
    assert ticker.history and all(place >= end for place, end in ticker.history.values())
    [found] = _mine(world)
    assert 60 < (found.at - START) // MINUTE <= 75
    assert abs((found.onset - START) // MINUTE - 60) <= 5, "the rise to the hour before is no onset"


def test_a_segment_beside_another_one(world: World) -> None:
    for begin, bad in ((0, 0.3), (60, 0.3)):  # both are bad, later only one is
        for number, release in enumerate(("A", "B")):
            errors = bad if release == "B" or begin == 0 else 0.02
            world.live(range(begin, begin + 60), errors=errors, seed=begin + number, score=None, release=release)
    _put(world, where={"release": "B"}, against={"segment": {"release": "A"}})
    ticker = world.ticker()
    for minute in range(5, 121, 5):
        world.tick(ticker, minute)
    [found] = _mine(world)
    assert found.against == "segment" and 60 < (found.at - START) // MINUTE <= 90
    assert found.value == pytest.approx(0.3, abs=0.08) and found.reference is not None
    assert found.reference < 0.2 and found.segment == {"release": "B"}
    said = words.finding(found)
    assert "is higher in B since" in said and " in A, " in said


def test_history_that_cannot_be_read_stops_no_watch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(history, "_read", fails)
    world.live(range(30), score=None)
    _put(world, against={"reference": "2d", "season": "day"})
    ticker = world.ticker()
    for minute in range(5, 31, 5):
        assert world.tick(ticker, minute)
    assert ticker.watch.seasonal.counts.sum() > 200
    assert all(place >= end for place, end in ticker.history.values())
