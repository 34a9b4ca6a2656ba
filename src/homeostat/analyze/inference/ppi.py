"""Quality as people would judge it, from many scores of a judge and few labels of people.

A judge's score is never what is claimed; it makes the labels go further. Labels must be drawn at random, with a known
probability. How few or how wrong the judge's scores are changes the width, never the truth, of these intervals.

- `post_stratified`: the default. A judge with a verdict or a few buckets; holds with few labels and few errors.
- `plus_plus`: a judge with numbers.
- `rogan_gladen`: labels from an old calibration set, if the judge's error rates are believed to have stayed.
- `Running`: may be looked at any time. `blocks`: for detectors. See `labels` for whom to ask.

References: Angelopoulos, Duchi, Zrnic, "PPI++", arXiv:2311.01453; Chen et al., arXiv:2601.05420; Rogan & Gladen 1978;
Lang & Reiczigel 2014; Kilian et al., arXiv:2505.18000 (sequential).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, chance, finite, same_length, whole
from homeostat.analyze.inference.confidence import FIRST, Moments, asymptotic
from homeostat.analyze.inference.packing import packed, unpacked
from homeostat.analyze.inference.proportions import Interval, Unknown, z_of

VERSION: Final = 1
DRAWS: Final = 2000
#: A running interval starts with this many labels on which judge and people disagreed.
DISAGREEMENTS: Final = 10
#: A judge whose sensitivity and specificity exceed chance by less than this corrects nothing.
LEAST_YOUDEN: Final = 0.3


def post_stratified(
    judged: ArrayLike, labelled: ArrayLike, positive: ArrayLike, *, rng: Generator, alpha: float = 0.05
) -> Interval:
    """Share of positives among everything judged. Per stratum of the judge: how many judged, labelled, labelled
    positive.

    Without any label the interval is nearly all of [0, 1] and the estimate NaN.

    >>> one = post_stratified([9000, 1000], [250, 50], [240, 15], rng=np.random.default_rng(0))
    >>> float(one.estimate.round(3)), bool(one.low < 0.894 < one.high)
    (0.894, True)
    """
    all_, n, k = strata(judged, labelled, positive)
    chance("alpha", alpha)
    weights = all_ / all_.sum()
    seen = n > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(seen, k / n, (k.sum() + 0.5) / (n.sum() + 1))
    estimate = np.asarray((weights * shares).sum() if seen.any() else np.nan)
    sizes = rng.dirichlet(all_ + 0.5, DRAWS)
    drawn = rng.beta(k + 0.5, n - k + 0.5, (DRAWS, len(k)))
    low, high = np.quantile((sizes * drawn).sum(axis=1), [alpha / 2, 1 - alpha / 2])
    return Interval(estimate, np.asarray(low), np.asarray(high))


def strata(judged: ArrayLike, labelled: ArrayLike, positive: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The three counts per stratum, looked at."""
    all_ = finite("judged", judged, low=0)
    n, k = finite("labelled", labelled, low=0), finite("positive", positive, low=0)
    same_length(judged=all_, labelled=n, positive=k)
    if (k > n).any() or (n > all_).any():
        raise ValueError("positive <= labelled <= judged must hold in every stratum")
    if all_.sum() == 0:
        raise ValueError("judged: nothing was judged")
    return all_, n, k


def plus_plus(labels: ArrayLike, judge: ArrayLike, everything: Moments, alpha: float = 0.05) -> Interval:
    """Mean of the labels over everything judged: `judge` are the scores of the labelled ones, `everything` of all.

    Under-covers with fewer than about ten disagreements among the labels: then use `post_stratified`.

    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(5000) < 0.8
    >>> f = np.where(rng.random(5000) < 0.9, y, ~y).astype(float)
    >>> one = plus_plus(y[:300], f[:300], Moments.of(f))
    >>> one.estimate.round(3).tolist(), (one.high - one.low).round(3).tolist()
    (0.768, 0.062)
    """
    y, f = finite("labels", labels), finite("judge", judge)
    n = same_length(labels=y, judge=f)
    total, spread = float(everything.n), float(everything.variance)
    if n < 2 or total < n:
        raise ValueError("two labels at least, all of them among what was judged")
    lam = 0.0
    if spread > 0:
        lam = float(np.clip(np.cov(y, f)[0, 1] / ((1 + n / total) * spread), 0, 1))
    estimate = lam * float(everything.mean) + float(np.mean(y - lam * f))
    half = z_of(alpha) * math.sqrt(lam * lam * spread / total + float(np.var(y - lam * f, ddof=1)) / n)
    return Interval(np.asarray(estimate), np.asarray(estimate - half), np.asarray(estimate + half))


@dataclass(frozen=True, slots=True)
class Calibration:
    """An old set of labels: how many were truly positive (negative), and how many of them the judge called so."""

    positives: int
    found: int
    negatives: int
    rejected: int


def rogan_gladen(called: int, judged: int, old: Calibration, alpha: float = 0.05) -> Interval | Unknown:
    """Share of positives from the judge's share, corrected by its old error rates; refused when it knows too little.

    >>> one = rogan_gladen(8000, 10000, Calibration(500, 475, 500, 400))
    >>> float(one.estimate.round(3))
    0.8
    >>> rogan_gladen(8000, 10000, Calibration(500, 300, 500, 300))
    Unknown(reason='the judge is right too seldom to be corrected')
    """
    if min(old.positives, old.negatives) < 1 or judged < 1:
        return Unknown("there are no labels of one kind, or nothing was judged")
    if not (0 <= called <= judged and 0 <= old.found <= old.positives and 0 <= old.rejected <= old.negatives):
        raise ValueError("counts: a part is greater than its whole")
    se, sp, q = old.found / old.positives, old.rejected / old.negatives, called / judged
    youden = se + sp - 1
    if youden < LEAST_YOUDEN:
        return Unknown("the judge is right too seldom to be corrected")
    theta = min(max((q + sp - 1) / youden, 0.0), 1.0)
    variance = q * (1 - q) / judged + theta**2 * se * (1 - se) / old.positives
    variance += (1 - theta) ** 2 * sp * (1 - sp) / old.negatives
    half = z_of(alpha) * math.sqrt(variance) / youden
    return Interval(np.asarray(theta), np.asarray(max(theta - half, 0.0)), np.asarray(min(theta + half, 1.0)))


def _nothing() -> Moments:
    return Moments(np.zeros(()), np.zeros(()), np.zeros(()))


@dataclass(frozen=True, slots=True)
class Running:
    """Quality that may be looked at any time, from judged events of which some were labelled. Adds up."""

    phi: Moments = field(default_factory=_nothing)
    disagreements: int = 0

    def seen(self, judge: ArrayLike, labels: ArrayLike, drawn: ArrayLike) -> Running:
        """Events: the judge's scores, the labels (NaN: not labelled), and with what probability a label was drawn.

        >>> r = Running().seen([1.0, 0.0], [1.0, float("nan")], 0.5)
        >>> float(r.phi.total), r.disagreements
        (1.0, 0)
        """
        f = finite("judge", judge, low=0, high=1, empty=True)
        y = np.asarray(labels, dtype=np.float64)
        same_length(judge=f, labels=y)
        known = ~np.isnan(y)
        finite("labels", y[known], low=0, high=1, empty=True)
        p = np.broadcast_to(finite("drawn", drawn, low=0, high=1), f.shape)
        if (p[known] <= 0).any():
            raise ValueError("drawn: what was labelled had a chance to be drawn")
        phi = f.copy()
        phi[known] += (y[known] - f[known]) / p[known]
        differ = int((np.abs(y[known] - f[known]) >= 0.5).sum())
        more = Moments(np.asarray(float(len(phi))), np.asarray(phi.sum()), np.asarray((phi * phi).sum()))
        return Running(self.phi + more, self.disagreements + differ)

    def __add__(self, other: Running) -> Running:
        return Running(self.phi + other.phi, self.disagreements + other.disagreements)

    def interval(self, alpha: float, *, planned: float) -> Interval | Unknown:
        """Holds at every moment at once; unknown until judge and people disagreed ten times."""
        if self.disagreements < DISAGREEMENTS or float(self.phi.n) < FIRST:
            return Unknown("too few labels on which judge and people disagree")
        one = asymptotic(self.phi, alpha, planned=planned)
        return Interval(one.estimate, np.clip(one.low, 0, 1), np.clip(one.high, 0, 1))

    def to_json(self) -> bytes:
        """For the transaction that also holds the watermark."""
        fields = {"n": self.phi.n, "total": self.phi.total, "squares": self.phi.squares}
        return packed("running", VERSION, {**fields, "disagreements": self.disagreements})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same state."""
        found = unpacked("running", VERSION, data)
        return cls(Moments(found["n"], found["total"], found["squares"]), found["disagreements"])


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of judged events with one label each, as values in [0, 1] for detectors and `band.Level`.

    Betting on single corrected events would be ruined by their range; one label per block of B events keeps it small.
    `lean` is how much the judge is trusted (0: labels only), from a pilot.
    """

    lean: float = 0.6

    def values(self, judge_mean: ArrayLike, label: ArrayLike, judge_of_label: ArrayLike) -> Floats:
        """Per block: the judge's mean over the block, the label of one event drawn from it, the judge's score of that
        event.

        >>> Blocks(0.5).values([0.9], [1.0], [1.0]).round(3).tolist()
        [0.725]
        """
        m, y = finite("judge_mean", judge_mean, low=0, high=1), finite("label", label, low=0, high=1)
        f = finite("judge_of_label", judge_of_label, low=0, high=1)
        same_length(judge_mean=m, label=y, judge_of_label=f)
        return (self.lean * m + y - self.lean * f + self.lean) / (1 + 2 * self.lean)

    def level(self, quality: ArrayLike) -> Floats:
        """What a quality is on the scale of `values`."""
        return (finite("quality", quality, low=0, high=1) + self.lean) / (1 + 2 * self.lean)

    @classmethod
    def tuned(cls, labels: ArrayLike, judge: ArrayLike) -> Self:
        """The lean that makes a pilot's values vary least."""
        y, f = finite("labels", labels), finite("judge", judge)
        same_length(labels=y, judge=f)
        spread = float(np.var(f))
        return cls(float(np.clip(np.cov(y, f, ddof=0)[0, 1] / spread, 0, 1)) if spread > 0 else 0.0)


def counts(stratum: ArrayLike, labels: ArrayLike, size: int) -> tuple[Floats, Floats, Floats]:
    """Events with their stratum and label (NaN: none) → judged, labelled, positive per stratum."""
    s = whole("stratum", stratum)
    y = np.asarray(labels, dtype=np.float64)
    same_length(stratum=s, labels=y)
    known = ~np.isnan(y)
    judged, n = (np.bincount(rows, minlength=size).astype(np.float64) for rows in (s, s[known]))
    return judged, n, np.bincount(s[known], weights=y[known], minlength=size).astype(np.float64)
