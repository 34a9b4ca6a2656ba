"""A randomised comparison of two releases, looked at whenever somebody likes.

Each unit (user) becomes one pseudo-outcome phi with mean "effect of the treatment", whatever the predictions m1 and m0
are, as long as they were made before the unit's outcome was known. Good predictions make phi less variable (this is
CUPED when they come from a covariate). Intervals: `confidence.asymptotic` on the moments of phi. Automatic actions:
bets on phi, exact for outcomes in [0, 1]:

    harm    null "effect >= 0"        roll back when the evidence reaches 1 / alpha
    safe    null "effect <= -margin"  not worse than the margin when it reaches 1 / alpha

A unit enters once, when a fixed window after its first exposure closed (`matured`): a record that still changes is no
martingale.

References: Waudby-Smith et al., arXiv:2103.06476 (AIPW pseudo-outcomes); Waudby-Smith & Ramdas, JRSS-B 2024 (betting);
Deng, Xu, Kohavi, Walker, WSDM 2013 (CUPED).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, chance, finite, same_length, whole
from homeostat.analyze.inference.packing import packed, unpacked

VERSION: Final = 1
BETS: Final = 10
#: How many invented units stand behind the first predictions.
_PRIOR: Final = 1.0
#: What they say of outcomes in [0, 1] before anything is known.
_START: Final = 0.5


def pseudo_outcomes(
    treated: ArrayLike, outcome: ArrayLike, share: float, *, m1: ArrayLike, m0: ArrayLike, high: float = 1.0
) -> Floats:
    """phi for every unit, with mean m1 - m0 + what the unit adds; `share` is the probability of treatment.

    For outcomes in [0, high], |phi| <= high / min(share, 1 - share).

    >>> pseudo_outcomes([1, 0], [1.0, 1.0], 0.5, m1=[0.5, 0.5], m0=[0.5, 0.5]).tolist()
    [1.0, -1.0]
    """
    chance("share", share)
    a = finite("treated", treated, low=0, high=1)
    y = finite("outcome", outcome, low=0, high=high)
    one = np.clip(finite("m1", m1), 0, high)
    zero = np.clip(finite("m0", m0), 0, high)
    same_length(treated=a, outcome=y, m1=one, m0=zero)
    return one - zero + a / share * (y - one) - (1 - a) / (1 - share) * (y - zero)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts a unit's outcome in both arms from the units before it; with a covariate, by least squares in each arm.

    The state is (X'X, X'y) per arm, with an intercept: it adds up.
    """

    gram: Floats
    """[2, d, d], control first."""
    cross: Floats
    """[2, d]."""

    @classmethod
    def new(cls, covariates: int = 0) -> Self:
        """Nothing known."""
        return cls(np.zeros((2, covariates + 1, covariates + 1)), np.zeros((2, covariates + 1)))

    def predicted(self, covariates: ArrayLike | None, units: int) -> tuple[Floats, Floats]:
        """m1 and m0 of the next units, from what is known now. A small arm leans on both arms together."""
        x = _design(covariates, units, self.gram.shape[1])
        start = np.eye(1, x.shape[1])[0] * _START
        pooled = _solved(self.gram.sum(axis=0), self.cross.sum(axis=0), start)
        m0, m1 = (x @ _solved(self.gram[arm], self.cross[arm], pooled) for arm in (0, 1))
        return m1, m0

    def learned(self, treated: ArrayLike, outcome: ArrayLike, covariates: ArrayLike | None = None) -> Predictor:
        """With these units known as well."""
        a = finite("treated", treated, low=0, high=1, empty=True)
        y = finite("outcome", outcome, empty=True)
        x = _design(covariates, same_length(treated=a, outcome=y), self.gram.shape[1])
        arms = np.stack([1 - a, a])
        return Predictor(self.gram + np.einsum("au,ui,uj->aij", arms, x, x), self.cross + (arms * y) @ x)

    def to_json(self) -> bytes:
        """For the transaction that also holds the evidence."""
        return packed("predictor", VERSION, {"gram": self.gram, "cross": self.cross})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same predictor."""
        return cls(**unpacked("predictor", VERSION, data))


def _design(covariates: ArrayLike | None, units: int, width: int) -> Floats:
    given = np.zeros((units, 0)) if covariates is None else finite("covariates", covariates, empty=True)
    columns = given.reshape(units, -1) if units else np.zeros((0, width - 1))
    if columns.shape[1] != width - 1:
        raise ValueError(f"covariates: expected {width - 1} columns, found {columns.shape[1]}")
    return np.hstack([np.ones((units, 1)), columns])


def _solved(gram: Floats, cross: Floats, prior: Floats) -> Floats:
    """Least squares that leans a little on `prior`, so that it exists before the first unit."""
    eye = _PRIOR * np.eye(len(gram))
    return np.asarray(np.linalg.solve(gram + eye, cross + _PRIOR * prior), dtype=np.float64)


def running_means(treated: ArrayLike, outcome: ArrayLike, *, start: Predictor | None = None) -> tuple[Floats, Floats]:
    """m1 and m0 of every unit from exactly the units before it, without covariates: many units in one pass.

    >>> m1, m0 = running_means([1, 0, 1], [1.0, 0.0, 1.0])
    >>> m1.round(2).tolist(), m0.round(2).tolist()
    ([0.5, 0.88, 0.75], [0.5, 0.75, 0.25])
    """
    a = finite("treated", treated, low=0, high=1)
    y = finite("outcome", outcome)
    same_length(treated=a, outcome=y)
    first = start or Predictor.new()
    arms = np.stack([1 - a, a])
    n = np.cumsum(arms, axis=1) - arms + first.gram[:, :1, 0]
    s = np.cumsum(arms * y, axis=1) - arms * y + first.cross[:, :1]
    pooled = (s.sum(axis=0) + _PRIOR * _START) / (n.sum(axis=0) + _PRIOR)
    m0, m1 = (s + _PRIOR * pooled) / (n + _PRIOR)
    return m1, m0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log wealth of the bets for "harm" and for "safe". `margin` and `share` are fixed when the experiment starts."""

    share: float
    margin: float
    harm: Floats
    safe: Floats

    @classmethod
    def new(cls, share: float, margin: float = 0.0) -> Self:
        """Before the first unit."""
        chance("share", share)
        finite("margin", margin, low=0, high=1)
        return cls(share, margin, np.zeros(BETS), np.zeros(BETS))

    def seen(self, phi: ArrayLike) -> Evidence:
        """With these pseudo-outcomes of outcomes in [0, 1].

        >>> e = Evidence.new(0.5, margin=0.1).seen([-1.0] * 40)
        >>> e.of_harm > 100, e.of_safety < 1
        (True, True)
        """
        bound = 1 / min(self.share, 1 - self.share)
        x = finite("phi", phi, low=-bound, high=bound, empty=True)[:, None]
        harm = np.log1p(-_stakes(bound) * x).sum(axis=0)
        safe = np.log1p(_stakes(bound - self.margin) * (x + self.margin)).sum(axis=0)
        return Evidence(self.share, self.margin, self.harm + harm, self.safe + safe)

    @property
    def of_harm(self) -> float:
        """Evidence against "the treatment does no harm"."""
        return float(mixed(self.harm))

    @property
    def of_safety(self) -> float:
        """Evidence against "the treatment is worse by the margin or more"."""
        return float(mixed(self.safe))

    def to_json(self) -> bytes:
        """For the transaction that also holds watermark and action."""
        return packed("evidence", VERSION, {name: getattr(self, name) for name in ("share", "margin", "harm", "safe")})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same evidence."""
        return cls(**unpacked("evidence", VERSION, data))


def mixed(log_wealth: Floats) -> Floats:
    """The mean over the bets (last axis), from logarithms; at most 1e300."""
    top = np.max(log_wealth, axis=-1, keepdims=True)
    mean = top[..., 0] + np.log(np.mean(np.exp(log_wealth - top), axis=-1))
    return np.asarray(np.exp(np.minimum(mean, 690.0)))


def harm_path(phi: ArrayLike, share: float) -> Floats:
    """Evidence of harm after each unit in turn: for planning ("how many units would it take?") and for tests."""
    bound = 1 / min(chance("share", share), 1 - share)
    x = finite("phi", phi, low=-bound, high=bound)[:, None]
    return mixed(np.cumsum(np.log1p(-_stakes(bound) * x), axis=0))


def safe_path(phi: ArrayLike, share: float, margin: float) -> Floats:
    """Evidence of safety after each unit in turn."""
    bound = 1 / min(chance("share", share), 1 - share)
    x = finite("phi", phi, low=-bound, high=bound)[:, None]
    return mixed(np.cumsum(np.log1p(_stakes(bound - margin) * (x + margin)), axis=0))


def _stakes(bound: float) -> Floats:
    """Up to nearly all of what one unit of the worst kind would leave."""
    return np.asarray(np.geomspace(0.02, 0.9, BETS) / bound)


def matured(first_exposure: ArrayLike, window: int, *, before: int, now: int) -> Bools:
    """Units whose window of `window` ticks after first exposure closed after tick `before` and not after tick `now`.

    >>> matured([0, 5, 9], 10, before=9, now=15).tolist()
    [True, True, False]
    """
    closes = whole("first_exposure", first_exposure) + window
    result: Bools = (closes > before) & (closes <= now)
    return result
