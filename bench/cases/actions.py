"""Cases 27 and 28: distributions that add up, and verdicts on an action that did nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from bench.cases.figure import Case, Figure, at_most, rate_at_least, rate_at_most
from homeostat.analyze.inference.arrays import Floats
from homeostat.analyze.inference.before_after import before_after
from homeostat.analyze.inference.claims import Expected
from homeostat.analyze.inference.confidence import RatioMoments
from homeostat.analyze.inference.holdback import holdback
from homeostat.analyze.inference.sketch import Sketch
from homeostat.analyze.inference.switchback import drawn, switchback


def sketches(runs: int, rng: Generator) -> list[Figure]:
    worst, same = 0.0, True
    levels = np.array([0.5, 0.9, 0.99, 0.999])
    for _ in range(runs):
        values = rng.lognormal(0, 1.5, 200_000)
        shards = [Sketch.of_values(part) for part in np.array_split(values, 10)]
        merged = shards[0]
        for shard in shards[1:]:
            merged = shard + merged
        single = Sketch.of_values(values)
        same &= np.array_equal(single.buckets, merged.buckets) and np.array_equal(single.counts, merged.counts)
        true = np.quantile(values, levels, method="nearest")
        worst = max(worst, float(np.max(np.abs(merged.quantile(levels) / true - 1))))
    return [
        at_most("greatest relative error, p50 to p99.9", worst, 0.01, runs),
        rate_at_least("merged equals single pass", [same], 1.0),
    ]


def correlated(length: int, rho: float, rng: Generator, runs: int = 1) -> Floats:
    """AR(1) with variance 1."""
    noise = rng.standard_normal((runs, length + 50)) * np.sqrt(1 - rho * rho)
    return np.asarray(lfilter([1.0], [1.0, -rho], noise, axis=1)[:, 50:])


def inert(runs: int, rng: Generator, rho: float = 0.5) -> list[Figure]:
    """A metric that only fluctuates (AR(1) over hours); an alert on a bad stretch; an action that does nothing.

    The alert: the mean of 12 hours lies 1.5 of its standard deviations low. The hold-back compares 90 and 10 users in
    each of the next 48 hours. The naive test compares 24 hours after with the 12 before. Before-and-after has
    24 fresh hours.
    """
    series = correlated(2000, rho, rng, runs)
    caused, naive, told, claimed, helped = (np.zeros(runs, dtype=bool) for _ in range(5))
    expected = Expected(at_least=0.02)
    for run in range(runs):
        hours = 0.8 + 0.03 * series[run]
        mean = np.convolve(hours, np.ones(12) / 12, mode="valid")
        low = np.flatnonzero(mean[: -12 * 10] < 0.8 - 1.5 * mean.std())
        at = int(low[0]) + 12 if len(low) else 12
        later = np.clip(hours[at : at + 48], 0, 1)
        arms = [rng.binomial(1, np.repeat(later, size)).astype(np.float64) for size in (90, 10)]
        new, old = (RatioMoments.of(y, np.ones(len(y))) for y in arms)
        verdict = holdback(new, old, expected, planned=4800)
        caused[run] = verdict.outcome == "worked" and verdict.claim == "caused"
        real = (rng.random(480) < 0.65).astype(np.float64)
        helped[run] = holdback(new, RatioMoments.of(real, np.ones(480)), expected, planned=4800).outcome == "worked"
        before, after = hours[at - 12 : at], hours[at : at + 24]
        spread = np.sqrt(before.var(ddof=1) / 12 + after.var(ddof=1) / 24)
        naive[run] = after.mean() - before.mean() > 2 * spread
        last = before_after(hours[at + 2 : at + 26], hours[at + 26 : at + 74], expected, returned=50.0)
        told[run] = last.outcome == "worked"
        claimed[run] = last.claim == "caused"
    return [
        rate_at_most("hold-back: an inert action is said to have worked", caused, 0.05),
        rate_at_least("hold-back, 0.65 against 0.80: said to have worked", helped, 0.95),
        rate_at_most("before and after: an inert action is said to have worked", told, 0.05),
        rate_at_most("before and after: said to have caused anything", claimed, 0.0),
        rate_at_least("for comparison, a plain t-test says improved", naive, 0.15),
    ]


def series(runs: int, rng: Generator) -> list[Figure]:
    """Before and after on correlated blocks, nothing happening: how often the interval misses 0."""
    figures = []
    for rho in (0.0, 0.5, 0.7):
        missed = np.zeros(runs, dtype=bool)
        for run, row in enumerate(correlated(72, rho, rng, runs)):
            verdict = before_after(row[:24], row[24:], Expected(0.5))
            missed[run] = verdict.low > 0 or verdict.high < 0
        figures.append(rate_at_most(f"correlation {rho}: intervals that exclude 0", missed, 0.05))
    return figures


def switched(runs: int, rng: Generator) -> list[Figure]:
    """Twenty correlated blocks, the action on in half of them."""
    wrong, right, covers = (np.zeros(runs, dtype=bool) for _ in range(3))
    for run, row in enumerate(correlated(20, 0.5, rng, runs)):
        on = drawn(20, rng)
        wrong[run] = switchback(row, on, Expected(0.5), rng=rng).outcome in ("worked", "harmed")
        verdict = switchback(row + 2.0 * on, on, Expected(0.5), rng=rng)
        right[run] = verdict.outcome == "worked"
        covers[run] = verdict.low <= 2.0 <= verdict.high
    return [
        rate_at_most("inert: said to have done something", wrong, 0.05),
        rate_at_least("two standard deviations: said to have worked", right, 0.9),
        rate_at_least("interval covers", covers, 0.95),
    ]


CASES: Final = (
    Case("27", "ten shards of 20,000 lognormal values, merged", sketches, 2, 20),
    Case("28", "an inert action after an alert on noise", inert, 250, 1500),
    Case("28a", "before and after on correlated hours, nothing happening", series, 250, 1500),
    Case("28b", "switched on and off in 20 blocks", switched, 60, 1000),
)
