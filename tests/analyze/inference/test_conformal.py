"""Conformal p-values: those of the definition, uniform, and of the right season."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.analyze.inference.betting import growth
from homeostat.analyze.inference.conformal import (
    LEAST_REFERENCE,
    POWERS,
    Bag,
    hits,
    p_values,
    power_growth,
    rank_bets,
    ranks,
    season,
    shuffled,
    split,
)


def one_by_one(
    counts: np.ndarray, rows: np.ndarray, values: np.ndarray, strata: np.ndarray, luck: np.ndarray
) -> list[float]:
    """The definition, value after value."""
    bag, found = counts.copy(), []
    for row, value, stratum, u in zip(rows, values, strata, luck, strict=True):
        cell = bag[row, stratum]
        found.append((cell[value + 1 :].sum() + u * (cell[value] + 1)) / (cell.sum() + 1))
        cell[value] += 1
    return found


@pytest.mark.parametrize("bins", [2, 3, 8, 1000])
def test_many_at_once_are_as_one_after_the_other(bins: int) -> None:
    rng = np.random.default_rng(bins)
    counts = rng.integers(0, 20, (3, 2, bins))
    rows, strata = rng.integers(0, 3, 500), rng.integers(0, 2, 500)
    values = np.minimum(rng.geometric(min(0.7, 3 / bins), 500) - 1, bins - 1)
    p, bag = p_values(Bag(counts), rows, values, rng=np.random.default_rng(7), stratum=strata)
    luck = 1.0 - np.random.default_rng(7).random(500)
    assert p == pytest.approx(one_by_one(counts, rows, values, strata, luck))
    assert bag.counts.sum() == counts.sum() + 500


@pytest.mark.parametrize("bins", [2, 50])
def test_uniform_and_independent_under_exchangeability(bins: int) -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(300):
        values = np.minimum(rng.geometric(0.3 if bins == 2 else 0.05, 200) - 1, bins - 1)
        bag = Bag(np.bincount(values[:50], minlength=bins)[None, None, :])
        found.append(p_values(bag, np.zeros(150, int), values[50:], rng=rng)[0])
    p = np.array(found)
    assert stats.kstest(p.ravel(), "uniform").pvalue > 0.001
    assert abs(np.corrcoef(p[:, :-1].ravel(), p[:, 1:].ravel())[0, 1]) < 4 / np.sqrt(p.size)


def test_an_open_incident_can_be_kept_out_of_the_bag() -> None:
    bag = Bag(np.array([[[50, 50]], [[50, 50]]]))
    _, after = p_values(bag, [0, 1], [1, 1], rng=np.random.default_rng(0), grow=[True, False])
    assert after.counts.tolist() == [[[50, 51]], [[50, 50]]]


def test_the_split_leaves_nothing_out() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 500, (4, 3, 2))
    bag, b = split(counts, rng)
    tuning = counts - bag.counts
    assert (tuning >= 0).all()
    assert tuning.sum(axis=(1, 2)).tolist() == np.floor(counts.sum(axis=(1, 2)) * 0.2).tolist()
    assert b == pytest.approx(tuning[:, :, 1].sum(axis=1) / tuning.sum(axis=(1, 2)))


def test_too_little_reference_is_not_ready() -> None:
    bag, b = split([[[LEAST_REFERENCE, 0]], [[LEAST_REFERENCE - 10, 0]], [[0, 0]]], np.random.default_rng(0))
    assert bag.ready.tolist() == [True, False, False]
    assert ((b > 0) & (b < 1)).all()


def test_hits_and_powers() -> None:
    p, row = np.array([0.05, 0.5, 0.01]), np.array([0, 0, 2])
    n, z = hits(p, row, np.full(3, 0.1))
    assert (n.tolist(), z.tolist()) == ([2, 0, 1], [1, 0, 1])
    moved = power_growth(p, row, 3)
    assert moved[0] == pytest.approx(np.log(POWERS**2 * 0.05 ** (POWERS - 1) * 0.5 ** (POWERS - 1)))
    assert (moved[1] == 0).all()


def test_power_bets_are_fair() -> None:
    p = (np.arange(200_000) + 0.5) / 200_000
    each = np.exp(np.log(POWERS) + (POWERS - 1) * np.log(p)[:, None])
    assert (each.mean(axis=0) <= 1.0).all()


def test_shuffled_values_keep_their_sums() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(0, 30, 50)
    k = rng.binomial(n, 0.3)
    stream, value = shuffled(n, k, rng)
    assert np.bincount(stream, minlength=50).tolist() == n.tolist()
    assert np.bincount(stream, weights=value, minlength=50).tolist() == k.tolist()
    with pytest.raises(ValueError, match="ones"):
        shuffled([1], [2], rng)


def test_a_restart_changes_nothing() -> None:
    bag = Bag(np.arange(12).reshape(2, 3, 2))
    assert (Bag.from_json(bag.to_json()).counts == bag.counts).all()


def test_seasons() -> None:
    assert season(np.array([0, 59, 60, 24 * 60]), hours=24).tolist() == [0, 0, 1, 0]
    assert season(24 * 60).tolist() == 24


def test_what_cannot_be() -> None:
    bag, rng = Bag(np.ones((1, 1, 2), int)), np.random.default_rng(0)
    for stream, value in (([1], [0]), ([0], [2]), ([0], [0.5]), ([0, 0], [1]), ([np.nan], [0])):
        with pytest.raises(ValueError):
            p_values(bag, stream, value, rng=rng)
    with pytest.raises(ValueError, match="bins"):
        split([[1, 2]], rng)
    assert len(p_values(bag, [], [], rng=rng)[0]) == 0


def test_ranks_are_values_with_mean_one_half() -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(0, 100, (50, 400))
    p, row = [], np.zeros(200, int)
    for each in values:
        bag = Bag(np.bincount(each[:200], minlength=100)[None, None, :])
        p.append(p_values(bag, row, each[200:], rng=rng)[0])
    told = ranks(np.concatenate(p), np.repeat(np.arange(50), 200), 50)
    assert told.count.tolist() == [200.0] * 50
    assert (told.total / told.count).mean() == pytest.approx(0.5, abs=0.01)
    assert (told.squares / told.count).mean() == pytest.approx(1 / 3, abs=0.01)
    assert growth(rank_bets(50), told.count, told.total, told.squares).shape == (50, 16)


def test_what_is_only_reference_is_not_tested() -> None:
    bag = Bag(np.zeros((2, 1, 3), int)).learned([0, 1, 1], [2, 0, 0])
    assert bag.counts[:, 0].tolist() == [[0, 0, 1], [2, 0, 0]]
    with pytest.raises(ValueError, match="outside"):
        bag.learned([2], [0])
