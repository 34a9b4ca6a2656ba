"""Did it help? First rung: some users, drawn at random, stay on the old release while the others get the new one.

Both arms meet the same days, the same outages and the same return to normal, so what differs was caused by the action.
One record per user; may be looked at any time.

Reference: arXiv:2103.06476 (asymptotic confidence sequences), by way of `confidence.difference`.
"""

from __future__ import annotations

import math

from homeostat.analyze.inference.claims import Expected, Verdict, lacking, less, outcome
from homeostat.analyze.inference.confidence import FIRST, RatioMoments, apart, difference, mixture_evidence


def holdback(new: RatioMoments, old: RatioMoments, expected: Expected, *, planned: float) -> Verdict:
    """The new release's ratio minus the old one's. `planned`: users in both arms when the decision is due.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> arms = [RatioMoments.of(rng.random(2000) < p, np.ones(2000)) for p in (0.85, 0.70)]
    >>> verdict = holdback(*arms, Expected(0.05), planned=4000)
    >>> verdict.outcome, verdict.claim
    ('worked', 'caused')
    """
    units = int(new.n + old.n)
    if min(float(new.n), float(old.n)) < FIRST:
        return lacking("randomised", units, "too-few-units")
    interval = difference(new, old, expected.alpha, planned=planned)
    low, high = float(interval.low), float(interval.high)
    said = outcome(low, high, expected)
    variance = float(apart(new, old))
    return Verdict(
        outcome=said,
        rung="randomised",
        claim="nothing" if said == "not-enough-data" else "caused",
        estimate=float(interval.estimate),
        low=low,
        high=high,
        units=units,
        evidence=mixture_evidence(float(interval.estimate), variance, units, expected.alpha, planned=planned)
        if variance > 0
        else math.nan,
        notes=less(low, high, expected) if said == "worked" else (),
    )
