"""What counts as a change of the application."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from homeostat.loop.watching import changed
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON
from tests.loop.watching.stage import Stage, us


def test_policies_that_move_most_users_are_changes(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    times = [NOON + timedelta(hours=hour) for hour in (1, 2, 3, 4)]
    for at, shares in zip(times, ({"A": 0.9, "B": 0.1}, {"B": 1.0}, {"A": 0.4, "B": 0.6}, {"A": 1.0}), strict=True):
        stage.put(shares, at)
    ledger = stage.context.ledger
    assert changed.moments(ledger, project, 0, us(NOON + timedelta(days=1))) == [us(times[1]), us(times[3])]
    assert changed.moments(ledger, project, us(times[1]) + 1, us(times[3])) == []
