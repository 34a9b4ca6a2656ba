"""Sample ratio mismatch: the closed form is the product of predictions, and a martingale exactly."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from homeostat.analyze.inference.imbalance import mismatch


def test_the_closed_form_is_the_product() -> None:
    rng, p = np.random.default_rng(0), np.array([0.2, 0.3, 0.5])
    counts, log = np.zeros(3), 0.0
    for arm in rng.choice(3, 200, p=[0.3, 0.3, 0.4]):
        log += np.log((100 * p[arm] + counts[arm]) / (100 + counts.sum()) / p[arm])
        counts[arm] += 1
    assert float(mismatch(counts, p)) == pytest.approx(log)


def test_expectation_one_exactly() -> None:
    p, total = np.array([0.7, 0.3]), 0.0
    for path in product((0, 1), repeat=10):
        counts = np.bincount(path, minlength=2)
        total += np.prod(p[list(path)]) * np.exp(mismatch(counts, p))
    assert total == pytest.approx(1.0)


def test_many_at_once_and_nobody() -> None:
    assert mismatch([[0, 0], [10, 10]], [0.5, 0.5])[0] == 0.0
    for wrong in (([1, 1], [0.5, 0.6]), ([1, 1, 1], [0.5, 0.5]), ([1, 1], [0.0, 1.0]), ([1, np.nan], [0.5, 0.5])):
        with pytest.raises(ValueError):
            mismatch(*wrong)
