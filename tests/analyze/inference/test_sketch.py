"""The engine's buckets, read by analysis: the same index, the same value, exact merging."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from homeostat.analyze.inference import sketch
from homeostat.analyze.inference.sketch import Sketch, index
from homeostat.store.warehouse.questions.measures import buckets


def test_the_constants_are_the_engines() -> None:
    assert (sketch.OFFSET, sketch.PER_E) == (buckets.OFFSET, buckets.PER_E)


def test_values_are_those_of_the_store() -> None:
    x = np.random.default_rng(0).normal(0, 50, 2000)
    one = Sketch.of_values(x)
    store = buckets.Counts(np.zeros(len(one.buckets), np.int64), 1, one.buckets, one.counts)
    for rank in (0.0, 10.0, 999.5, 1999.0):
        assert one.at_rank(rank)[0] == pytest.approx(store.at_rank(np.array([rank]))[0])


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60), st.integers(0, 60))
def test_merging_is_exact_and_quantiles_are_near(values: list[float], cut: int) -> None:
    x = np.array(values)
    x[np.abs(x) < 1e-100] = 0.0
    whole = Sketch.of_values(x)
    merged = Sketch.of_values(x[cut:]) + Sketch.of_values(x[:cut])
    assert (merged.buckets == whole.buckets).all()
    assert (merged.counts == whole.counts).all()
    ranks = np.arange(len(x))
    true = np.sort(x)
    assert (np.abs(whole.at_rank(ranks) - true) <= 0.0101 * np.abs(true) + 1e-12).all()


def test_empty() -> None:
    none = Sketch.of([], [])
    assert none.n == 0
    assert np.isnan(none.quantile([0.5])).all()
    interval = none.quantile_interval(0.5)
    assert np.isnan([interval.low, interval.high]).all()
    assert (none + Sketch.of([5], [1])).n == 1
    assert none.above(3.0) == 0
    with pytest.raises(ValueError):
        index([np.nan])


def test_how_many_lie_above() -> None:
    x = np.random.default_rng(1).lognormal(0, 1, 20_000)
    assert Sketch.of_values(x).above(3.0) == pytest.approx((x > 3.0).sum(), rel=0.02)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_quantile_intervals_cover(level: float) -> None:
    rng, held = np.random.default_rng(2), 0
    true = stats.lognorm(1.0).ppf(level)
    for _ in range(300):
        one = Sketch.of_values(rng.lognormal(0, 1, 400)).quantile_interval(level)
        held += int(one.low[0] <= true * 1.005 and true * 0.995 <= one.high[0])
    assert held >= stats.binom.ppf(0.01, 300, 0.95)
    few = Sketch.of_values(rng.lognormal(0, 1, 10)).quantile_interval(0.95)
    assert np.isnan(few.high[0])
