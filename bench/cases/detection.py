"""Cases 1 to 7: false alarms and delays of the detectors, and what breaks lesser ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator

from bench.cases.figure import Case, Figure, at_least, at_most, count_at_most, mean_at_most, rate_at_least, rate_at_most
from homeostat.analyze.inference.arrays import Bools, Floats, Ints
from homeostat.analyze.inference.betting import Bets, bets, growth
from homeostat.analyze.inference.blocks import Seen, fresh, per_user
from homeostat.analyze.inference.budget import Budget, shares
from homeostat.analyze.inference.conformal import Bag, hits, p_values, rank_bets, ranks, season, shuffled, split
from homeostat.analyze.inference.detector import State, advance, for_budget, for_horizon, for_run_length

HORIZON: Final = 10_000


def first_alarm(bet: Bets, values: Floats, inject: float, *, since: int = 0) -> Ints:
    """The first alarm of each stream at or after step `since` (steps from 1), one value a step; -1: none."""
    steps, streams = values.shape
    state, one = State.new(streams, bet.weights.shape[1]), np.ones(streams)
    first = np.full(streams, -1)
    for step in range(steps):
        state, tick = advance(state, growth(bet, one, values[step]), inject, weights=bet.weights)
        if step >= since:
            first = np.where((first < 0) & tick.alarm, step + 1 - since, first)
            if (first > 0).all():
                break
    return first


def known(values: Bools, mean: float) -> tuple[Bets, Floats]:
    """Bets against a known mean; values as [steps, streams]."""
    streams = len(values)
    return bets(np.full(streams, mean), np.full(streams, mean)), np.ascontiguousarray(values.T, dtype=np.float64)


def sampled(values: Bools, mean: float, reference: int, rng: Generator) -> tuple[Bets, Floats]:
    """Bets when only a reference sample is known."""
    streams, steps = values.shape
    z = np.empty((streams, steps))
    threshold = np.empty(streams)
    for start in range(0, streams, 50):
        rows = slice(start, min(start + 50, streams))
        size = rows.stop - rows.start
        ones = rng.binomial(reference, mean, size)
        bag, threshold[rows] = split(np.stack([reference - ones, ones], axis=1)[:, None, :], rng)
        p, _ = p_values(bag, np.repeat(np.arange(size), steps), values[rows].ravel().astype(np.int64), rng=rng)
        z[rows] = p.reshape(size, steps) <= threshold[rows, None]
    return bets(threshold, threshold), np.ascontiguousarray(z.T)


def path(streams: int, before: int, after: int, p0: float, p1: float, rng: Generator) -> Bools:
    """Values 0 and 1 of [streams, steps] whose mean changes after `before` steps."""
    p = np.concatenate([np.full(before, p0), np.full(after, p1)])
    return np.asarray(rng.random((streams, before + after)) < p)


def false_alarms_known(runs: int, rng: Generator) -> list[Figure]:
    bet, x = known(path(runs, HORIZON, 0, 0.2, 0.2, rng), 0.2)
    return [rate_at_most("streams with a false alarm", first_alarm(bet, x, for_horizon(0.05, HORIZON)) > 0, 0.05)]


def false_alarms_sampled(runs: int, rng: Generator) -> list[Figure]:
    bet, x = sampled(path(runs, HORIZON, 0, 0.2, 0.2, rng), 0.2, 5000, rng)
    return [rate_at_most("streams with a false alarm", first_alarm(bet, x, for_horizon(0.05, HORIZON)) > 0, 0.05)]


def _delay(runs: int, to: float, rng: Generator, after: int = 5000) -> Ints:
    bet, x = sampled(path(runs, 1000, after, 0.2, to, rng), 0.2, 5000, rng)
    return first_alarm(bet, x, for_horizon(0.05, HORIZON), since=1000)


def delay(runs: int, rng: Generator) -> list[Figure]:
    found = _delay(runs, 0.3, rng)
    return [
        rate_at_least("changes found", found > 0, 1.0),
        at_most("mean delay, events", found.mean(), 420, runs),
        at_most("95 % quantile of the delay", np.quantile(found, 0.95), 800, runs),
    ]


def delay_of_others(runs: int, rng: Generator) -> list[Figure]:
    up, down, little = _delay(runs, 0.4, rng), _delay(runs, 0.1, rng), _delay(runs // 3, 0.25, rng, 9000)
    return [
        rate_at_least("changes found", np.concatenate([up, down]) > 0, 1.0),
        at_most("0.2 to 0.4: mean delay, events", up.mean(), 130, runs),
        at_most("0.2 to 0.1: mean delay, events", down.mean(), 310, runs),
        rate_at_least("0.2 to 0.25: found within 9,000 events", little > 0, 0.95),
        at_most("0.2 to 0.25: mean delay of those, events", little[little > 0].mean(), 1900, len(little)),
    ]


def scores(runs: int, rng: Generator) -> list[Figure]:
    """Scores between 0 and 1 (mean 0.80, deviation 0.13), known by 2,000 of them, in 100 bins; ranks, ticks of ten."""

    def path(mean: float, steps: int) -> Ints:
        return np.asarray(np.minimum(rng.beta(9 * mean, 9 * (1 - mean), (runs, steps)) * 100, 99), dtype=np.int64)

    found = []
    for mean, steps in ((0.8, HORIZON), (0.75, 4000), (0.85, 4000)):
        reference = path(0.8, 2000)
        bag = Bag(np.stack([np.bincount(row, minlength=100) for row in reference])[:, None, :])
        bet = rank_bets(runs)
        state, first = State.new(runs, bet.weights.shape[1]), np.full(runs, -1)
        row, values = np.repeat(np.arange(runs), 10), path(mean, steps)
        for step in range(0, steps, 10):
            p, bag = p_values(bag, row, values[:, step : step + 10].ravel(), rng=rng)
            told = ranks(p, row, runs)
            moved = growth(bet, told.count, told.total, told.squares)
            state, tick = advance(state, moved, for_horizon(0.05, HORIZON / 10), weights=bet.weights)
            first = np.where((first < 0) & tick.alarm, step + 10, first)
        found.append(first)
    clean, fall, rise = found
    return [
        rate_at_most("streams with a false alarm", clean > 0, 0.05),
        rate_at_least("mean falls, or rises, by 0.05: found", np.concatenate([fall, rise]) > 0, 0.99),
        at_most("falls by 0.05: mean delay, events", fall[fall > 0].mean(), 300, runs),
        at_most("rises by 0.05: mean delay, events", rise[rise > 0].mean(), 300, runs),
    ]


def run_length(runs: int, rng: Generator) -> list[Figure]:
    inject, cap = for_run_length(1000), 20_000
    bet, x = sampled(path(runs, cap if runs > 200 else cap // 2, 0, 0.2, 0.2, rng), 0.2, 2000, rng)
    clean = first_alarm(bet, x, inject)
    figures = [at_least("mean run length, steps", np.where(clean < 0, len(x), clean).mean(), 950, runs)]
    for to, limit in ((0.3, 145), (0.1, 120)):
        more = 3 * runs  # for a mean this close to its limit
        bet, x = sampled(path(more, 200, 2000, 0.2, to, rng), 0.2, 2000, rng)
        found = first_alarm(bet, x, inject, since=200)
        figures.append(mean_at_most(f"0.2 to {to}: mean delay, events", np.where(found < 0, 2000, found), limit))
    return figures


def ledger(months: int, rng: Generator, *, shared: bool = False) -> list[Figure]:
    """300 streams of 20 to 2,000 events a day, ticked every hour, volumes Poisson. `shared`: all get the same luck."""
    streams, hours = 300, 24 * 30
    mean = np.full(streams, 0.2) if shared else rng.uniform(0.05, 0.5, streams)
    daily = np.geomspace(20, 2000, streams)
    bet = bets(mean, mean)
    inject = for_budget(shares(Budget(2.0), ["segment"] * streams), hours)
    state = State.new(streams, bet.weights.shape[1])
    alarms = np.zeros(months)
    for month in range(months):
        for _ in range(hours):
            n = rng.poisson(daily / 24).astype(np.float64)
            if shared:  # the largest volume's draws, cut to each stream's own: as dependent as can be
                luck = rng.random(int(n.max())) < 0.2
                ones = np.concatenate([[0.0], np.cumsum(luck)])[n.astype(np.int64)]
            else:
                ones = rng.binomial(n.astype(np.int64), mean).astype(np.float64)
            state, tick = advance(state, growth(bet, n, ones), inject, weights=bet.weights)
            alarms[month] += tick.alarm.sum()
    if shared:  # alarms come together, so a Poisson limit does not hold
        error = float(alarms.std() / np.sqrt(months))
        return [Figure("mean false alarms a month, of 2 budgeted", "at most", float(alarms.mean()), 2.0, months, error)]
    return [count_at_most("false alarms a month, of 2 budgeted", alarms, 2.0)]


def ledger_sampled(months: int, rng: Generator) -> list[Figure]:
    """The same with a reference of 2,000 values each, ticked every hour."""
    streams, hours = 300, 24 * 30
    mean, daily = rng.uniform(0.05, 0.5, streams), np.geomspace(20, 2000, streams)
    ones = rng.binomial(2000, mean)
    bag, threshold = split(np.stack([2000 - ones, ones], axis=1)[:, None, :], rng)
    bet = bets(threshold, threshold)
    inject = for_budget(shares(Budget(2.0), ["segment"] * streams), hours)
    state, alarms = State.new(streams, bet.weights.shape[1]), np.zeros(months)
    for month in range(months):
        for _ in range(hours):
            n = rng.poisson(daily / 24)
            row, value = shuffled(n, rng.binomial(n, mean), rng)
            p, bag = p_values(bag, row, value, rng=rng)
            state, tick = advance(state, growth(bet, *hits(p, row, threshold)), inject, weights=bet.weights)
            alarms[month] += tick.alarm.sum()
    return [count_at_most("false alarms a month, of 2 budgeted", alarms, 2.0)]


def shared_shock(months: int, rng: Generator) -> list[Figure]:
    return ledger(months, rng, shared=True)


def ledger_delay(runs: int, rng: Generator) -> list[Figure]:
    """Ticks of ten minutes, one for the busiest; the stream has one of 300 equal shares of two alarms a month."""
    figures = []
    for daily in (50, 200, 1000):
        per_day = 1440 if daily == 1000 else 144
        ticks, clean = per_day * (25 if daily == 50 else 7), per_day * 2
        bet = bets(np.full(runs, 0.1), np.full(runs, 0.1))
        state = State.new(runs, bet.weights.shape[1])
        events, found = np.zeros(runs), np.full(runs, -1.0)
        for tick_number in range(ticks):
            n = rng.poisson(daily / per_day, runs)
            ones = rng.binomial(n, 0.1 if tick_number < clean else 0.2)
            state, tick = advance(state, growth(bet, n, ones), 2 / 300 / 30 / per_day, weights=bet.weights)
            if tick_number >= clean:
                events += n
                found = np.where((found < 0) & tick.alarm, events, found)
        figures.append(rate_at_least(f"found, {daily} events a day", found > 0, 0.995))
        figures.append(mean_at_most(f"mean events to the alarm, {daily} a day", found[found > 0], 300))
    return figures


def bursts(runs: int, rng: Generator) -> list[Figure]:
    """Users differ (their own share varies by 0.2) and come in bursts of 30 events over several ticks."""
    users, ticks, most = 2000, 1000, 10
    inject = for_horizon(0.05, ticks)
    bet = bets(np.full(runs, 0.3), np.full(runs, 0.3))
    naive = careful = State.new(runs, bet.weights.shape[1])
    seen = Seen.new()
    wrong = right = np.zeros(runs, dtype=bool)
    row = np.repeat(np.arange(runs), users // ticks * most)
    temper = rng.beta(1.2, 2.8, (runs, users))
    for number in range(ticks):
        # In every tick two users arrive, and each stays for ten ticks with three events a tick.
        arrived = (2 * np.arange(number - most + 1, number + 1)[:, None] + np.arange(2)).ravel()
        here = np.broadcast_to(arrived % users, (runs, len(arrived)))
        events = rng.binomial(3, np.take_along_axis(temper, here, axis=1)).ravel().astype(np.float64)
        key = (row * (1 << 32) + np.broadcast_to(arrived + most * 2, (runs, len(arrived))).ravel()).astype(np.uint64)
        first, seen = fresh(seen, 0, key)
        total = events.reshape(runs, -1).sum(axis=1)
        naive, told = advance(naive, growth(bet, np.full(runs, 60.0), total), inject, weights=bet.weights)
        wrong = wrong | told.alarm
        sums = per_user(runs, row, np.full(len(row), 3.0), events, use=first)
        moved = growth(bet, sums.count, sums.total, sums.squares)
        careful, told = advance(careful, moved, inject, weights=bet.weights)
        right = right | told.alarm
    return [
        rate_at_most("one value per user: streams with a false alarm", right, 0.05),
        rate_at_least("for comparison, event by event", wrong, 0.5),
    ]


def seasons(runs: int, rng: Generator) -> list[Figure]:
    """A share that swings between 0.1 and 0.3 over the day, hourly ticks, a reference of four weeks, then two weeks."""
    hours, per_hour = 24 * 14, 40
    swing = 0.2 + 0.1 * np.sin(2 * np.pi * np.arange(24) / 24)
    ones = rng.binomial(per_hour * 28, swing, (runs, 24))
    table = np.stack([per_hour * 28 - ones, ones], axis=2)
    row = np.repeat(np.arange(runs), per_hour)
    found = []
    for reference in (table, table.sum(axis=1, keepdims=True)):
        bag, threshold = split(reference, rng)
        bet = bets(threshold, threshold)
        state, ever = State.new(runs, bet.weights.shape[1]), np.zeros(runs, dtype=bool)
        for hour in range(hours):
            value = (rng.random(len(row)) < swing[hour % 24]).astype(np.int64)
            stratum = season(60 * hour, hours=24) if reference is table else 0
            p, bag = p_values(bag, row, value, rng=rng, stratum=stratum)
            state, tick = advance(
                state, growth(bet, *hits(p, row, threshold)), for_horizon(0.05, hours), weights=bet.weights
            )
            ever |= tick.alarm
        found.append(ever)
    return [
        rate_at_most("a bag for each hour of the day: streams with a false alarm", found[0], 0.05),
        rate_at_least("one bag for all hours: alarms, loudly", found[1], 0.99),
    ]


CASES: Final = (
    Case("1", "share 0.2 known, 10,000 events, looked at after each, 5 % asked", false_alarms_known, 400, 1000),
    Case("2", "the same with a reference of 5,000 events only", false_alarms_sampled, 300, 1000),
    Case("3", "share 0.2 rises to 0.3 after 1,000 events, reference 5,000", delay, 150, 1000),
    Case("4", "share 0.2 rises to 0.4, falls to 0.1, rises to 0.25", delay_of_others, 150, 900),
    Case("4a", "scores whose baseline is known by sample", scores, 40, 300),
    Case("5", "mean run length of 1,000 asked, reference 2,000", run_length, 200, 400),
    Case("6", "300 streams, a budget of 2 false alarms a month", ledger, 4, 20),
    Case("6a", "the same, all streams meeting the same luck", shared_shock, 2, 40),
    Case("6b", "300 streams, baselines known by sample only", ledger_sampled, 1, 20),
    Case("7", "one of 300 streams changes from 0.10 to 0.20", ledger_delay, 100, 1000),
    Case("7a", "users who differ and come in bursts", bursts, 100, 400),
    Case("7b", "a daily cycle, with and without seasons", seasons, 100, 400),
)
