"""The machine behind the alarms: its budget holds exactly, its state survives a restart."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from homeostat.analyze.inference.betting import bets, growth
from homeostat.analyze.inference.detector import (
    State,
    advance,
    close,
    for_budget,
    for_horizon,
    for_run_length,
)


def test_the_budget_holds_exactly() -> None:
    """All 2^11 paths of a null at the edge of its band, each with its probability: no simulation, no chance."""
    p, steps, inject = 0.3, 11, 0.05
    paths = np.array(list(product((0.0, 1.0), repeat=steps)))
    chances = np.prod(np.where(paths == 1, p, 1 - p), axis=1)
    bet = bets(np.full(len(paths), p), np.full(len(paths), p))
    state, one = State.new(len(paths), 16), np.ones(len(paths))
    for step in range(steps):
        state, _ = advance(state, growth(bet, one, paths[:, step]), inject, weights=bet.weights)
        spent = inject * (step + 1)
        assert chances @ (state.level + state.alarms) <= spent * (1 + 1e-12)
        if (
            not state.alarms.any()
        ):  # bets at the edge are fair, so the bound is reached until an alarm throws wealth away
            assert chances @ state.level == pytest.approx(spent)
        assert np.allclose(state.injected, spent)


def test_alarm_reset_and_shadow() -> None:
    state = State.new(2, 2)
    grows = np.log(np.array([[4.0, 4.0], [1.0, 1.0]]))
    levels, alarms, peaks = [], [], []
    for _ in range(4):
        state, tick = advance(state, grows, [0.2, 0.1])
        levels.append(tick.level[0])
        alarms.append(bool(tick.alarm[0]))
        peaks.append(float(state.peak[0]) if len(state.peak) else 0.0)
    assert alarms == [False, True, False, True]
    assert levels == pytest.approx([0.8, 4.0, 0.8, 4.0])
    # The shadow was never reset: (4.0 + 0.2) * 4, and so on.
    assert peaks == pytest.approx([0.0, 4.0, 16.8, 68.0])
    assert state.open.tolist() == [0]
    assert state.alarms.tolist() == [2, 0]
    assert state.level[1] == pytest.approx(0.4)


def test_the_peak_stays_when_evidence_falls() -> None:
    state, _ = advance(State.new(1, 1), np.log([[20.0]]), 0.1)
    state, _ = advance(state, np.log([[0.01]]), 0.1)
    assert state.peak[0] == pytest.approx(2.0)
    assert state.shadow.sum() < 0.1


def test_a_closed_incident_ends_its_shadow() -> None:
    state, _ = advance(State.new(3, 1), np.log([[20.0], [1.0], [30.0]]), 0.1)
    assert state.open.tolist() == [0, 2]
    state = close(state, [0])
    assert state.open.tolist() == [2]
    assert state.peak == pytest.approx([3.0])
    state, tick = advance(state, np.log([[20.0], [1.0], [1.0]]), 0.1)
    assert tick.alarm.tolist() == [True, False, False]
    assert state.open.tolist() == [0, 2]
    assert state.peak == pytest.approx([2.0, 3.1])


def test_a_restart_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    bet = bets(np.full(20, 0.2), np.full(20, 0.2))
    kept, restarted = State.new(20, 16), State.new(20, 16)
    for _ in range(200):
        move = growth(bet, np.full(20, 9.0), rng.binomial(9, 0.3, 20))
        kept, one = advance(kept, move, 1e-3, weights=bet.weights)
        restarted, other = advance(State.from_json(restarted.to_json()), move, 1e-3, weights=bet.weights)
        assert one.level.tobytes() == other.level.tobytes()
    assert kept.alarms.sum() > 0
    assert kept.to_json() == restarted.to_json()


def test_the_state_is_small() -> None:
    state = State.new(1000, 16)
    assert sum(getattr(state, name).nbytes for name in state.__slots__) <= 256 * 1000
    assert len(state.to_json()) <= 256 * 1000


def test_streams_come_and_go() -> None:
    state, _ = advance(State.new(3, 1), np.log([[2.0], [20.0], [3.0]]), 0.1)
    moved = state.rows([2, -1, 1])
    assert moved.level == pytest.approx([0.3, 0.0, 0.0])
    assert moved.alarms.tolist() == [0, 0, 1]
    assert moved.open.tolist() == [2]
    assert moved.peak == pytest.approx([2.0])
    assert moved.injected == pytest.approx([0.1, 0.0, 0.1])
    assert state.rows([0]).open.tolist() == []
    for wrong in ([0, 0], [3], [-2]):
        with pytest.raises(ValueError, match="kept"):
            state.rows(wrong)


def test_huge_evidence_stays_a_number() -> None:
    state = State.new(1, 1)
    for _ in range(3):
        state, tick = advance(state, np.array([[1e6]]), 1.0)
        assert np.isfinite(tick.level).all()
        assert np.isfinite(state.peak).all()


@pytest.mark.parametrize("wrong", [np.full((1, 1), np.nan), np.zeros((2, 1)), np.zeros((1, 2))])
def test_what_cannot_be_a_tick(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="log_growth"):
        advance(State.new(1, 1), wrong, 0.1)


def test_what_to_inject() -> None:
    assert for_run_length(1000) == 1e-3
    assert for_horizon(0.05, 10_000) == 5e-6
    assert for_budget([1.0, 0.5], 100).tolist() == [0.01, 0.005]
    for wrong in (
        lambda: for_run_length(0),
        lambda: for_horizon(2, 10),
        lambda: for_budget([-1], 10),
        lambda: for_budget([1], 0),
    ):
        with pytest.raises(ValueError):
            wrong()
