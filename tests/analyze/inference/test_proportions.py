"""Against scipy, and (Newcombe) against figures of statsmodels 0.15 and of the paper."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.analyze.inference.proportions import Interval, clopper_pearson, newcombe, wilson

COUNTS = [(0, 10), (1, 10), (5, 10), (10, 10), (3, 1000), (997, 1000), (1, 1)]


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize(("hits", "n"), COUNTS)
def test_as_scipy_does_it(hits: int, n: int, alpha: float) -> None:
    test = stats.binomtest(hits, n)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        theirs = test.proportion_ci(1 - alpha, method=method)
        found = ours([hits], [n], alpha)
        assert float(found.low[0]) == pytest.approx(theirs.low, abs=1e-9)
        assert float(found.high[0]) == pytest.approx(theirs.high, abs=1e-9)


def test_newcombe() -> None:
    found = newcombe([56, 9, 10], [70, 10, 10], [48, 3, 0], [80, 10, 10])
    # confint_proportions_2indep(..., method="newcomb") for the first; table II of the paper, method 10, for all.
    assert found.low == pytest.approx([0.05243147, 0.1705, 0.6075], abs=5e-5)
    assert found.high == pytest.approx([0.33387265, 0.8090, 1.0000], abs=5e-5)


def test_no_data_says_nothing() -> None:
    for method in (wilson, clopper_pearson):
        assert np.isnan([method([0], [0]).low, method([0], [0]).high]).all()


def test_counts_that_cannot_be() -> None:
    for wrong in (([2], [1]), ([-1], [1]), ([np.nan], [1]), ([], [])):
        with pytest.raises(ValueError):
            wilson(*wrong)
    with pytest.raises(ValueError, match="alpha"):
        wilson([1], [2], 0.0)


def test_which_side() -> None:
    one = Interval(np.zeros(3), np.array([-1.0, 1.0, -2.0]), np.array([1.0, 2.0, -1.0]))
    assert one.excludes(0.0).tolist() == [0.0, 1.0, -1.0]
