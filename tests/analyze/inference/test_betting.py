"""Bets from sums: never more than the true product, exact for 0 and 1, fair at the edge of the band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from homeostat.analyze.inference.betting import Bets, bets, growth, product
from homeostat.analyze.inference.detector import State, advance

unit = st.floats(0, 1)


def one(bet: Bets, values: list[float], *, squares: bool) -> np.ndarray:
    x = np.array(values)
    return growth(bet, [len(x)], [x.sum()], [(x * x).sum()] if squares else None)[0]


def true_product(bet: Bets, values: list[float]) -> np.ndarray:
    x = np.array(values)[:, None]
    up, down = np.log1p(bet.up * (x - bet.hi)), np.log1p(-bet.down * (x - bet.lo))
    return np.concatenate([up, down], axis=1).sum(axis=0)


@given(st.lists(unit, min_size=1, max_size=30), st.floats(0.01, 0.6), st.floats(0, 0.3), st.floats(1e-3, 0.25))
def test_sums_promise_no_more_than_the_values(values: list[float], lo: float, width: float, variance: float) -> None:
    bet = bets([lo], [lo + width], variance=variance)
    true = true_product(bet, values)
    assert (one(bet, values, squares=True) <= true + 1e-7).all()
    assert (one(bet, values, squares=False) <= true + 1e-7).all()
    assert (one(bet, values, squares=False) <= one(bet, values, squares=True) + 1e-7).all()


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_exact_for_zero_and_one(values: list[float], mean: float) -> None:
    bet = bets([mean], [mean])
    assert one(bet, values, squares=True) == pytest.approx(true_product(bet, values), abs=1e-9)
    assert one(bet, values, squares=False) == pytest.approx(true_product(bet, values), abs=1e-9)


@given(unit, st.floats(0.05, 0.95))
def test_exact_for_a_single_value(value: float, mean: float) -> None:
    bet = bets([mean], [mean], variance=0.02)
    assert one(bet, [value], squares=True) == pytest.approx(true_product(bet, [value]), abs=1e-6)


@pytest.mark.parametrize("moments", [(0.3, 0.12), (0.5, 0.26), (0.05, 0.01), (0.9, 0.83)])
@pytest.mark.parametrize("stake", [0.2, 1.5])
def test_no_distribution_is_worse(moments: tuple[float, float], stake: float) -> None:
    """Among all distributions on a fine grid with these two moments, linear programming finds the worst."""
    mean, grid = 0.4, np.linspace(0, 1, 4001)
    objective = np.log1p(stake * (grid - mean))
    worst = linprog(
        objective, A_eq=np.vstack([np.ones_like(grid), grid, grid**2]), b_eq=[1, *moments], bounds=(0, None)
    )
    ours = product(*(np.array(v) for v in (stake, mean, 1.0, *moments)))
    assert worst.status == 0
    assert ours == pytest.approx(worst.fun, abs=1e-5)


@pytest.mark.parametrize("mean", [0.001, 0.2, 0.5, 0.9])
def test_fair_at_the_edge_of_the_band(mean: float) -> None:
    bet = bets([mean], [mean])
    expected = mean * np.exp(one(bet, [1.0], squares=False)) + (1 - mean) * np.exp(one(bet, [0.0], squares=False))
    assert expected == pytest.approx(np.ones(16))


def test_inside_the_band_every_bet_loses() -> None:
    bet = bets([0.2], [0.4])
    for mean in (0.21, 0.3, 0.39):
        expected = mean * np.exp(one(bet, [1.0], squares=False)) + (1 - mean) * np.exp(one(bet, [0.0], squares=False))
        assert (expected < 1).all()


def test_shards_and_order_make_no_difference() -> None:
    rng = np.random.default_rng(0)
    x = rng.beta(2, 5, 400)
    bet = bets([0.2], [0.25], variance=float(x.var()))
    whole = one(bet, list(x), squares=True)
    parts = [x[:150], x[150:]]
    sums = [sum(part.sum() for part in parts)], [sum((part**2).sum() for part in parts)]
    assert growth(bet, [400], *sums)[0] == pytest.approx(whole)
    assert one(bet, list(rng.permutation(x)), squares=True) == pytest.approx(whole)


def test_variance_sharpens_bets_on_steady_scores() -> None:
    """Scores of small variance that shift a little are found much sooner with their sum of squares."""
    rng = np.random.default_rng(1)
    x = np.clip(rng.normal(0.77, 0.05, (400, 1)), 0, 1)
    counts = []
    for variance, squares in ((0.0025, True), (None, False)):
        bet = bets([0.8], [0.8], variance=variance)
        state, steps = State.new(1, 16), 0
        for steps, row in enumerate(x, start=1):  # noqa: B007
            state, tick = advance(state, growth(bet, [1], row, row**2 if squares else None), 1e-4, weights=bet.weights)
            if tick.alarm[0]:
                break
        counts.append(steps)
    assert counts[0] * 3 < counts[1]


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_streams_that_never_vary(mean: float) -> None:
    bet = bets([mean], [mean])
    state = State.new(1, 16)
    for _ in range(2000):
        state, tick = advance(state, growth(bet, [10], [10 * mean]), 1e-4, weights=bet.weights)
        assert not tick.alarm[0]
    state, tick = advance(state, growth(bet, [10], [10 * mean + (3 if mean == 0 else -3)]), 1e-4, weights=bet.weights)
    assert tick.alarm[0]  # what was never seen in 20,000 values comes three times in ten


def test_no_data_is_no_evidence() -> None:
    assert (growth(bets([0.2], [0.3]), [0], [0], [0]) == 0).all()


@pytest.mark.parametrize(
    ("count", "total", "squares"),
    [
        ([1], [2], None),
        ([2], [1], [2.0]),
        ([2], [1], [0.1]),
        ([np.nan], [0], None),
        ([-1], [0], None),
        ([1, 1], [1, 1], None),
    ],
)
def test_sums_that_cannot_be(count: list[float], total: list[float], squares: list[float] | None) -> None:
    with pytest.raises(ValueError):
        growth(bets([0.2], [0.3]), count, total, squares)


def test_bands_that_cannot_be() -> None:
    for lo, hi in (([0.3], [0.2]), ([np.nan], [0.2]), ([], []), ([0.1], [1.2])):
        with pytest.raises(ValueError):
            bets(lo, hi)
    with pytest.raises(ValueError, match="no side"):
        bets([0.0], [1.0])


def test_the_budget_goes_to_the_side_that_can_be_crossed() -> None:
    assert bets([0.0], [0.3]).weights[0, 8:].sum() == 0
    assert bets([0.2], [0.3], sides="down").weights[0, :8].sum() == 0
    for bet in (bets([0.0], [0.3]), bets([0.2], [0.3]), bets([0.2], [0.3], sides="up")):
        assert bet.weights.sum() == pytest.approx(1.0)
