"""Trees grown at random on labelled rows: what a scorer learns where features matter only together.

Extremely randomised trees: at each node a few features are drawn, one threshold of each, and the best split is kept.
Deterministic; nothing but numpy. `bench.train_scorers` writes what it grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TREES = 160
# Rows that a leaf holds at least.
LEAST = 10
# Of the features, so many are looked at in a node.
LOOKED = 0.15
SEED = 20_261_122


def grown(matrix: Array, labels: Array, trust: Array, *, trees: int = TREES, seed: int = SEED) -> dict[str, Any]:
    """Trees as flat lists: a node is a feature and a threshold, its left child follows it, its right one is named;
    a leaf is feature -1 and the share of good rows in it. Both classes weigh the same."""
    share = float((labels * trust).sum() / trust.sum())
    weight = trust * np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
    nodes: list[tuple[int, float, int]] = []
    roots = []
    for number in range(trees):
        roots.append(len(nodes))
        _grow(nodes, matrix, labels, weight, np.random.default_rng([seed, number]))
    return {
        "roots": roots,
        "feature": [one[0] for one in nodes],
        "value": [one[1] for one in nodes],
        "right": [one[2] for one in nodes],
    }


def _grow(
    nodes: list[tuple[int, float, int]], matrix: Array, labels: Array, weight: Array, rng: np.random.Generator
) -> None:
    waiting: list[tuple[NDArray[np.int64], int]] = [(np.flatnonzero(weight > 0), -1)]
    while waiting:
        rows, parent = waiting.pop()
        at = len(nodes)
        if parent >= 0:  # it is the right child of that one
            nodes[parent] = (nodes[parent][0], nodes[parent][1], at)
        split = _split(matrix, labels, weight, rows, rng)
        if split is None:
            mine = weight[rows]
            nodes.append((-1, round(float((mine * labels[rows]).sum() / mine.sum()), 3), 0))
            continue
        feature, threshold = split
        nodes.append((feature, threshold, 0))
        low = matrix[rows, feature] <= threshold
        waiting.append((rows[~low], at))
        waiting.append((rows[low], -1))


def _split(
    matrix: Array, labels: Array, weight: Array, rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[int, float] | None:
    here = labels[rows]
    if len(rows) < 2 * LEAST or here.min() == here.max():
        return None
    part = matrix[rows]
    low, high = part.min(axis=0), part.max(axis=0)
    differs = np.flatnonzero(high - low > 1e-9)
    rng.shuffle(differs)
    most = max(1, round(LOOKED * matrix.shape[1]))
    good, all_ = weight[rows] * here, weight[rows]
    best: tuple[float, int, float] | None = None
    for feature in differs[:most].tolist():
        threshold = round(float(rng.uniform(low[feature], high[feature])), 3)
        left = part[:, feature] <= threshold
        if min(left.sum(), (~left).sum()) < LEAST:
            continue
        impurity = sum(_impurity(good[side].sum(), all_[side].sum()) for side in (left, ~left))
        if best is None or impurity < best[0]:
            best = (impurity, feature, threshold)
    return None if best is None else best[1:]


def _impurity(good: float, total: float) -> float:
    return float(good * (total - good) / total) if total > 0 else 0.0


def table(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> Array:
    """Rows of named values as a matrix."""
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])
