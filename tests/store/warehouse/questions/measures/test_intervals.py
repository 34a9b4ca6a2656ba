"""Intervals against scipy's exact ones, quantiles against sorted values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from homeostat.store.warehouse.questions.measures import intervals
from homeostat.store.warehouse.questions.measures.buckets import OFFSET, PER_E, Counts


def test_t_quantile_is_student_s() -> None:
    freedom = np.array([1, 2, 5, 29, 30, 31, 40, 100, 1_000, 1e6])
    assert intervals.t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-6)
    assert np.isnan(intervals.t_quantile(np.array([0.0, -1.0]))).all()


def test_mean_is_the_t_interval() -> None:
    values = np.array([3.0, 5.0, 8.0, 13.0])
    low, high = intervals.mean(*(np.array([x]) for x in (4.0, values.sum(), (values**2).sum())))
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (low[0], high[0]) == pytest.approx(expected)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (500, 1000)])
def test_share_is_wilson_s(hits: int, n: int) -> None:
    low, high = intervals.share(np.array([float(hits)]), np.array([float(n)]))
    exact = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert 0 <= low[0] <= hits / n <= high[0] <= 1


def test_poisson_is_near_the_exact_limits() -> None:
    events = np.array([0.0, 1, 2, 5, 20, 100, 10_000])
    low, high = intervals.poisson(events)
    assert low[1:] == pytest.approx(stats.chi2.ppf(0.025, 2 * events[1:]) / 2, rel=0.01)
    assert high[1:] == pytest.approx(stats.chi2.ppf(0.975, 2 * events[1:] + 2) / 2, rel=0.01)
    assert low[0] == 0
    assert 3 < high[0] < 4


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.95, 0.99])
def test_quantile_ranks_cover(level: float) -> None:
    """The chance that the ranks hold the true quantile, computed from the binomial distribution itself."""
    n = np.arange(2, 3_000, dtype=np.float64)
    low, high = intervals.quantile_ranks(n, level)
    known = np.isfinite(low) & np.isfinite(high)
    assert known.any()
    # The true quantile lies between the values of these ranks when more than `low`, at most `high` values lie below.
    covered = stats.binom.cdf(high[known], n[known], level) - stats.binom.cdf(low[known], n[known], level)
    assert covered.min() > 0.94


@given(
    st.lists(st.lists(st.floats(-1e9, 1e9) | st.just(0.0), min_size=0, max_size=40), min_size=1, max_size=5),
    st.floats(0, 1),
)
def test_a_quantile_is_within_one_percent(groups: list[list[float]], level: float) -> None:
    entries = [(i, value) for i, group in enumerate(groups) for value in group]
    index = [bucket(value) for _, value in entries]
    counts = Counts(
        np.array([i for i, _ in entries], dtype=np.int64),
        len(groups),
        np.array(index, dtype=np.int64),
        np.ones(len(entries)),
    )
    for i, group in enumerate(groups):
        if not group:
            assert np.isnan(counts.at_rank(np.zeros(len(groups)))[i])
            continue
        rank = int(level * (len(group) - 1))
        found = counts.at_rank(np.full(len(groups), float(rank)))[i]
        assert found == pytest.approx(sorted(group)[rank], rel=0.0101, abs=1e-300)


def bucket(value: float) -> int:
    if value == 0:
        return 0
    size = int(np.floor(np.log(abs(value)) * PER_E)) + OFFSET
    return size if value > 0 else -size
