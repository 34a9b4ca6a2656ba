"""Two segments beside each other: what moves both is nothing, what one has alone is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homeostat.act.monitors import counting, plan, ticking
from homeostat.act.monitors.pairs import PATIENCE, Paired, differences
from homeostat.act.monitors.reading import monitor
from homeostat.act.monitors.watch import Watch
from homeostat.analyze.inference.budget import Budget
from homeostat.store.warehouse.questions.ticks import MINUTE, Rows

PRO = {
    "name": "pro", "measure": "share(status=error)", "direction": "up", "where": {"attribute.plan": "pro"},
    "against": {"segment": {"attribute.plan": "free"}},
}  # fmt: skip


def _rows(rng: np.random.Generator, minutes: range, rates: tuple[float, float], shares: Any, step: int = 1) -> Rows:
    """Both columns of the question: here, and in the other segment. `shares`: of bad answers, by minute."""
    parts = []
    for side, rate in enumerate(rates):
        n = rng.poisson(rate * len(minutes))
        minute = np.sort(rng.integers(minutes.start, minutes.stop, n)) // step * step
        parts.append((minute, np.full(n, side), rng.random(n) < shares(minute)[side]))
    minute, side, bad = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(minute, kind="stable")
    minute, side, bad = minute[order], side[order], bad[order]
    count = np.stack([side == 0, side == 1]).astype(float)
    unit = rng.integers(0, 2**62, len(minute)).astype(np.uint64)
    empty = [""] * len(minute)
    return Rows(minute, unit, minute // 60, empty, empty, count, count * bad)


def _ticked(watch: Watch, rows: Rows, until: int, per_month: float) -> list[Any]:
    [group] = plan.groups([plan.watch(monitor(PRO, "p"), {})])
    values = counting.values(watch, [(group, rows)])
    return ticking.tick(watch, values, Budget(per_month, 43_200), until * MINUTE)


def test_the_question_asks_for_both_segments() -> None:
    [group] = plan.groups([plan.watch(monitor(PRO, "p"), {})])
    assert len(group.watched) == 2 and group.watched[1].of == group.watched[0]
    mine, there = (str(column.where) for column in group.columns)
    assert "pro" in mine and "free" in there and "pro" not in there


def _alarms(rounds: int, seed: int, rates: tuple[float, float]) -> int:
    """Both get five times as bad at noon of every day and better again; ten false alarms are paid for a round."""
    rng, found, minutes = np.random.default_rng(seed), 0, 2 * 1440

    def shares(minute: Any) -> tuple[Any, Any]:
        share = np.where((minute // 360) % 4 == 2, 0.25, 0.05)
        return share, share

    for _ in range(20 * rounds):
        watch = Watch(ticked=MINUTE)
        rows = _rows(rng, range(60, 60 + minutes), rates, shares, 10)
        found += len(_ticked(watch, rows, 60 + minutes, 0.5 * 43_200 / minutes))
    return found


def test_what_moves_both_is_no_difference() -> None:
    assert _alarms(1, 6, (0.3, 3.0)) <= 20


@pytest.mark.nightly
@pytest.mark.parametrize("rates", [(0.3, 3.0), (3.0, 0.3), (2.0, 2.0), (0.05, 1.0)])
def test_what_moves_both_is_no_difference_in_many_streams(rates: tuple[float, float]) -> None:
    assert _alarms(5, 7, rates) <= 50 + 3 * 50**0.5


def test_a_lasting_difference_is_found() -> None:
    delays = []
    for seed in range(5):
        watch, begin = Watch(ticked=MINUTE), 600
        rows = _rows(
            np.random.default_rng(seed), range(60, 1500), (1.0, 9.0),
            lambda minute: (np.where(minute >= 600, 0.25, 0.05), np.full(len(minute), 0.05)),
        )  # fmt: skip
        alarms = _ticked(watch, rows, 1500, 2.0)
        assert alarms and alarms[0].at // MINUTE > begin
        delays.append(alarms[0].at // MINUTE - begin)
    assert np.median(delays) <= 150, delays  # one user of ten, so about 150 of them


def test_pairs_are_groups_of_the_larger_side() -> None:
    here, there = np.array([255, 0]), np.array([0, 255, 255])
    assert differences(here, there).tolist() == [0.5, -1.0] and differences(there, here).tolist() == [-0.5, 1.0]


def test_a_value_waits_for_the_other_side_and_is_used_once() -> None:
    held, one, none = Paired.new().having(["a"]), np.ones(1, np.int64), np.zeros(1, np.int64)
    inject = np.array([0.1])
    held, _ = held.ticked(100, none, 255 * one, none, inject)
    before = held.detector.level[0]
    held, _ = held.ticked(100 + PATIENCE - 1, none, none, one, inject)
    assert held.detector.level[0] > before + 0.1 and not len(held.stream)
    held, _ = held.ticked(120, none, 255 * one, none, inject)
    level = held.detector.level[0]
    held, _ = held.ticked(120 + PATIENCE, none, none, one, inject)
    assert held.detector.level[0] == pytest.approx(level + 0.1) and len(held.stream) == 1


def test_a_restart_keeps_who_waits() -> None:
    none = np.zeros(3, np.int64)
    held, _ = Paired.new().having(["a", "b"]).ticked(100, np.array([0, 1, 1]), none + 7, none, np.full(2, 0.1))
    again = Paired.from_bytes(held.to_bytes())
    assert again.stream.tolist() == [0, 1, 1] and again.bin.tolist() == [7, 7, 7]
    assert (again.detector.wealth == held.detector.wealth).all()
    assert again.having(["b"]).stream.tolist() == [0, 0]
