"""Cases 13 to 19: randomised comparisons that somebody looks at after every unit."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator

from bench.cases.figure import Case, Figure, at_most, rate_at_least, rate_at_most
from homeostat.analyze.inference.arrays import Bools, Floats
from homeostat.analyze.inference.confidence import Moments, RatioMoments, asymptotic, difference
from homeostat.analyze.inference.experiment import Predictor, harm_path, pseudo_outcomes, running_means, safe_path
from homeostat.analyze.inference.imbalance import ALPHA, mismatch

UNITS: Final = 20_000
NEVER: Final = np.inf


def phi(share: float, p0: float, p1: float, rng: Generator, units: int = UNITS) -> tuple[Floats, Floats]:
    """Who was treated, and the pseudo-outcomes."""
    a = (rng.random(units) < share).astype(np.float64)
    y = (rng.random(units) < np.where(a == 1, p1, p0)).astype(np.float64)
    m1, m0 = running_means(a, y)
    return a, pseudo_outcomes(a, y, share, m1=m1, m0=m0)


def decided_by_interval(x: Floats, planned: float) -> float:
    """After how many units the interval excludes 0."""
    moments = Moments(np.arange(1.0, len(x) + 1), np.cumsum(x), np.cumsum(x * x))
    return first(asymptotic(moments, 0.05, planned=planned).excludes(0) != 0)


def decided_by_bets(x: Floats) -> float:
    """After how many units the bets, half on either side, exclude 0."""
    return first((harm_path(x, 0.5) + harm_path(-x, 0.5)) / 2 >= 20)


def decided_by_one_side(x: Floats) -> float:
    """After how many units the bets on "it helps" win."""
    return first(safe_path(x, 0.5, 0.0) >= 20)


def first(reached: Bools) -> float:
    at = np.flatnonzero(reached)
    return float(at[0] + 1) if len(at) else NEVER


def nothing_happens(runs: int, rng: Generator) -> list[Figure]:
    figures = []
    for p in (0.5, 0.01):
        both = np.array(
            [(decided_by_interval(x, 5000), decided_by_bets(x)) for x in (phi(0.5, p, p, rng)[1] for _ in range(runs))]
        )
        figures.append(rate_at_most(f"share {p}: intervals that ever exclude 0", both[:, 0] < NEVER, 0.05))
        figures.append(rate_at_most(f"share {p}: bets that ever win", both[:, 1] < NEVER, 0.05))
    return figures


def something_happens(runs: int, rng: Generator) -> list[Figure]:
    found = np.zeros((3, runs))
    for run in range(runs):
        x = phi(0.5, 0.5, 0.55, rng)[1]
        found[:, run] = decided_by_interval(x, 3130), decided_by_one_side(x), decided_by_bets(x)
    return [
        at_most("interval: median units", np.median(found[0]), 3400, runs),
        at_most("bets on one side: median units", np.median(found[1]), 3400, runs),
        at_most("bets on both sides: median units", np.median(found[2]), 3700, runs),
        rate_at_least("found within 20,000", (found < NEVER).all(axis=0), 1.0),
    ]


def covariate(runs: int, rng: Generator) -> list[Figure]:
    """A covariate that explains half of what lies behind a yes or no; the prediction is renewed every 50 units."""
    plain, adjusted = np.zeros(runs), np.zeros(runs)
    units, batch = 12_000, 50
    planned = 3130 * 0.68  # fewer are planned when earlier data say what a covariate explains of the outcome
    for run in range(runs):
        x = rng.standard_normal(units)
        a = (rng.random(units) < 0.5).astype(np.float64)
        shift = 0.12566 * a  # a normal latent value, 0.50 to 0.55
        y = (np.sqrt(0.5) * x + np.sqrt(0.5) * rng.standard_normal(units) + shift > 0).astype(np.float64)
        m1, m0 = running_means(a, y)
        plain[run] = decided_by_interval(pseudo_outcomes(a, y, 0.5, m1=m1, m0=m0), 3130)
        predictor = Predictor.new(covariates=1)
        for start in range(0, units, batch):
            rows = slice(start, start + batch)
            m1[rows], m0[rows] = predictor.predicted(x[rows], batch)
            predictor = predictor.learned(a[rows], y[rows], x[rows])
        adjusted[run] = decided_by_interval(pseudo_outcomes(a, y, 0.5, m1=m1, m0=m0), planned)
    ratio = float(np.median(adjusted) / np.median(plain))
    drawn = rng.integers(0, runs, (200, runs))
    error = float(np.std(np.median(adjusted[drawn], axis=1) / np.median(plain[drawn], axis=1)))
    return [Figure("median units, of those without the covariate", "at most", ratio, 0.75, runs, error)]


def clusters(runs: int, rng: Generator) -> list[Figure]:
    """Ten events a user, users who differ, no effect; looked at after every user."""
    users = 2000
    by_user, by_event = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    for run in range(runs):
        k = rng.poisson(9, users) + 1.0
        s = rng.binomial(k.astype(np.int64), rng.beta(0.8, 0.8, users)).astype(np.float64)
        a = rng.random(users) < 0.5
        arms = [
            RatioMoments(*(np.cumsum(arm * v) for v in (np.ones(users), s, k, s * s, s * k, k * k))) for arm in (a, ~a)
        ]
        by_user[run] = (difference(arms[0], arms[1], 0.05, planned=users).excludes(0) != 0).any()
        # Every event as if it were independent: a share of k events has s ones.
        events = [RatioMoments(arm.k, arm.s, arm.k, arm.s, arm.s, arm.k) for arm in arms]
        by_event[run] = (difference(events[0], events[1], 0.05, planned=10.0 * users).excludes(0) != 0).any()
    return [
        rate_at_most("by user: intervals that ever exclude 0", by_user, 0.05),
        rate_at_least("for comparison, by event", by_event, 0.5),
    ]


def rollback(runs: int, rng: Generator) -> list[Figure]:
    """A canary of 10 %, rolled back at evidence 100 (alpha 1 %)."""
    treated = np.full((3, runs), NEVER)
    for row, p1 in enumerate((0.85, 0.75, 0.60)):
        for run in range(runs):
            a, x = phi(0.1, 0.85, p1, rng, UNITS if p1 == 0.85 else 8000)
            at = first(harm_path(x, 0.1) >= 100)
            treated[row, run] = a[: int(at)].sum() if at < NEVER else NEVER
    return [
        rate_at_most("rolled back although harmless", treated[0] < NEVER, 0.01),
        at_most("0.85 to 0.75: median treated users", np.median(treated[1]), 220, runs),
        at_most("0.85 to 0.60: median treated users", np.median(treated[2]), 60, runs),
    ]


def non_inferiority(runs: int, rng: Generator) -> list[Figure]:
    same, worse = (
        np.array([first(safe_path(phi(0.5, 0.85, p1, rng)[1], 0.5, 0.03) >= 20) for _ in range(runs)])
        for p1 in (0.85, 0.80)
    )
    return [
        rate_at_least("no difference: declared not worse by 3 points", same < NEVER, 0.95),
        rate_at_most("worse by 5 points: declared all the same", worse < NEVER, 0.025),
    ]


def mismatched(runs: int, rng: Generator) -> list[Figure]:
    def alarm(share: float) -> float:
        one = np.cumsum(rng.random(UNITS) < share)
        counts = np.stack([one, np.arange(1, UNITS + 1) - one], axis=1)
        return first(mismatch(counts, [0.5, 0.5]) >= np.log(1 / ALPHA))

    fair, biased = (np.array([alarm(share) for _ in range(runs)]) for share in (0.5, 0.55))
    return [
        rate_at_most("50/50: false alarms", fair < NEVER, ALPHA),
        at_most("55/45: median users", np.median(biased), 1800, runs),
    ]


CASES: Final = (
    Case("13", "no difference, 20,000 units, looked at after each", nothing_happens, 120, 1000),
    Case("14", "0.50 against 0.55", something_happens, 100, 1000),
    Case("15", "the same with a covariate that explains half", covariate, 100, 1500),
    Case("16", "no difference, ten events a user", clusters, 200, 600),
    Case("17", "a canary of 10 %", rollback, 100, 400),
    Case("18", "not worse by more than 3 points, 50/50", non_inferiority, 100, 400),
    Case("19", "sample ratio mismatch at 0.001, looked at after each user", mismatched, 200, 1000),
)
