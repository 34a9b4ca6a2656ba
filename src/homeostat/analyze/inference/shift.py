"""Two windows beside each other: do their distributions differ, and by how much?

For a report, looked at once per window, not for alarms. A tiny p-value is worth nothing alone at large n: a feature is
flagged when p is small (Benjamini–Yekutieli over all features, whatever their dependence) *and* the lower end of the
effect's interval reaches what matters.

References: McDonald, "G-test", after Woolf 1957; Lin 1991 (Jensen–Shannon); Benjamini & Yekutieli, AoS 2001; Yurdakul &
Naranjo 2020 (the null mean of PSI).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, chance, finite, same_length
from homeostat.analyze.inference.proportions import Unknown

#: Below this many values a PSI is mostly noise.
LEAST_FOR_PSI: Final = 500
DRAWS: Final = 400


@dataclass(frozen=True, slots=True)
class Shift:
    """How two windows of counts over the same bins differ."""

    p: float
    distance: float
    """Jensen–Shannon distance, base 2: 0 the same, 1 nothing in common."""
    low: float
    """Lower 95 % end of the distance, less what chance alone would show."""


def shift(reference: ArrayLike, current: ArrayLike, *, rng: Generator) -> Shift:
    """From counts over the same bins. Counts of users, not of events, if events of a user resemble each other.

    >>> found = shift([500, 300, 200], [300, 300, 400], rng=np.random.default_rng(0))
    >>> found.p < 1e-9, found.low > 0.1
    (True, True)
    """
    a, b = _windows(reference, current)
    n, m = a.sum(), b.sum()
    pooled = (a + b) / (n + m)
    found = float(_distance(a / n, b / m))
    # The square of a distance between samples is too large by what chance alone shows; that is taken off.
    by_chance = _resampled(pooled, pooled, n, m, rng) ** 2
    again = _resampled(a / n, b / m, n, m, rng) ** 2
    low = found**2 - by_chance.mean() - (np.quantile(again, 0.95) - again.mean())
    return Shift(g_test(a, b), found, float(np.sqrt(max(low, 0.0))))


def _resampled(p: Floats, q: Floats, n: float, m: float, rng: Generator) -> Floats:
    return _distance(rng.multinomial(round(n), p, DRAWS) / round(n), rng.multinomial(round(m), q, DRAWS) / round(m))


def g_test(reference: ArrayLike, current: ArrayLike) -> float:
    """p-value of the likelihood-ratio test that both windows have one distribution."""
    from scipy.special import chdtrc  # a tenth of a second to import, and most starts ask for no interval

    a, b = _windows(reference, current)
    pooled = (a + b) / (a.sum() + b.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(x > 0, x * np.log(x / (x.sum() * pooled)), 0.0) for x in (a, b)]
    freedom = int((pooled > 0).sum()) - 1
    return float(chdtrc(freedom, 2 * np.sum(parts))) if freedom > 0 else 1.0


def psi(reference: ArrayLike, current: ArrayLike) -> float | Unknown:
    """Population stability index less what chance shows without any change; unknown below 500 values.

    >>> psi([50, 50], [50, 50])
    Unknown(reason='fewer than 500 values')
    """
    a, b = _windows(reference, current)
    n, m = a.sum(), b.sum()
    if min(n, m) < LEAST_FOR_PSI:
        return Unknown(f"fewer than {LEAST_FOR_PSI} values")
    p, q = (a + 0.5) / (n + 0.5 * len(a)), (b + 0.5) / (m + 0.5 * len(b))
    return float(((q - p) * np.log(q / p)).sum() - (len(a) - 1) * (1 / n + 1 / m))


def flagged(p: ArrayLike, low: ArrayLike, *, matters: float, alpha: float = 0.05) -> Bools:
    """Features with a small p after correction and an effect that matters.

    >>> flagged([1e-6, 1e-6, 0.3], [0.2, 0.01, 0.2], matters=0.1).tolist()
    [True, False, False]
    """
    values, ends = finite("p", p, low=0, high=1, empty=True), finite("low", low, empty=True)
    k = same_length(p=values, low=ends)
    chance("alpha", alpha)
    if not k:
        return np.zeros(0, dtype=bool)
    order = np.argsort(values, kind="stable")
    bound = alpha * np.arange(1, k + 1) / (k * np.sum(1 / np.arange(1, k + 1)))
    passing = np.flatnonzero(values[order] <= bound)
    small = np.zeros(k, dtype=bool)
    if len(passing):
        small[order[: passing[-1] + 1]] = True
    return small & (ends >= matters)


def _windows(reference: ArrayLike, current: ArrayLike) -> tuple[Floats, Floats]:
    a, b = finite("reference", reference, low=0), finite("current", current, low=0)
    same_length(reference=a, current=b)
    if a.sum() == 0 or b.sum() == 0:
        raise ValueError("a window without values cannot be compared")
    return a, b


def _distance(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(x > 0, x * np.log2(x / middle), 0.0).sum(axis=-1) for x in (p, q)]
    return np.asarray(np.sqrt(np.maximum(parts[0] + parts[1], 0.0) / 2))
