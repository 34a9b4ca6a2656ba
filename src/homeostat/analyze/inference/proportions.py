"""Intervals for shares that are looked at once: Wilson, Clopper–Pearson, and Newcombe's for a difference of two.

References: Wilson 1927; Clopper & Pearson 1934; Newcombe, "Interval estimation for the difference between independent
proportions" (method 10), Statistics in Medicine 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, chance, finite


@dataclass(frozen=True, slots=True)
class Interval:
    """Estimate and ends, arrays of one shape. NaN: cannot be said."""

    estimate: Floats
    low: Floats
    high: Floats

    def excludes(self, value: float) -> Floats:
        """1 where the interval lies above the value, -1 where it lies below, 0 where it holds it."""
        return np.where(self.low > value, 1.0, np.where(self.high < value, -1.0, 0.0))


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be said, and why."""

    reason: str


def z_of(alpha: float) -> float:
    """The normal quantile for a two-sided interval.

    >>> round(z_of(0.05), 4)
    1.96
    """
    return NormalDist().inv_cdf(1 - chance("alpha", alpha) / 2)


def wilson(hits: ArrayLike, n: ArrayLike, alpha: float = 0.05) -> Interval:
    """Wilson's score interval; NaN without data.

    >>> one = wilson([8], [10])
    >>> one.low.round(4).tolist(), one.high.round(4).tolist()
    ([0.4902], [0.9433])
    """
    k, size = _counts(hits, n)
    z = z_of(alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / size
        middle = (p + z * z / (2 * size)) / (1 + z * z / size)
        half = z * np.sqrt(p * (1 - p) / size + z * z / (4 * size * size)) / (1 + z * z / size)
    return Interval(p, np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1))


def clopper_pearson(hits: ArrayLike, n: ArrayLike, alpha: float = 0.05) -> Interval:
    """The exact interval: covers at least as often as it says.

    >>> one = clopper_pearson([0], [10])
    >>> one.low.tolist(), one.high.round(4).tolist()
    ([0.0], [0.3085])
    """
    from scipy import special  # a tenth of a second to import, and most starts ask for no interval

    k, size = _counts(hits, n)
    chance("alpha", alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / size
    low = np.where(k > 0, special.betaincinv(np.maximum(k, 1e-300), size - k + 1, alpha / 2), 0.0)
    high = np.where(k < size, special.betaincinv(k + 1, np.maximum(size - k, 1e-300), 1 - alpha / 2), 1.0)
    none = size == 0
    return Interval(p, np.where(none, np.nan, low), np.where(none, np.nan, high))


def newcombe(hits: ArrayLike, n: ArrayLike, other_hits: ArrayLike, other_n: ArrayLike, alpha: float = 0.05) -> Interval:
    """The first share minus the other.

    >>> one = newcombe([56], [70], [48], [80])
    >>> one.low.round(4).tolist(), one.high.round(4).tolist()
    ([0.0524], [0.3339])
    """
    a, b = wilson(hits, n, alpha), wilson(other_hits, other_n, alpha)
    down = np.hypot(a.estimate - a.low, b.high - b.estimate)
    up = np.hypot(a.high - a.estimate, b.estimate - b.low)
    difference = a.estimate - b.estimate
    return Interval(difference, difference - down, difference + up)


def _counts(hits: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    k = np.atleast_1d(finite("hits", hits, low=0))
    size = np.atleast_1d(finite("n", n, low=0))
    if (k > size).any():
        raise ValueError("hits: more than there were tries")
    return k, size
