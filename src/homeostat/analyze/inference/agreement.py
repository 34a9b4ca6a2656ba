"""How far two judges, or several people, agree beyond chance.

At skewed prevalence kappa is low for good judges; Gwet's AC1 stands beside it. People's labels are treated as truth
only if Krippendorff's alpha is at least 0.67.

References: Cohen 1960; Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement",
2008; Matthews 1975; Krippendorff, "Content Analysis", 2004 (coincidence matrix).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, chance, finite, same_length
from homeostat.analyze.inference.proportions import Interval

Scale = Literal["nominal", "interval"]

TRUSTED_ALPHA: Final = 0.67


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two raters. NaN where a figure is not defined (both said one thing only)."""

    n: int
    observed: float
    kappa: float
    ac1: float
    mcc: float
    """Matthews' correlation; of two categories only, else NaN."""


def agreement(one: ArrayLike, other: ArrayLike) -> Agreement:
    """Of two raters on the same items; categories are any numbers.

    >>> agreement([1, 1, 1, 0], [1, 1, 0, 0])
    Agreement(n=4, observed=0.75, kappa=0.5, ac1=0.5294117647058824, mcc=0.5773502691896258)
    """
    a, b = finite("one", one), finite("other", other)
    n = same_length(one=a, other=b)
    kinds, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    size = len(kinds)
    table = np.zeros((size, size))
    np.add.at(table, (codes[:n], codes[n:]), 1 / n)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    seen = float(np.trace(table))
    middle = (rows + columns) / 2
    ac1 = _beyond(seen, float((middle * (1 - middle)).sum() / (size - 1))) if size > 1 else math.nan
    return Agreement(n, seen, _beyond(seen, float(rows @ columns)), ac1, _mcc(table) if size == 2 else math.nan)


def _beyond(observed: float, by_chance: float) -> float:
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def _mcc(table: Floats) -> float:
    (tn, fp), (fn, tp) = table
    below = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return float((tp * tn - fp * fn) / below) if below > 0 else math.nan


def krippendorff(ratings: ArrayLike, *, scale: Scale = "nominal") -> float:
    """Alpha of a table [raters, items]; NaN: that rater did not see that item. NaN if nothing varies.

    >>> nan = float("nan")
    >>> round(krippendorff([[1, 2, 3, 3, 2, nan], [1, 2, 3, 3, 2, 4], [nan, 3, 3, 3, 2, 4]]), 3)
    0.828
    """
    return _alpha(*_pairs(ratings), scale=scale)


def krippendorff_interval(
    ratings: ArrayLike, *, rng: Generator, scale: Scale = "nominal", alpha: float = 0.05, draws: int = 1000
) -> Interval:
    """Alpha with an interval over items, by bootstrap. A resample in which nothing varies counts as full agreement."""
    chance("alpha", alpha)
    kinds, items = _pairs(ratings)
    n = len(items)
    times = rng.multinomial(n, np.full(n, 1 / n), draws)
    found = np.array([_alpha(kinds, items, scale=scale, times=row) for row in times])
    found = np.where(np.isnan(found), 1.0, found)
    low, high = np.quantile(found, [alpha / 2, 1 - alpha / 2])
    return Interval(np.asarray(_alpha(kinds, items, scale=scale)), np.asarray(low), np.asarray(high))


def _pairs(ratings: ArrayLike) -> tuple[Floats, Floats]:
    """The kinds of ratings, and how often each item got each kind, for items with two ratings at least."""
    table = np.atleast_2d(np.asarray(ratings, dtype=np.float64))
    known = ~np.isnan(table)
    kinds = np.unique(finite("ratings", table[known]))
    counts = np.stack([((table == kind) & known).sum(axis=0) for kind in kinds], axis=1).astype(np.float64)
    kept = counts[counts.sum(axis=1) >= 2]
    if not len(kept):
        raise ValueError("ratings: no item has two ratings")
    return kinds, kept


def _alpha(kinds: Floats, counts: Floats, *, scale: Scale, times: ArrayLike = 1.0) -> float:
    weight = np.broadcast_to(np.asarray(times, dtype=np.float64), (len(counts),))
    size = counts.sum(axis=1)
    coincide = np.einsum("u,ui,uj->ij", weight / (size - 1), counts, counts)
    coincide -= np.diag((weight / (size - 1)) @ counts)
    apart = np.subtract.outer(kinds, kinds) ** 2 if scale == "interval" else 1 - np.eye(len(kinds))
    margin = coincide.sum(axis=0)
    expected = float(margin @ apart @ margin) / float(margin.sum() - 1)
    return 1 - float((coincide * apart).sum()) / expected if expected > 0 else math.nan
