"""Cases 8 to 10 and 26: did the mix change, did the model change."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator

from bench.cases.detection import HORIZON
from bench.cases.figure import Case, Figure, at_most, rate_at_least, rate_at_most
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.betting import growth
from homeostat.analyze.inference.canary import answers_changed
from homeostat.analyze.inference.categories import binned, category_bets, edges, shares_of
from homeostat.analyze.inference.conformal import POWERS, Bag, p_values, power_growth
from homeostat.analyze.inference.detector import State, advance, for_horizon
from homeostat.analyze.inference.shift import shift

REFERENCE: Final = 5000


def first_alarm(tuning: Ints, bag: Ints, values: Ints, rng: Generator, since: int) -> Ints:
    """First alarm of any category at or after `since`, for streams [streams, steps] of categories; -1: none."""
    streams, steps = values.shape
    kinds = bag.shape[1]
    z = np.empty((steps, streams * kinds))
    threshold = shares_of(tuning)
    for row in range(streams):
        own = slice(row * kinds, (row + 1) * kinds)
        counts = np.stack([bag[row].sum() - bag[row], bag[row]], axis=1)[:, None, :]
        z[:, own] = _z(Bag(counts), threshold[own], values[row], rng)
    bet = category_bets(threshold)
    state, one = State.new(streams * kinds, bet.weights.shape[1]), np.ones(streams * kinds)
    first, inject = np.full(streams, -1), for_horizon(0.05, HORIZON) / kinds
    for step in range(steps):
        state, tick = advance(state, growth(bet, one, z[step]), inject, weights=bet.weights)
        any_ = tick.alarm.reshape(streams, kinds).any(axis=1)
        if step >= since:
            first = np.where((first < 0) & any_, step + 1 - since, first)
            if (first > 0).all():
                break
    return first


def _z(bags: Bag, threshold: Floats, values: Ints, rng: Generator) -> Floats:
    """z of every step and category."""

    kinds = len(threshold)
    every = np.tile(np.arange(kinds), len(values))
    is_it = (values[:, None] == np.arange(kinds)).ravel().astype(np.int64)
    p, _ = p_values(bags, every, is_it, rng=rng)
    return (p.reshape(-1, kinds) <= threshold).astype(np.float64)


def _latency(runs: int, factor: float, before: int, after: int, rng: Generator) -> Ints:
    tuning, bag, values = [], [], []
    for _ in range(runs):
        reference = rng.lognormal(0, 0.8, REFERENCE)
        inner = edges(reference[: REFERENCE // 5])
        kinds = len(inner) + 2
        stream = np.concatenate([rng.lognormal(0, 0.8, before), factor * rng.lognormal(0, 0.8, after)])
        tuning.append(np.bincount(binned(reference[: REFERENCE // 5], inner), minlength=kinds))
        bag.append(np.bincount(binned(reference[REFERENCE // 5 :], inner), minlength=kinds))
        values.append(binned(stream, inner))
    return first_alarm(np.array(tuning), np.array(bag), np.array(values), rng, before)


def latency(runs: int, rng: Generator) -> list[Figure]:
    clean = _latency(runs, 1.0, 0, HORIZON if runs > 100 else 4000, rng)
    double, quarter = _latency(runs, 2.0, 300, 2000, rng), _latency(runs, 1.25, 300, 6000, rng)
    return [
        rate_at_most("no change: false alarms", clean > 0, 0.05),
        rate_at_least("twice as slow: found", double > 0, 0.995),
        at_most("twice as slow: mean events", double[double > 0].mean(), 160, runs),
        rate_at_least("a quarter slower: found", quarter > 0, 0.99),
        at_most("a quarter slower: mean events", quarter[quarter > 0].mean(), 1400, runs),
    ]


def _topics(runs: int, shares: Floats, changed: Floats, before: int, after: int, rng: Generator) -> Ints:
    tuning = rng.multinomial(REFERENCE // 5, shares, runs)
    bag = rng.multinomial(REFERENCE - REFERENCE // 5, shares, runs)
    values = [rng.choice(len(shares), (runs, n), p=p) for n, p in ((before, shares), (after, changed))]
    return first_alarm(tuning, bag, np.concatenate(values, axis=1), rng, before)


def topics(runs: int, rng: Generator) -> list[Figure]:
    usual = np.array([0.05, 0.2, 0.15, 0.15, 0.12, 0.1, 0.1, 0.08, 0.05, 0.0])
    twice, new = usual * 0.9 / 0.95, usual * 0.97
    twice[0], new[-1] = 0.10, 0.03
    clean = _topics(runs, usual, usual, 0, HORIZON if runs > 100 else 4000, rng)
    more, unseen = _topics(runs, usual, twice, 300, 5000, rng), _topics(runs, usual, new, 300, 4000, rng)
    return [
        rate_at_most("no change: false alarms", clean > 0, 0.05),
        rate_at_least("5 % to 10 %: found", more > 0, 0.99),
        at_most("5 % to 10 %: mean events", more[more > 0].mean(), 1100, runs),
        rate_at_least("unknown topic at 3 %: found", unseen > 0, 0.99),
        at_most("unknown topic at 3 %: mean events", unseen[unseen > 0].mean(), 600, runs),
    ]


def novelty(runs: int, rng: Generator) -> list[Figure]:
    """Distances from the centre of a cloud of 10 dimensions; a fifth of the items come from a cloud 3 away."""

    def path(share: float, steps: int) -> Ints:
        shift = np.where(rng.random((runs, steps)) < share, 3.0, 0.0)
        far = rng.chisquare(9, (runs, steps)) + (rng.standard_normal((runs, steps)) + shift) ** 2
        return np.searchsorted(edges_, far.ravel()).reshape(runs, steps)

    edges_ = np.quantile(rng.chisquare(10, 1000), np.linspace(0, 1, 257)[1:-1])
    bag = Bag(np.stack([np.bincount(row, minlength=256) for row in path(0.0, 1000)])[:, None, :])
    found = []
    for share, steps in ((0.0, 5000), (0.2, 2000)):
        values = path(share, steps)
        state, first = State.new(runs, len(POWERS)), np.full(runs, -1)
        p, _ = p_values(bag, np.repeat(np.arange(runs), steps), values.ravel(), rng=rng)
        for step, row in enumerate(p.reshape(runs, steps).T, start=1):
            state, tick = advance(state, power_growth(row, np.arange(runs), runs), for_horizon(0.05, 5000))
            first = np.where((first < 0) & tick.alarm, step, first)
        found.append(first)
    return [
        rate_at_most("no change: false alarms", found[0] > 0, 0.05),
        rate_at_least("a fifth is new: found", found[1] > 0, 0.99),
        at_most("a fifth is new: mean events", found[1][found[1] > 0].mean(), 220, runs),
    ]


def windows(runs: int, rng: Generator) -> list[Figure]:
    """A report on a window of 1,000 beside a reference of 5,000: flagged when p < 0.05 and the effect reaches 0.02."""

    def flags(share: float) -> Floats:
        hits = np.zeros(runs, dtype=bool)
        for run in range(runs):
            a, b = rng.binomial(REFERENCE, 0.2), rng.binomial(1000, share)
            found = shift([REFERENCE - a, a], [1000 - b, b], rng=rng)
            hits[run] = found.p < 0.05 and found.low >= 0.02
        return hits.astype(np.float64)

    return [
        rate_at_most("no change: flagged", flags(0.2), 0.05),
        rate_at_least("0.20 to 0.30: flagged", flags(0.3), 0.99),
    ]


def probes(runs: int, rng: Generator) -> list[Figure]:
    """50 prompts, ten answers each at two times; logits shifted by a normal amount of standard deviation 1."""

    def p_value(spread: float) -> float:
        logits = rng.normal(0, 1, (50, 4))
        odds = [np.exp(x) for x in (logits, logits + rng.normal(0, spread, (50, 4)))]
        shares = [x / x.sum(axis=1, keepdims=True) for x in odds]
        return answers_changed(*(rng.multinomial(10, p) for p in shares), rng=rng, permutations=200)

    same, other = (np.array([p_value(spread) for _ in range(runs)]) for spread in (0.0, 1.0))
    return [
        rate_at_most("the same model: said to have changed", same <= 0.05, 0.05),
        rate_at_least("changed: said so", other <= 0.05, 0.90),
    ]


CASES: Final = (
    Case("8", "lognormal latencies (sigma 0.8) by deciles of a reference of 5,000", latency, 25, 300),
    Case("9", "a failure share in a window of 1,000", windows, 200, 1000),
    Case("10", "topics, reference 5,000", topics, 25, 300),
    Case("12", "novelty scores, 256 bins, reference 1,000 (made, not the digits that were asked)", novelty, 60, 300),
    Case("26", "50 prompts replayed, ten answers each", probes, 60, 1000),
)
