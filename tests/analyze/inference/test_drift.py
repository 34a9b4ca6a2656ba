"""Categories, windows, probes and embeddings: size under no change, against scipy, and by user."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import spatial, stats

from homeostat.analyze.inference.betting import growth
from homeostat.analyze.inference.canary import answers_changed, calibrated, clouds_changed
from homeostat.analyze.inference.categories import binned, category_bets, edges, one_against_the_rest, shares_of
from homeostat.analyze.inference.conformal import Bag, p_values
from homeostat.analyze.inference.proportions import Unknown
from homeostat.analyze.inference.shift import flagged, g_test, psi, shift


def test_bins_hold_equal_shares_and_missing_values() -> None:
    x = np.random.default_rng(0).lognormal(0, 1, 10_000)
    inner = edges(x)
    counts = np.bincount(binned(np.append(x, [np.nan, -5.0, 1e9]), inner))
    assert len(inner) == 9
    assert counts[:10] == pytest.approx(1000, abs=2)
    assert counts[-1] == 1
    assert len(edges(np.ones(50))) == 1  # one value only: one edge, two bins


def test_category_bets_are_fair() -> None:
    b = np.array([0.01, 0.05, 0.5, 0.99])
    bet = category_bets(b)
    one, none = np.exp(growth(bet, np.ones(4), np.ones(4))), np.exp(growth(bet, np.ones(4), np.zeros(4)))
    assert b[:, None] * one + (1 - b[:, None]) * none == pytest.approx(np.ones((4, 10)))
    assert (one > 0).all()
    assert (none > 0).all()


def test_one_against_the_rest_is_the_bag_of_each() -> None:
    rng = np.random.default_rng(1)
    bags = Bag(rng.integers(50, 100, (6, 1, 2)))
    stream, kind = rng.integers(0, 2, 40), rng.integers(0, 3, 40)
    n, z, grown = one_against_the_rest(bags, np.full(6, 0.3), stream, kind, categories=3, rng=np.random.default_rng(2))
    assert n.tolist() == np.repeat(np.bincount(stream, minlength=2), 3).tolist()
    assert (grown.counts - bags.counts)[:, 0, 1].tolist() == np.bincount(stream * 3 + kind, minlength=6).tolist()
    every = (stream[:, None] * 3 + np.arange(3)).ravel()
    p, _ = p_values(bags, every, (kind[:, None] == np.arange(3)).ravel().astype(int), rng=np.random.default_rng(2))
    assert z == pytest.approx(np.bincount(every, weights=p <= 0.3, minlength=6))
    with pytest.raises(ValueError, match="categories"):
        one_against_the_rest(bags, np.full(6, 0.3), [0], [3], categories=3, rng=rng)


def test_thresholds_have_a_floor() -> None:
    assert shares_of([[98, 2, 0]]).tolist() == [0.98, 0.02, 0.01]
    with pytest.raises(ValueError, match="something"):
        shares_of([[0, 0]])


def test_g_test_as_scipy_does_it() -> None:
    a, b = [120, 80, 40, 0], [100, 90, 70, 0]
    theirs = stats.chi2_contingency(np.array([a, b])[:, :3], correction=False, lambda_="log-likelihood")
    assert g_test(a, b) == pytest.approx(theirs.pvalue)
    assert g_test([5, 0], [7, 0]) == 1.0


def test_distance_as_scipy_does_it() -> None:
    a, b = np.array([120.0, 80, 40]), np.array([100.0, 90, 170])
    found = shift(a, b, rng=np.random.default_rng(0))
    assert found.distance == pytest.approx(spatial.distance.jensenshannon(a / a.sum(), b / b.sum(), base=2))
    assert 0 < found.low < found.distance


def test_the_lower_end_is_below_the_truth() -> None:
    rng = np.random.default_rng(3)
    p, q = np.full(10, 0.1), np.array([0.13, 0.07, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.12, 0.08])
    true = spatial.distance.jensenshannon(p, q, base=2)
    above = [shift(rng.multinomial(4000, p), rng.multinomial(1000, q), rng=rng).low > true for _ in range(300)]
    assert np.sum(above) <= stats.binom.ppf(0.99, 300, 0.05)


def test_psi_is_near_zero_without_change() -> None:
    rng, p = np.random.default_rng(4), np.full(10, 0.1)
    found = [psi(rng.multinomial(5000, p), rng.multinomial(600, p)) for _ in range(200)]
    assert all(isinstance(value, float) for value in found)
    assert np.mean([value for value in found if isinstance(value, float)]) == pytest.approx(0.0, abs=0.003)
    assert isinstance(psi([1000, 1000], [100, 100]), Unknown)


def test_flags_need_both() -> None:
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(300):
        wrong += flagged(rng.random(20), np.full(20, 1.0), matters=0.1).any()
    assert wrong <= stats.binom.ppf(0.99, 300, 0.05)
    assert flagged([], [], matters=0.1).tolist() == []


def test_probes_of_the_same_model() -> None:
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.ones(4), 20)
    p = [
        answers_changed(rng.multinomial(5, shares), rng.multinomial(8, shares), rng=rng, permutations=99)
        for _ in range(200)
    ]
    assert np.sum(np.array(p) <= 0.05) <= stats.binom.ppf(0.99, 200, 0.05)


def test_a_change_of_traffic_is_no_change_of_the_model() -> None:
    """One prompt is asked far more often than before, and every prompt is answered as before."""
    rng = np.random.default_rng(7)
    shares = np.array([[0.9, 0.1], [0.1, 0.9]])
    found = []
    for _ in range(100):
        before = np.array([rng.multinomial(50, shares[0]), rng.multinomial(5, shares[1])])
        after = np.array([rng.multinomial(5, shares[0]), rng.multinomial(50, shares[1])])
        found.append(answers_changed(before, after, rng=rng, permutations=99) <= 0.05)
    assert np.sum(found) <= stats.binom.ppf(0.99, 100, 0.05)


def test_embeddings_by_user() -> None:
    """Users with a place of their own and 20 items each: by item it looks like a change, by user it does not."""
    rng = np.random.default_rng(8)
    by_user, by_item = 0, 0
    for _ in range(60):
        places = rng.normal(size=(30, 8))
        x = np.repeat(places, 20, axis=0) + 0.3 * rng.normal(size=(600, 8))
        who = np.repeat(np.arange(30), 20)
        a, b = x[:400], x[400:]
        by_user += clouds_changed(a, b, users=(who[:400], who[400:]), rng=rng, permutations=99) <= 0.05
        by_item += clouds_changed(a, b, rng=rng, permutations=99) <= 0.05
    assert by_user <= stats.binom.ppf(0.99, 60, 0.05)
    assert by_item > 40


def test_calibrated_p_values_are_fair() -> None:
    p = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert calibrated(p).mean() <= 1.0
    assert np.isfinite(calibrated([0.0])).all()


def test_what_cannot_be() -> None:
    rng = np.random.default_rng(0)
    for wrong in (
        lambda: shift([0, 0], [1, 1], rng=rng),
        lambda: shift([1], [1, 1], rng=rng),
        lambda: answers_changed([[1, 0]], [[0, 0]], rng=rng),
        lambda: answers_changed([[1]], [[1, 0]], rng=rng),
        lambda: clouds_changed([[np.nan]], [[1.0]], rng=rng),
        lambda: clouds_changed(np.zeros((2, 2)), np.zeros((2, 3)), rng=rng),
        lambda: edges([]),
    ):
        with pytest.raises(ValueError):
            wrong()
