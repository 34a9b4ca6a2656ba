"""Did the mix change: which categories (topics, models, bins of a number) came more, or less, often than in a
reference?

One conformal detector for each category, on "is it this one". The alarm is the greatest of them, not their sum: the
detectors see different p-values, and only their union is bounded. So a stream with K categories gives each of them 1/K
of its budget: give `detector.advance` one row for each (stream, category).

Numbers become categories by the deciles of a reference (`edges`), with a bin for what is missing. A category that the
reference does not know is its own bin; it is found soonest.

Reference: Vovk et al., arXiv:2102.10439; union bound over categories.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, Ints, finite, same_length, whole
from homeostat.analyze.inference.betting import Bets
from homeostat.analyze.inference.conformal import Bag, hits, p_values

#: How many times as often (up), or as seldom (down), the bets think a category may have become.
BOOSTS: Final = np.array([1.15, 1.4, 2.0, 4.0, 8.0])
LEAST_SHARE: Final = 0.01
BINS: Final = 10
_CAP: Final = 0.95


def edges(reference: ArrayLike, bins: int = BINS) -> Floats:
    """Inner edges of bins with about equal shares of the reference.

    >>> edges([1.0, 2.0, 3.0, 4.0], bins=2).tolist()
    [2.5]
    """
    inner = np.quantile(finite("reference", reference), np.arange(1, bins) / bins)
    return np.unique(inner)


def binned(values: ArrayLike, inner: Floats) -> Ints:
    """The bin of each value; NaN (missing) goes into one more, the last.

    >>> binned([1.0, 9.0, float("nan")], np.array([2.5])).tolist()
    [0, 1, 2]
    """
    v = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(v), len(inner) + 1, np.searchsorted(inner, v, side="right")).astype(np.int64)


def shares_of(tuning: ArrayLike) -> Floats:
    """Thresholds b of every category [streams * categories] from tuning counts [streams, categories]."""
    counts = whole("tuning", tuning, empty=False)
    if counts.ndim != 2 or (counts.sum(axis=1) == 0).any():
        raise ValueError("tuning: counts must be [streams, categories], with something in every stream")
    share = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE).ravel())


def category_bets(threshold: Floats) -> Bets:
    """Bets on z = 1{p <= b} by how much more (or less) often a category may come.

    >>> category_bets(np.array([0.05])).up.round(2).tolist()
    [[0.16, 0.42, 1.05, 3.16, 7.37]]
    """
    b = np.clip(finite("threshold", threshold, low=0, high=1), 1e-6, 1 - 1e-6)
    up = np.minimum((BOOSTS - 1) / (1 - b[:, None]), _CAP / b[:, None])
    down = np.minimum((1 - 1 / BOOSTS) / (1 - b[:, None]), _CAP / (1 - b[:, None]))
    above = np.stack([np.log1p(up * (1 - b[:, None])), np.log1p(-up * b[:, None])], axis=2)
    below = np.stack([np.log1p(-down * (1 - b[:, None])), np.log1p(down * b[:, None])], axis=2)
    weights = np.full((len(b), 2 * len(BOOSTS)), 0.5 / len(BOOSTS))
    return Bets(b, b, up, down, weights, np.concatenate([above, below], axis=1))


def one_against_the_rest(
    bags: Bag, threshold: Floats, stream: ArrayLike, category: ArrayLike, *, categories: int, rng: Generator
) -> tuple[Floats, Floats, Bag]:
    """Count and sum of z for every (stream, category), and the bags [streams * categories, 1, 2] with the values added.

    >>> bags = Bag(np.array([[[90, 10]], [[10, 90]]]))
    >>> rng, b = np.random.default_rng(0), np.array([0.1, 0.9])
    >>> n, z, _ = one_against_the_rest(bags, b, [0, 0], [1, 1], categories=2, rng=rng)
    >>> n.tolist(), z.tolist()
    ([2.0, 2.0], [0.0, 2.0])
    """
    row, kind = whole("stream", stream), whole("category", category)
    same_length(stream=row, category=kind)
    if len(kind) and kind.max() >= categories:
        raise ValueError(f"category: there are {categories} categories")
    every = (row[:, None] * categories + np.arange(categories)).ravel()
    is_it = (kind[:, None] == np.arange(categories)).ravel().astype(np.int64)
    p, grown = p_values(bags, every, is_it, rng=rng)
    n, z = hits(p, every, threshold)
    return n, z, grown
