"""Evidence since a moment: fair at the level, quick when it is left, kept over a restart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.analyze.inference.band import VERIFIED, Level, Return


def reached(test: Level | Return, x: np.ndarray) -> np.ndarray:
    """The first step [streams] at which it was verified; -1: never. `x` is [steps, streams]."""
    first, one = np.full(x.shape[1], -1), np.ones(x.shape[1])
    for step, row in enumerate(x, start=1):
        test = test.seen(one, row, row * row)
        first = np.where((first < 0) & (test.evidence >= VERIFIED), step, first)
    return first


@pytest.mark.parametrize("direction", ["below", "above"])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_not_there_is_seldom_said_to_be_there(direction: str, level: float) -> None:
    rng = np.random.default_rng(0)
    first = reached(Level.new(np.full(400, level), direction), (rng.random((600, 400)) < level).astype(float))  # type: ignore[arg-type]
    assert (first > 0).sum() <= stats.binom.ppf(0.99, 400, 1 / VERIFIED)


def test_back_in_the_band() -> None:
    rng = np.random.default_rng(1)
    inside, above, below = ((rng.random((900, 100)) < p).astype(float) for p in (0.2, 0.3, 0.1))
    new = Return.new(np.full(100, 0.12), np.full(100, 0.28))
    first = reached(new, inside)
    assert (first > 0).mean() > 0.98
    assert np.median(first) < 500
    assert (reached(new, above) > 0).mean() < 0.05
    assert (reached(new, below) > 0).mean() < 0.05


def test_an_end_at_zero_or_one_needs_no_evidence() -> None:
    one = Return.new([0.0], [0.2]).seen([400], [40])
    assert one.evidence[0] == one.below_hi.evidence[0]
    assert one.back[0]


def test_nothing_seen_is_nothing_verified() -> None:
    one = Return.new([0.1], [0.2]).seen([0], [0], [0])
    assert one.evidence.tolist() == [1.0]


def test_a_restart_changes_nothing() -> None:
    level = Level.new([0.9, 0.5], "below", variance=[0.01, 0.2]).seen([10, 10], [7, 4], [5, 2])
    assert Level.from_json(level.to_json()).evidence.tobytes() == level.evidence.tobytes()


def test_steady_scores_are_verified_sooner() -> None:
    x = np.clip(np.random.default_rng(2).normal(0.82, 0.05, (200, 1)), 0, 1)
    quick = reached(Level.new([0.75], "above", variance=[0.003]), x)
    slow = reached(Level.new([0.75], "above"), (np.random.default_rng(2).random((2000, 1)) < 0.82).astype(float))
    assert 0 < 2 * quick[0] < slow[0]
