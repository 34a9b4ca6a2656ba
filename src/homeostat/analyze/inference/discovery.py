"""Many questions at once, where a share of wrong answers is bounded instead of their number.

For a periodic digest over metrics and segments: `e_bh`. For a sequence of separate experiments: `e_lond`. Both take
e-values and need no independence. They are no alarms; alarms spend the budget of `budget`.

References: Wang & Ramdas, "False discovery rate control with e-values", JRSS-B 2022; Xu & Ramdas, "Online multiple
testing with e-values", AISTATS 2024.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, chance, finite


def e_bh(evidence: ArrayLike, alpha: float) -> Bools:
    """Which of K null hypotheses to reject so that at most a share alpha of the rejected ones is expected to be true.

    >>> e_bh([100.0, 30.0, 1.0, 0.2], 0.1).tolist()
    [True, True, False, False]
    """
    e = finite("evidence", evidence, low=0, empty=True)
    chance("alpha", alpha)
    order = np.argsort(-e, kind="stable")
    rank = np.arange(1, len(e) + 1)
    passing = np.flatnonzero(e[order] * rank * alpha >= len(e))
    rejected = np.zeros(len(e), dtype=bool)
    if len(passing):
        rejected[order[: passing[-1] + 1]] = True
    return rejected


def e_lond(evidence: ArrayLike, alpha: float) -> Bools:
    """The same for hypotheses that come one after the other, in their order.

    >>> e_lond([1000.0, 1.0, 1000.0], 0.05).tolist()
    [True, False, True]
    """
    e = finite("evidence", evidence, low=0, empty=True)
    chance("alpha", alpha)
    rejected = np.zeros(len(e), dtype=bool)
    found = 0
    for i, weight in enumerate(discount(len(e))):
        rejected[i] = e[i] * alpha * weight * (found + 1) >= 1
        found += bool(rejected[i])
    return rejected


def discount(length: int) -> Floats:
    """The part of alpha for each hypothesis in turn: t ** -1.6, which sums to 1 over all t (zeta(1.6) = 2.2858)."""
    return np.asarray(np.arange(1, length + 1, dtype=np.float64) ** -1.6 / 2.2857657)
