"""Distributions as counts by bucket, as the engine keeps them for measures (design/0005-measures.md): a value v > 0
lies in bucket floor(100 ln v) + 100,000, zero in 0, negative values mirror positive ones. Buckets are 1 % wide, so a
quantile is off by at most 1 %; adding counts is exact and in any order. This is DDSketch with relative error 0.5 %.

Reference: Masson, Rim, Lee, "DDSketch", VLDB 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, Ints, chance, finite, same_length, whole
from homeostat.analyze.inference.proportions import Interval, z_of

OFFSET: Final = 100_000
PER_E: Final = 100


@dataclass(frozen=True, slots=True)
class Sketch:
    """Buckets in the order of their values, each once, and how many values lie in each."""

    buckets: Ints
    counts: Ints

    @classmethod
    def of(cls, buckets: ArrayLike, counts: ArrayLike) -> Self:
        """From the engine's counts; a bucket may stand there more than once.

        >>> Sketch.of([7, 3, 7], [1, 2, 3]).counts.tolist()
        [2, 4]
        """
        key = whole("buckets", buckets, low=-(1 << 40))
        n = whole("counts", counts)
        same_length(buckets=key, counts=n)
        kinds, place = np.unique(key, return_inverse=True)
        summed = np.zeros(len(kinds), np.int64)
        np.add.at(summed, place, n)
        return cls(kinds[summed > 0], summed[summed > 0])

    @classmethod
    def of_values(cls, values: ArrayLike) -> Self:
        """From values, by the engine's expression."""
        return cls.of(index(values), np.ones(np.size(values)))

    def __add__(self, other: Sketch) -> Sketch:
        both = np.concatenate([self.buckets, other.buckets]), np.concatenate([self.counts, other.counts])
        return Sketch.of(*both)

    @property
    def n(self) -> int:
        """How many values."""
        return int(self.counts.sum())

    def at_rank(self, rank: ArrayLike) -> Floats:
        """The value at ranks 0 (smallest) to n - 1, interpolated in its bucket; NaN when empty."""
        r = np.atleast_1d(np.asarray(rank, dtype=np.float64))
        if self.n == 0:
            return np.full(len(r), np.nan)
        r = np.clip(r, 0, self.n - 1)
        until = np.cumsum(self.counts)
        entry = np.searchsorted(until, np.floor(r), side="right")
        inside = np.clip((r - (until - self.counts)[entry] + 0.5) / self.counts[entry], 0, 1)
        return _value(self.buckets[entry], inside)

    def quantile(self, level: ArrayLike) -> Floats:
        """The values at these levels.

        >>> Sketch.of_values(np.arange(1, 1001)).quantile([0.5, 0.99]).round(0).tolist()
        [501.0, 990.0]
        """
        return self.at_rank(np.atleast_1d(finite("level", level, low=0, high=1)) * max(self.n - 1, 0))

    def quantile_interval(self, level: float, alpha: float = 0.05) -> Interval:
        """By order statistics, for independent values and one look; an end that so few values cannot give is NaN."""
        chance("level", level)
        low, high = _ranks(self.n, level, alpha)
        ends = self.at_rank([max(low, 0), min(high, max(self.n - 1, 0))])
        return Interval(
            self.quantile(level),
            np.where(low < 0, np.nan, ends[:1]),
            np.where(high >= self.n, np.nan, ends[1:]),
        )

    def above(self, limit: float) -> float:
        """How many values lie above a limit: exact, but for the bucket that holds the limit, which counts as below."""
        order = _value(self.buckets, np.ones(len(self.buckets)))
        return float(self.counts[order > limit * (1 + 1.0 / PER_E)].sum())


def index(values: ArrayLike) -> Ints:
    """The bucket of every value.

    >>> index([1.0, 0.0, -1.0]).tolist()
    [100000, 0, -100000]
    """
    v = finite("values", values, empty=True)
    with np.errstate(divide="ignore"):
        size = np.floor(np.log(np.abs(v)) * PER_E) + OFFSET
    return np.where(v == 0, 0, np.sign(v) * np.where(v == 0, 0, size)).astype(np.int64)


def _value(bucket: Ints, inside: Floats) -> Floats:
    # Negative buckets run the other way: their low end is the one farther from zero.
    along = np.where(bucket < 0, 1.0 - inside, inside)
    with np.errstate(over="ignore"):
        size = np.exp((np.abs(bucket) - OFFSET + along) / PER_E)
    return np.where(bucket == 0, 0.0, np.sign(bucket) * size)


def _ranks(n: int, level: float, alpha: float) -> tuple[int, int]:
    """Ranks (from 0) between which the true quantile lies with probability 1 - alpha; -1 or n: there is none."""
    from scipy.special import bdtr  # a tenth of a second to import, and most starts ask for no interval

    if n == 0:
        return -1, 0
    spread = z_of(alpha) * np.sqrt(n * level * (1 - level)) + 3
    near = np.arange(max(0, int(n * level - 2 * spread)), min(n, int(n * level + 2 * spread)) + 1)
    below = bdtr(near, n, level)  # P(at most k values lie below the quantile)
    low = near[below <= alpha / 2]
    high = near[below >= 1 - alpha / 2]
    return (int(low[-1]) if len(low) else -1), (int(high[0]) if len(high) else n)
