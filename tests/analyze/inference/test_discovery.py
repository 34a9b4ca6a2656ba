"""e-BH and e-LOND against another implementation and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.analyze.inference.discovery import discount, e_bh, e_lond


def values() -> np.ndarray:
    return np.asarray(np.exp(np.random.default_rng(2).normal(1, 3, 60)))


def test_e_bh_as_online_fdr_does_it() -> None:
    """Rejections of `online_fdr.e_values.e_bh` 1.0.0 for the same values."""
    assert np.flatnonzero(e_bh(values(), 0.05)).tolist() == [4, 26, 41, 56]
    assert len(np.flatnonzero(e_bh(values(), 0.2))) == 19


def test_e_bh_by_its_definition() -> None:
    e = values()
    for alpha in (0.01, 0.1, 0.3):
        rejected = e_bh(e, alpha)
        k = rejected.sum()
        assert all(e[rejected] >= len(e) / (alpha * max(k, 1)))
        more = np.sort(e)[::-1]
        assert all(more[j - 1] < len(e) / (alpha * j) for j in range(k + 1, len(e) + 1))


def test_e_lond_by_its_definition() -> None:
    e = values()
    rejected, found = e_lond(e, 0.1), 0
    for i, value in enumerate(e):
        assert rejected[i] == (value >= 1 / (0.1 * discount(len(e))[i] * (found + 1)))
        found += rejected[i]
    assert found > 0


def test_the_discount_sums_to_one() -> None:
    tail = (200_000.5**-0.6) / 0.6 / 2.2857657
    assert discount(200_000).sum() + tail == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("method", [e_bh, e_lond])
def test_false_discoveries_are_few(method: object) -> None:
    """Forty nulls that share their luck, ten true effects; the mean share of false discoveries."""
    rng, alpha, found = np.random.default_rng(1), 0.2, []
    for _ in range(400):
        z = 0.7 * rng.normal() + np.sqrt(0.51) * rng.normal(size=50)
        z[::5] += 4
        rejected = method(np.exp(2 * z - 2), alpha)  # type: ignore[operator]
        null = np.arange(50) % 5 != 0
        found.append((rejected & null).sum() / max(rejected.sum(), 1))
    assert np.mean(found) <= alpha


def test_nothing_and_nonsense() -> None:
    assert e_bh([], 0.1).tolist() == []
    assert e_lond([], 0.1).tolist() == []
    for wrong in ([-1.0], [np.nan]):
        with pytest.raises(ValueError, match="evidence"):
            e_bh(wrong, 0.1)
