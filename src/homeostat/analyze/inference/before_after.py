"""Did it help? Last rung: the metric before and after, with nobody left on the old release.

An alert picks a bad stretch, and bad stretches end by themselves: after an inert action a plain before-and-after test
said "improved" in a quarter of all cases. So what counts as "before" is only what came in *after* the alert and before
the action, which nobody picked. Acted at once: there is no such data, and all that may be said is whether the metric is
back in its band.

What moved by less than the action expected may have drifted there: levels wander, and nobody stayed behind to tell. So
that it worked is said only of a metric that came as far as was expected. A hold-back needs no such rule.

Blocks resemble their neighbours. The variance of a mean is that of an AR(1) process, with the estimate of its
correlation corrected for short series, and Student's t on what that leaves of the sample. Controls (segments that the
action did not touch) are taken off block by block: difference in differences.

References: Andrews & Monahan, "An improved heteroskedasticity and autocorrelation consistent covariance matrix
estimator", Econometrica 1992; Kendall 1954 (bias of the correlation).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, finite, same_length
from homeostat.analyze.inference.band import VERIFIED
from homeostat.analyze.inference.claims import Allowed, Expected, Note, Verdict, lacking, less, outcome

LEAST_BLOCKS: Final = 12


def before_after(
    fresh: ArrayLike,
    after: ArrayLike,
    expected: Expected,
    *,
    controls: tuple[ArrayLike, ArrayLike] | None = None,
    returned: float = math.nan,
) -> Verdict:
    """`fresh`: block means between alert and action; `after`: since the action; `controls`: the same blocks elsewhere.

    `returned`: the evidence of `band.Return` that the metric is inside its band; claimed from 20 upwards.

    >>> rng = np.random.default_rng(0)
    >>> verdict = before_after(0.6 + 0.02 * rng.normal(size=12), 0.8 + 0.02 * rng.normal(size=12), Expected(0.1))
    >>> verdict.outcome, verdict.claim, verdict.notes
    ('worked', 'moved-with-the-action', ('other-causes-not-excluded',))
    """
    bad = finite("fresh", fresh, empty=True)
    good = finite("after", after, empty=True)
    units = len(bad) + len(good)
    fallback = _fallback(returned)
    if not len(bad):
        return _lacking(units, "no-fresh-data-before-the-action", returned)
    if min(len(bad), len(good)) < LEAST_BLOCKS:
        return _lacking(units, "too-few-blocks", returned)
    if controls is not None:
        bad, good = _without(bad, controls[0]), _without(good, controls[1])
    estimate = float(good.mean() - bad.mean())
    half = _half_width(bad, good, expected.alpha)
    low, high = estimate - half, estimate + half
    said = outcome(low, high, expected)
    surely = said in ("worked", "harmed")
    moved: Allowed = "moved-with-the-action" if controls is None else "moved-more-than-controls"
    notes: tuple[Note, ...] = ("other-causes-not-excluded",)
    if said == "worked" and (estimate if expected.up else -estimate) < expected.at_least:
        too_little = less(low, high, expected)
        said = "no-effect" if too_little else "not-enough-data"
        notes = ("less-than-expected", *notes)
    claim = moved if surely else fallback
    return Verdict(said, "before-after", claim, estimate, low, high, units, evidence=returned, notes=notes)


def _fallback(returned: float) -> Allowed:
    return "back-inside-band" if returned >= VERIFIED else "nothing"


def _lacking(units: int, note: Note, returned: float) -> Verdict:
    return replace(lacking("before-after", units, note, claim=_fallback(returned)), evidence=returned)


def _without(values: Floats, controls: ArrayLike) -> Floats:
    """Less the mean of the control series [series, blocks] in the same block."""
    table = np.atleast_2d(finite("controls", controls))
    same_length(values=values, controls=table[0])
    return np.asarray(values - table.mean(axis=0))


def correlation(*periods: Floats) -> float:
    """Correlation of neighbouring blocks, pooled over periods, corrected upwards for short series; 0 to 0.95."""
    around = [period - period.mean() for period in periods]
    squares = sum(float(a @ a) for a in around)
    if squares <= 0:
        return 0.0
    rho = sum(float(a[1:] @ a[:-1]) for a in around) / squares
    # Each period loses its own mean, and with it about (1 + 4 rho) / length of the correlation.
    length = sum(len(a) for a in around) / len(around)
    return min(max(rho + (1 + 4 * rho) / length, 0.0), 0.95)


def _half_width(bad: Floats, good: Floats, alpha: float) -> float:
    from scipy.special import stdtrit  # a tenth of a second to import, and most starts ask for no interval

    rho = correlation(bad, good)
    inflation = (1 + rho) / (1 - rho)
    variance, parts = 0.0, []
    for period in (bad, good):
        worth = max(len(period) / inflation, 1.5)
        # The sample variance of a correlated series is too small by the variance of its mean.
        spread = float(period.var()) / max(1 - 1 / worth, 0.2)
        parts.append((spread / worth, worth - 1))
        variance += spread / worth
    if variance <= 0:
        return math.inf
    freedom = max(variance**2 / sum(part**2 / left for part, left in parts), 1.0)
    return float(-stdtrit(freedom, alpha / 2)) * math.sqrt(variance)
