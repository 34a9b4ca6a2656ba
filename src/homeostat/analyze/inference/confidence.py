"""Intervals for a mean that hold at every moment at once, so that anybody may look whenever they like.

- `always`: values in [0, 1], any number of them, from 2 upwards; no approximation. From bets against every possible
  mean.
- `asymptotic`: any values with a variance, from `FIRST` upwards; narrower at large n; needs only n, sum, sum of
  squares.
- `clustered`: a ratio of sums over users (failures per answer), one record per user.

All states add up over shards. `planned` is the sample size at which the interval is to be narrowest: choose it once,
before looking.

References: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences", AoS 2024, arXiv:2103.06476; Waudby-Smith & Ramdas, "Estimating means of bounded random variables by
betting", JRSS-B 2024; Deng, Knoblich, Lu, KDD 2018 (delta method).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, chance, finite, same_length
from homeostat.analyze.inference.betting import product
from homeostat.analyze.inference.packing import packed, unpacked
from homeostat.analyze.inference.proportions import Interval

Side = Literal["both", "lower", "upper"]

#: Below this many values an asymptotic interval says nothing.
FIRST: Final = 50
VERSION: Final = 1

#: Stakes of `always`, as parts of the largest possible: small ones serve large samples.
_PARTS: Final = np.geomspace(3e-4, 0.95, 18)
_GRID: Final = 257


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, sum and sum of squares of many streams; adds up.

    >>> both = Moments.of([1.0, 2.0]) + Moments.of([3.0])
    >>> float(both.n), float(both.mean), float(both.variance)
    (3.0, 2.0, 1.0)
    """

    n: Floats
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Of the values along the last axis."""
        x = finite("values", values)
        return cls(np.full(x.shape[:-1], float(x.shape[-1])), x.sum(axis=-1), (x * x).sum(axis=-1))

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> Floats:
        """NaN without data."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.total / self.n)

    @property
    def variance(self) -> Floats:
        """Of the sample, n - 1; NaN below two values."""
        with np.errstate(divide="ignore", invalid="ignore"):
            around = np.maximum(self.squares - self.total * self.total / self.n, 0.0)
            return np.where(self.n > 1, around / (self.n - 1), np.nan)

    def to_json(self) -> bytes:
        """For whoever keeps it."""
        return packed("moments", VERSION, {"n": self.n, "total": self.total, "squares": self.squares})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same moments."""
        return cls(**unpacked("moments", VERSION, data))


def asymptotic(moments: Moments, alpha: float, *, planned: float, side: Side = "both", first: int = FIRST) -> Interval:
    """Interval for the mean. Before `first` values, or while all are equal, both ends are infinite.

    >>> one = asymptotic(Moments(np.array([400.0]), np.array([200.0]), np.array([200.0])), 0.05, planned=400)
    >>> one.low.round(3).tolist(), one.high.round(3).tolist()
    ([0.424], [0.576])
    """
    half = np.sqrt(moments.variance) * _boundary(moments.n, alpha, planned, side)
    return _within(moments.mean, half, (moments.n >= first) & (moments.variance > 0), side)


def _within(mean: Floats, half: Floats, known: Bools, side: Side) -> Interval:
    reach = np.where(known, half, np.inf)
    middle = np.where(np.isfinite(mean), mean, 0.0)
    low = middle - (np.inf if side == "upper" else reach)
    high = middle + (np.inf if side == "lower" else reach)
    return Interval(mean, np.asarray(low), np.asarray(high))


def _boundary(n: Floats, alpha: float, planned: float, side: Side) -> Floats:
    """Half the width in standard deviations: equations 9 (two-sided) and 134 (one-sided) of the reference."""
    chance("alpha", alpha)
    if not planned >= 1:
        raise ValueError("planned: at least one value")
    spent = alpha if side == "both" else min(2 * alpha, 0.999)
    rho2 = _rho2(spent, planned)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = n * rho2 + 1
        odds = np.log(np.sqrt(room) / alpha) if side == "both" else np.log1p(np.sqrt(room) / (2 * alpha))
        return np.asarray(np.sqrt(2 * room / (n * n * rho2) * odds))


def _rho2(alpha: float, planned: float) -> float:
    log = -2 * math.log(alpha)
    return (log + math.log1p(log)) / planned


@dataclass(frozen=True, slots=True)
class RatioMoments:
    """Users' sums S over K (failures over answers), added up: n, S, K, SS, SK, KK."""

    n: Floats
    s: Floats
    k: Floats
    ss: Floats
    sk: Floats
    kk: Floats

    @classmethod
    def of(cls, numerator: ArrayLike, denominator: ArrayLike) -> Self:
        """One entry per user along the last axis; nobody yet is no error."""
        s, k = finite("numerator", numerator, empty=True), finite("denominator", denominator, empty=True)
        same_length(numerator=s, denominator=k)
        n = np.full(s.shape[:-1], float(s.shape[-1]))
        return cls(n, s.sum(-1), k.sum(-1), (s * s).sum(-1), (s * k).sum(-1), (k * k).sum(-1))

    def __add__(self, other: RatioMoments) -> RatioMoments:
        return RatioMoments(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def ratio(self) -> Floats:
        """All of S over all of K; NaN while K is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.k > 0, self.s / self.k, np.nan)

    @property
    def variance(self) -> Floats:
        """Variance of one user's share in the ratio, by the delta method; divided by n it is that of the ratio."""
        r = self.ratio
        with np.errstate(divide="ignore", invalid="ignore"):
            around = np.maximum(self.ss - 2 * r * self.sk + r * r * self.kk, 0.0) / (self.n - 1)
            return np.where(self.n > 1, around / (self.k / self.n) ** 2, np.nan)


def clustered(
    users: RatioMoments, alpha: float, *, planned: float, side: Side = "both", first: int = FIRST
) -> Interval:
    """Always-valid interval for a ratio of sums over users.

    >>> rng = np.random.default_rng(0)
    >>> k = rng.poisson(9, 500) + 1
    >>> one = clustered(RatioMoments.of(rng.binomial(k, rng.beta(8, 2, 500)), k), 0.05, planned=500)
    >>> bool(one.low < 0.8 < one.high)
    True
    """
    half = np.sqrt(users.variance) * _boundary(users.n, alpha, planned, side)
    return _within(users.ratio, half, (users.n >= first) & (users.variance > 0), side)


def apart(a: RatioMoments, b: RatioMoments) -> Floats:
    """Variance of the difference of two arms. Users of neither differ less than those of both together: of what is
    rare a small arm has seen nothing, and a few who are all alike must not look surer than that.

    >>> few, many = (RatioMoments.of(np.arange(n) < bad, np.ones(n)) for n, bad in ((50, 0), (500, 3)))
    >>> bool(apart(many, few) > (3 / 550) * 0.99 / 50)
    True
    """
    least = (a + b).variance
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(a.variance, least) / a.n + np.maximum(b.variance, least) / b.n)


def difference(a: RatioMoments, b: RatioMoments, alpha: float, *, planned: float, first: int = FIRST) -> Interval:
    """Always-valid interval for the ratio of arm `a` minus that of arm `b`; `planned` users in both together."""
    n = a.n + b.n
    spread = np.sqrt(apart(a, b) * n)
    known = (np.minimum(a.n, b.n) >= first) & (spread > 0)
    return _within(a.ratio - b.ratio, spread * _boundary(n, alpha, planned, "both"), known, "both")


def always(count: ArrayLike, total: ArrayLike, alpha: float, *, squares: ArrayLike | None = None) -> Interval:
    """Interval for the mean of values in [0, 1], exact for every sample size and at every moment at once.

    A mean m is left out when bets against it, on either side, have multiplied their stake by 1/alpha. Without squares
    the values are taken as if they were 0 or 1.

    >>> one = always([30], [30], 0.05)
    >>> one.low.round(2).tolist(), one.high.tolist()
    ([0.8], [1.0])
    """
    n = np.atleast_1d(finite("count", count, low=0))
    s = np.atleast_1d(finite("total", total, low=0))
    q = s if squares is None else np.atleast_1d(finite("squares", squares, low=0))
    limit = -np.log(chance("alpha", alpha))
    if (s > n * (1 + 1e-9)).any() or (q > s * (1 + 1e-9)).any() or (q * n < s * s * (1 - 1e-9) - 1e-9).any():
        raise ValueError("no values in [0, 1] have this count, sum and sum of squares")
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(n > 0, s / n, np.nan)
    low = np.zeros(len(n))
    high = np.ones(len(n))
    for _ in range(2):  # coarse, then fine between the last mean left out and the first kept
        low, high = _edge(low, estimate, n, s, q, limit), _edge(high, estimate, n, s, q, limit)
    return Interval(estimate, np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0))


def evidence_against(mean: ArrayLike, count: ArrayLike, total: ArrayLike, squares: ArrayLike | None = None) -> Floats:
    """Log e-value against this mean of values in [0, 1], for each entry: what `always` compares with log(1/alpha).

    >>> bool(evidence_against([0.5], [30], [30])[0] > 10)
    True
    """
    m, n = np.atleast_1d(finite("mean", mean, low=0, high=1)), np.atleast_1d(finite("count", count, low=0))
    s = np.atleast_1d(finite("total", total, low=0))
    q = s if squares is None else np.atleast_1d(finite("squares", squares, low=0))
    return _against(m[:, None], n, s, q)[:, 0]


def _edge(outer: Floats, inner: Floats, n: Floats, s: Floats, q: Floats, limit: float) -> Floats:
    """The mean farthest from `outer` such that it and all between are left out; on the safe side by one grid step."""
    to = np.where(np.isfinite(inner), inner, outer)
    grid = outer[:, None] + (to - outer)[:, None] * np.linspace(0, 1, _GRID)
    out = _against(grid, n, s, q) >= limit
    passed = np.maximum(np.cumprod(out, axis=1).sum(axis=1) - 1, 0).astype(np.int64)
    edge: Floats = np.take_along_axis(grid, passed[:, None], axis=1)[:, 0]
    return edge


def _against(mean: Floats, n: Floats, s: Floats, q: Floats) -> Floats:
    """Log of the mean of all bets against every mean of [streams, points]."""
    m = np.clip(mean, 1e-12, 1 - 1e-12)[:, :, None]
    n, s, q = (a[:, None, None] for a in (n, s, q))
    up = product(_PARTS / m, m, n, s, q)
    down = product(_PARTS / (1 - m), 1 - m, n, n - s, n - 2 * s + q)
    both = np.concatenate([up, down], axis=2)
    top = both.max(axis=2, keepdims=True)
    return np.asarray((top + np.log(np.mean(np.exp(both - top), axis=2, keepdims=True)))[:, :, 0])


def mixture_evidence(estimate: float, variance: float, n: float, alpha: float, *, planned: float) -> float:
    """The e-value behind a two-sided asymptotic interval: at least 1/alpha exactly when the interval excludes 0.

    `variance` is that of the estimate.

    >>> round(mixture_evidence(0.1, 0.001, 400, 0.05, planned=400), 1)
    28.4
    """
    nrho2 = _rho2(alpha, planned) * n
    log = estimate * estimate / variance * nrho2 / (2 * (nrho2 + 1)) - np.log1p(nrho2) / 2
    return float(np.exp(min(log, 690.0)))
