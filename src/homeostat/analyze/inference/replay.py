"""Did it help? Third rung: the incident's own prompts, answered by the old and the new release, judged in pairs.

Speaks for the replayed cases and no others. Several answers to one prompt are averaged first: the prompt is the unit.

Reference: Waudby-Smith & Ramdas, JRSS-B 2024, on the differences.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import finite, same_length
from homeostat.analyze.inference.claims import Expected, Verdict, lacking, less, outcome
from homeostat.analyze.inference.confidence import always, evidence_against

LEAST_CASES: Final = 5


def replay(old: ArrayLike, new: ArrayLike, expected: Expected) -> Verdict:
    """Scores in [0, 1], one per case (mean over its answers), in the same order. May be looked at after every case.

    >>> verdict = replay(np.zeros(30), np.r_[np.ones(25), np.zeros(5)], Expected(0.2))
    >>> verdict.outcome, verdict.claim
    ('worked', 'holds-for-these-cases')
    """
    before = finite("old", old, low=0, high=1, empty=True)
    after = finite("new", new, low=0, high=1, empty=True)
    cases = same_length(old=before, new=after)
    if cases < LEAST_CASES:
        return lacking("replay", cases, "too-few-units")
    half = (after - before + 1) / 2  # differences lie in [-1, 1], bets want [0, 1]
    sums = [cases], [half.sum()]
    squares = [(half * half).sum()]
    interval = always(*sums, expected.alpha, squares=squares)
    low, high = 2 * float(interval.low[0]) - 1, 2 * float(interval.high[0]) - 1
    said = outcome(low, high, expected)
    return Verdict(
        outcome=said,
        rung="replay",
        claim="nothing" if said == "not-enough-data" else "holds-for-these-cases",
        estimate=float(np.mean(after - before)),
        low=low,
        high=high,
        units=cases,
        evidence=float(np.exp(min(evidence_against([0.5], *sums, squares)[0], 690.0))),
        notes=less(low, high, expected) if said == "worked" else (),
    )
