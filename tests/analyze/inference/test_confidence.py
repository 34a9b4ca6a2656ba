"""Intervals that hold at every moment: against the formula, against brute force, and by looking after every value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.analyze.inference.confidence import (
    FIRST,
    Moments,
    RatioMoments,
    always,
    asymptotic,
    clustered,
    difference,
    evidence_against,
    mixture_evidence,
)


def path(x: np.ndarray) -> Moments:
    return Moments(np.arange(1.0, len(x) + 1), np.cumsum(x), np.cumsum(x * x))


def test_the_formula_of_the_paper() -> None:
    x = np.random.default_rng(0).gamma(2.0, 1.0, 400)
    n, a = 400, 0.05
    rho2 = (-2 * np.log(a) + np.log(-2 * np.log(a) + 1)) / 300
    half = x.std(ddof=1) * np.sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * np.log(np.sqrt(n * rho2 + 1) / a))
    one = asymptotic(Moments.of(x), a, planned=300)
    assert [float(one.low), float(one.high)] == pytest.approx([x.mean() - half, x.mean() + half])


def test_one_sided_is_narrower_and_open() -> None:
    moments = Moments.of(np.random.default_rng(0).normal(size=500))
    both = asymptotic(moments, 0.05, planned=500)
    lower = asymptotic(moments, 0.05, planned=500, side="lower")
    upper = asymptotic(moments, 0.05, planned=500, side="upper")
    assert np.isinf([lower.high, upper.low]).all()
    assert both.low < lower.low < both.estimate < upper.high < both.high


@pytest.mark.parametrize("side", ["both", "lower", "upper"])
def test_covers_at_every_moment(side: str) -> None:
    rng, missed = np.random.default_rng(1), 0
    for _ in range(300):
        one = asymptotic(path(rng.exponential(1.0, 3000)), 0.1, planned=1000, side=side)  # type: ignore[arg-type]
        missed += bool(((one.low > 1) | (one.high < 1)).any())
    assert missed <= stats.binom.ppf(0.99, 300, 0.1)


def test_too_little_says_nothing() -> None:
    for moments in (path(np.ones(FIRST - 1)), Moments.of(np.ones(100)), Moments(np.zeros(1), np.zeros(1), np.zeros(1))):
        one = asymptotic(moments, 0.05, planned=100)
        assert np.isinf(one.low).all()
        assert np.isinf(one.high).all()


def test_narrowest_about_where_it_was_planned() -> None:
    n = np.arange(60.0, 20_000)
    moments = Moments(n, n * 0.5, n * 0.5)
    widths = []
    for planned in (300, 1000, 5000):
        one = asymptotic(moments, 0.05, planned=planned)
        widths.append((one.high - one.low) / np.sqrt(1 / n))
    for planned, width in zip((300, 1000, 5000), widths, strict=True):
        at = int(planned - 60)
        assert width[at] == pytest.approx(min(w[at] for w in widths))


def test_evidence_and_interval_say_the_same() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        x = rng.normal(0.1, 1.0, int(rng.integers(60, 2000)))
        moments = Moments.of(x)
        e = mixture_evidence(x.mean(), x.var(ddof=1) / len(x), len(x), 0.05, planned=800)
        assert (e >= 20) == bool(asymptotic(moments, 0.05, planned=800).excludes(0) != 0)


def test_moments_add_up_and_come_back() -> None:
    x = np.random.default_rng(0).normal(size=(3, 100))
    both = Moments.of(x[:, :40]) + Moments.of(x[:, 40:])
    assert both.mean == pytest.approx(x.mean(axis=1))
    assert both.variance == pytest.approx(x.var(axis=1, ddof=1))
    assert (Moments.from_json(both.to_json()).squares == both.squares).all()


def test_always_is_the_bets_it_says() -> None:
    """Brute force: the ends are where the evidence crosses 1/alpha, on the safe side by little."""
    n, s, q = [80.0], [52.0], [38.0]
    one = always(n, s, 0.05, squares=q)
    limit = np.log(20)
    width = float(one.high[0] - one.low[0])
    for end, step in ((one.low[0], 1), (one.high[0], -1)):
        assert evidence_against([end], n, s, q)[0] >= limit
        assert evidence_against([end + step * 0.01 * width], n, s, q)[0] < limit


@pytest.mark.parametrize("mean", [0.02, 0.5, 0.95])
def test_always_covers_at_every_moment_from_the_first_value(mean: float) -> None:
    rng = np.random.default_rng(4)
    x = rng.random((300, 400)) < mean
    n = np.tile(np.arange(1.0, 401), 300)
    s = np.cumsum(x, axis=1).ravel().astype(float)
    out = evidence_against(np.full(len(n), mean), n, s).reshape(300, 400) >= np.log(10)
    assert out.any(axis=1).sum() <= stats.binom.ppf(0.99, 300, 0.1)


def test_always_is_sharper_with_squares() -> None:
    x = np.clip(np.random.default_rng(5).normal(0.7, 0.05, 200), 0, 1)
    plain = always([200], [x.sum()], 0.05)
    sharp = always([200], [x.sum()], 0.05, squares=[(x * x).sum()])
    assert (sharp.high - sharp.low) < 0.6 * (plain.high - plain.low)
    assert sharp.low[0] < 0.7 < sharp.high[0]


def test_always_at_its_ends() -> None:
    one = always([0, 1, 1, 10_000, 10_000], [0, 0, 1, 0, 10_000], 0.05)
    assert (one.low[0], one.high[0]) == (0.0, 1.0)
    assert (one.low[1], one.high[2]) == (0.0, 1.0)
    assert one.high[3] < 0.002
    assert one.low[4] > 0.998
    with pytest.raises(ValueError):
        always([1], [2], 0.05)
    with pytest.raises(ValueError):
        always([2], [1], 0.05, squares=[2.0])


def test_ratio_of_sums_over_users() -> None:
    rng = np.random.default_rng(6)
    k = rng.poisson(9, 4000) + 1.0
    s = rng.binomial(k.astype(int), rng.beta(8, 2, 4000)).astype(float)
    users = RatioMoments.of(s[:1000], k[:1000]) + RatioMoments.of(s[1000:], k[1000:])
    assert float(users.ratio) == pytest.approx(s.sum() / k.sum())
    # The delta method against a bootstrap over users.
    draws = [(s[rows].sum() / k[rows].sum()) for rows in (rng.integers(0, 4000, 4000) for _ in range(400))]
    assert float(np.sqrt(users.variance / 4000)) == pytest.approx(np.std(draws), rel=0.12)
    one = clustered(users, 0.05, planned=4000)
    assert one.low < 0.8 < one.high
    naive = asymptotic(Moments(users.k, users.s, users.s), 0.05, planned=float(users.k))
    assert one.high - one.low > 1.3 * (naive.high - naive.low)


def test_difference_needs_both_arms() -> None:
    big = RatioMoments.of(np.random.default_rng(0).random(500), np.ones(500))
    few = RatioMoments.of(np.ones(5), np.ones(5))
    assert np.isinf(difference(big, few, 0.05, planned=500).low)
    nobody = RatioMoments(*np.zeros(6))
    assert np.isinf(clustered(nobody, 0.05, planned=500).high)
    assert np.isnan(nobody.ratio)
