"""Does a model still answer fixed prompts as it did? Compared prompt by prompt, so a change of traffic cannot look like
one.

`answers_changed`: counts of the answers (first tokens, say) of two times; permuted within each prompt.
`clouds_changed`: embeddings of two windows of traffic, permuted by user, by random features of a Gaussian kernel; needs
many items to see a small change. Both are looked at once; `calibrated` makes an e-value of a p-value, to be multiplied
or fed to the detector.

References: Chauvin et al., arXiv:2602.11083 (border inputs); Gao, Liang, Guestrin, "Model equality testing",
arXiv:2410.20247; Gretton et al., JMLR 2012 (MMD); Rahimi & Recht, NeurIPS 2007 (random features); Vovk & Wang, AoS
2021.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, Ints, finite, same_length, whole

PERMUTATIONS: Final = 500
FEATURES: Final = 256


def answers_changed(before: ArrayLike, after: ArrayLike, *, rng: Generator, permutations: int = PERMUTATIONS) -> float:
    """p-value for counts [prompts, kinds of answers] of two times.

    >>> same, other = [[9, 1], [5, 5]] * 20, [[5, 5], [9, 1]] * 20
    >>> answers_changed(same, other, rng=np.random.default_rng(0)) < 0.01
    True
    """
    a, b = whole("before", before, empty=False), whole("after", after, empty=False)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError("before and after must be counts of the same prompts and answers")
    used = (a.sum(axis=1) > 0) & (b.sum(axis=1) > 0)
    a, b = a[used], b[used]
    if not len(a):
        raise ValueError("no prompt was answered at both times")
    n, m = a.sum(axis=1, keepdims=True), b.sum(axis=1, keepdims=True)
    both = a + b
    drawn = np.stack(
        [rng.multivariate_hypergeometric(row, int(k[0]), permutations) for row, k in zip(both, n, strict=True)], axis=1
    )
    seen = _apart(a, both - a, n, m)
    by_chance = _apart(drawn, both - drawn, n, m)
    return float((1 + (by_chance >= seen * (1 - 1e-12)).sum()) / (1 + permutations))


def _apart(a: Ints, b: Ints, n: Ints, m: Ints) -> Floats:
    return np.asarray((((a / n) - (b / m)) ** 2).sum(axis=(-2, -1)))


def clouds_changed(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    users: tuple[ArrayLike, ArrayLike] | None = None,
    rng: Generator,
    permutations: int = PERMUTATIONS,
) -> float:
    """p-value for embeddings [items, dimensions] of two windows. Items of one user are averaged first.

    >>> rng = np.random.default_rng(0)
    >>> clouds_changed(rng.normal(size=(300, 5)), rng.normal(0.5, 1, size=(200, 5)), rng=rng) < 0.01
    True
    """
    a, b = finite("reference", reference), finite("current", current)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError("embeddings must be [items, dimensions], of the same dimensions")
    features = _features(np.concatenate([a, b]), rng)
    first, second = features[: len(a)], features[len(a) :]
    if users is not None:
        first, second = _by_user(first, users[0]), _by_user(second, users[1])
    both = np.concatenate([first, second])
    size, n = len(both), len(first)
    take = rng.permuted(np.tile(np.arange(size) < n, (permutations, 1)), axis=1).astype(np.float64)
    take = np.concatenate([(np.arange(size) < n)[None, :].astype(np.float64), take])
    apart = take @ both / n - (both.sum(axis=0) - take @ both) / (size - n)
    statistic = (apart**2).sum(axis=1)
    return float((1 + (statistic[1:] >= statistic[0] * (1 - 1e-12)).sum()) / (1 + permutations))


def _features(x: Floats, rng: Generator) -> Floats:
    """Random features of a Gaussian kernel whose width is the median distance."""
    rows = rng.permutation(len(x))[:500]
    distances = np.sqrt(np.maximum(((x[rows, None, :] - x[rows[:50]][None, :, :]) ** 2).sum(axis=2), 0.0))
    width = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    angles = x @ rng.normal(0, 1 / width, (x.shape[1], FEATURES // 2))
    return np.asarray(np.sqrt(2 / FEATURES) * np.concatenate([np.cos(angles), np.sin(angles)], axis=1))


def _by_user(features: Floats, users: ArrayLike) -> Floats:
    _, place = np.unique(np.asarray(users), return_inverse=True)
    same_length(features=features, users=place)
    table = np.zeros((int(place.max()) + 1, features.shape[1]))
    np.add.at(table, place, features)
    return np.asarray(table / np.bincount(place)[:, None])


def calibrated(p: ArrayLike) -> Floats:
    """e-values of p-values: 1 / (2 sqrt(p)).

    >>> calibrated([0.0001]).tolist()
    [50.0]
    """
    return np.asarray(0.5 / np.sqrt(np.maximum(finite("p", p, low=0, high=1), 1e-300)))
