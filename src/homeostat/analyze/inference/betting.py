"""Bets against "the mean lies in [lo, hi]", for values in [0, 1] of which only count, sum and sum of squares are known.

Each bet multiplies its stake by 1 + up * (x - hi), or 1 - down * (x - lo), for every value. While E[x | past] stays in
the band no bet gains on average: no further assumption on the distribution, the traffic, or the independence of
streams.

A tick brings many values and the engine brings only their sums, so the product over the values is not known. `growth`
takes the smallest product that values with these sums can have, which is at most the true one, so the guarantee holds.
It is exact for values that are 0 or 1. Sharp otherwise: of all distributions on [0, 1] with two given moments, a
function with third derivative of one sign is least under two atoms, one of them at an end (Markov–Krein; Karlin &
Studden, "Tchebycheff Systems", 1966). Order within a tick and the number of shards make no difference.

References: Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024; Shin, Ramdas,
Rinaldo, "E-detectors", arXiv:2203.03532.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, finite

Sides = Literal["both", "up", "down"]

POINTS: Final = 8
#: A mean of exactly 0 or 1 cannot be bet against; the band ends here at the latest.
_EDGE: Final = 1e-6
#: The largest part of a stake that one value may cost.
_CAP: Final = 0.95


@dataclass(frozen=True, slots=True)
class Bets:
    """Bets of every stream on both sides of its band."""

    lo: Floats
    hi: Floats
    up: Floats
    """[streams, K] stakes on "above hi"."""
    down: Floats
    """[streams, K] stakes on "below lo"."""
    weights: Floats
    """[streams, 2K] how the budget is spread, up first; 0 on a side that cannot be crossed."""
    sure: Floats
    """[streams, 2K, 2] log factor of a value 1, and of a value 0."""


def bets(lo: ArrayLike, hi: ArrayLike, *, variance: ArrayLike | None = None, sides: Sides = "both") -> Bets:
    """Bets for bands [lo, hi]. `variance` is that of a reference, when values are not just 0 and 1.

    >>> one = bets([0.2], [0.2])
    >>> one.up.round(2).tolist()
    [[0.12, 0.21, 0.35, 0.58, 0.97, 1.62, 2.7, 4.5]]
    """
    low = np.clip(np.atleast_1d(finite("lo", lo, low=0, high=1)), _EDGE, 1 - _EDGE)
    high = np.clip(np.atleast_1d(finite("hi", hi, low=0, high=1)), _EDGE, 1 - _EDGE)
    low, high = (np.array(side) for side in np.broadcast_arrays(low, high))
    if (low > high).any():
        raise ValueError("lo must not be above hi")
    up = _stakes(high, variance)
    down = _stakes(1 - low, variance)
    above = _sure(up, high)
    below = _sure(down, 1 - low)[:, :, ::-1]
    return Bets(low, high, up, down, _weights(low, high, sides), np.concatenate([above, below], axis=1))


def growth(bet: Bets, count: ArrayLike, total: ArrayLike, squares: ArrayLike | None = None) -> Floats:
    """Log factor [streams, 2K] of one tick: `count` values in [0, 1] with this sum (and sum of squares).

    Without squares the values are taken as if they were 0 or 1, which is the worst they can be.

    >>> one = bets([0.2], [0.2])
    >>> bool(np.allclose(growth(one, [10], [4])[0, 0], 4 * np.log1p(.125 * .8) + 6 * np.log1p(-.125 * .2)))
    True
    """
    n, s = _sums(bet, count, total)
    if squares is None:
        return s[:, None] * bet.sure[:, :, 0] + (n - s)[:, None] * bet.sure[:, :, 1]
    q = np.atleast_1d(finite("squares", squares, low=0))
    if (q > s * (1 + 1e-9) + 1e-9).any() or (q * n < s * s * (1 - 1e-9) - 1e-9).any():
        raise ValueError("squares: no values in [0, 1] have this count, sum and sum of squares")
    above = product(bet.up, bet.hi[:, None], n[:, None], s[:, None], q[:, None])
    below = product(bet.down, 1 - bet.lo[:, None], n[:, None], (n - s)[:, None], (n - 2 * s + q)[:, None])
    return np.concatenate([above, below], axis=1)


def product(stake: Floats, mean: Floats, n: Floats, total: Floats, squares: Floats) -> Floats:
    """The least sum of log(1 + stake * (x - mean)) over n values in [0, 1] with these sums; all arrays broadcast."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # Two atoms: at 0, and at `atom`, which carries `heavy` of the n values. Rounding may not push them outside.
        atom = np.where(total > 0, np.minimum(squares / total, 1.0), 0.0)
        heavy = np.where(squares > 0, np.minimum(total * total / squares, n), 0.0)
        atom = np.where(heavy > 0, total / heavy, atom)
    result: Floats = heavy * np.log1p(stake * (atom - mean)) + (n - heavy) * np.log1p(-stake * mean)
    return result


def _sums(bet: Bets, count: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    n = np.atleast_1d(finite("count", count, low=0))
    s = np.atleast_1d(finite("total", total, low=0))
    if n.shape != bet.lo.shape or s.shape != bet.lo.shape:
        raise ValueError(f"count and total must have one entry for each of {len(bet.lo)} streams")
    if (s > n * (1 + 1e-9) + 1e-9).any():
        raise ValueError("total: a sum of values in [0, 1] cannot exceed their count")
    return n, np.minimum(s, n)


def _stakes(mean: Floats, variance: ArrayLike | None) -> Floats:
    """Best stakes for shifts from a twentieth of a standard deviation (at most 0.02) to nearly all that is possible."""
    spread = mean * (1 - mean) if variance is None else finite("variance", variance, low=0)
    spread = np.clip(np.broadcast_to(spread, mean.shape), 1e-6, mean * (1 - mean))
    most = np.minimum(0.9 * (1 - mean) / spread, _CAP / mean)
    least = np.minimum(np.minimum(0.02, 0.05 * np.sqrt(spread)) / spread, most / 4)
    return np.asarray(np.geomspace(least, most, POINTS, axis=1))


def _sure(stake: Floats, mean: Floats) -> Floats:
    return np.stack([np.log1p(stake * (1 - mean[:, None])), np.log1p(-stake * mean[:, None])], axis=2)


def _weights(low: Floats, high: Floats, sides: Sides) -> Floats:
    up = (high < 1 - 2 * _EDGE) & (sides != "down")
    down = (low > 2 * _EDGE) & (sides != "up")
    alive = np.stack([up, down], axis=1).astype(np.float64)
    if (alive.sum(axis=1) == 0).any():
        raise ValueError("a band with no side that can be crossed watches nothing")
    return np.repeat(alive / alive.sum(axis=1, keepdims=True) / POINTS, POINTS, axis=1)
