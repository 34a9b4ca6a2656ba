"""Cases 20 to 25: a judge's scores and people's labels."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bench.cases.detection import first_alarm
from bench.cases.figure import Case, Figure, at_least, at_most, rate_at_least, rate_at_most
from homeostat.analyze.inference.arrays import Floats
from homeostat.analyze.inference.band import VERIFIED, Level
from homeostat.analyze.inference.betting import bets, growth
from homeostat.analyze.inference.confidence import Moments, asymptotic
from homeostat.analyze.inference.detector import State, advance, for_horizon
from homeostat.analyze.inference.labels import MOST_LABELS, PILOT, allocation
from homeostat.analyze.inference.ppi import DISAGREEMENTS, Blocks, post_stratified
from homeostat.analyze.inference.proportions import wilson

JUDGED: Final = 20_000


def world(n: int, quality: float, se: float, sp: float, rng: Generator) -> tuple[Floats, Floats]:
    """The truth, and what a judge with this sensitivity and specificity says."""
    y = rng.random(n) < quality
    f = np.where(y, rng.random(n) < se, rng.random(n) >= sp)
    return y.astype(np.float64), f.astype(np.float64)


def asked(y: Floats, f: Floats, labels: int, rng: Generator) -> NDArray[np.float64]:
    """Judged, labelled, positive per verdict when `labels` random items are labelled."""
    rows = rng.permutation(len(y))[:labels]
    judged = np.bincount(f.astype(int), minlength=2)
    n = np.bincount(f[rows].astype(int), minlength=2)
    return np.array([judged, n, np.bincount(f[rows].astype(int), weights=y[rows], minlength=2)], dtype=np.float64)


def asked_well(y: Floats, f: Floats, labels: int, rng: Generator) -> NDArray[np.float64]:
    """The same with a pilot and then Neyman's allocation."""
    order = rng.permutation(len(y))
    table = asked(y[order], f[order], 0, rng)
    pilot = order[:PILOT]
    table[1] = np.bincount(f[pilot].astype(int), minlength=2)
    table[2] = np.bincount(f[pilot].astype(int), weights=y[pilot], minlength=2)
    more = allocation(table[0], table[1], table[2], labels)
    for verdict in (0, 1):
        rows = order[PILOT:][f[order[PILOT:]] == verdict][: more[verdict]]
        table[1, verdict] += len(rows)
        table[2, verdict] += y[rows].sum()
    return table


def coverage(runs: int, quality: float, se: float, sp: float, labels: int, rng: Generator) -> NDArray[np.float64]:
    """Per run: does it cover and how wide, plain and with allocation; Wilson's width."""
    out = np.zeros((runs, 5))
    for run in range(runs):
        y, f = world(JUDGED, quality, se, sp, rng)
        plain = asked(y, f, labels, rng)
        for column, table in ((0, plain), (2, asked_well(y, f, labels, rng))):
            one = post_stratified(*table, rng=rng)
            out[run, column] = one.low <= quality <= one.high
            out[run, column + 1] = one.high - one.low
        only = wilson([plain[2].sum()], [labels])
        out[run, 4] = (only.high - only.low)[0]
    return out


def many_labels(runs: int, rng: Generator) -> list[Figure]:
    found = coverage(runs, 0.9, 0.95, 0.9, 300, rng)
    width = found.mean(axis=0)
    return [
        rate_at_least("covers (95 % asked)", found[:, 0], 0.94),
        rate_at_least("covers, labels allocated", found[:, 2], 0.94),
        at_most("width, of that with labels alone", width[1] / width[4], 0.70, runs),
        at_most("the same, labels allocated", width[3] / width[4], 0.60, runs),
    ]


def few_labels(runs: int, rng: Generator) -> list[Figure]:
    figures = []
    for quality, se, sp in ((0.95, 0.97, 0.7), (0.98, 0.99, 0.6)):
        found = coverage(runs, quality, se, sp, 100, rng)
        figures.append(rate_at_least(f"100 labels, quality {quality}: covers", found[:, 0], 0.935))
        figures.append(rate_at_least(f"100 labels, quality {quality}, allocated: covers", found[:, 2], 0.935))
    return figures


def running(runs: int, rng: Generator) -> list[Figure]:
    """50,000 events, 2 % labelled, looked at after each once it has started."""
    events, drawn = 50_000, 0.02
    held = np.zeros(runs, dtype=bool)
    width = np.zeros(runs)
    for run in range(runs):
        y, f = world(events, 0.9, 0.95, 0.9, rng)
        known = rng.random(events) < drawn
        phi = f + np.where(known, (y - f) / drawn, 0.0)
        start = np.searchsorted(np.cumsum(known & (y != f)), DISAGREEMENTS)
        moments = Moments(np.arange(1.0, events + 1), np.cumsum(phi), np.cumsum(phi * phi))
        one = asymptotic(moments, 0.05, planned=events)
        held[run] = ((one.low <= 0.9) & (one.high >= 0.9))[start:].all()
        width[run] = one.high[-1] - one.low[-1]
    return [
        rate_at_least("covers at every moment (95 % asked)", held, 0.95),
        at_most("mean width at the end", width.mean(), 0.10, runs),
    ]


def blocks_of(y: Floats, f: Floats, lean: Blocks, size: int, rng: Generator) -> Floats:
    """Values of blocks, one random label each."""
    table_y, table_f = y.reshape(-1, size), f.reshape(-1, size)
    at = rng.integers(0, size, len(table_y))
    row = np.arange(len(table_y))
    return lean.values(table_f.mean(axis=1), table_y[row, at], table_f[row, at])


def judge_drifts(runs: int, rng: Generator) -> list[Figure]:
    """The judge's sensitivity falls from .95 to .90 half-way, quality stays .90; blocks of 20, so 5 % labels."""
    size, half = 20, 20_000
    lean = Blocks(0.6)
    x = np.zeros((2 * half // size, runs))
    judge = np.zeros((2 * half // size, runs))
    for run in range(runs):
        before, after = world(half, 0.9, 0.95, 0.9, rng), world(half, 0.9, 0.90, 0.9, rng)
        y, f = np.concatenate([before[0], after[0]]), np.concatenate([before[1], after[1]])
        x[:, run] = blocks_of(y, f, lean, size, rng)
        judge[:, run] = f.reshape(-1, size).sum(axis=1)
    inject = for_horizon(0.05, len(x))
    level = np.full(runs, float(lean.level(0.9)))
    variance = np.full(runs, float(x[: len(x) // 2].var()))
    verified = first_alarm_of(x, level, variance, inject)
    raw = np.full(runs, 0.9 * 0.95 + 0.1 * 0.1)
    bet = bets(raw, raw)
    state, ever = State.new(runs, bet.weights.shape[1]), np.zeros(runs, dtype=bool)
    for row in judge:
        state, tick = advance(state, growth(bet, np.full(runs, float(size)), row), inject, weights=bet.weights)
        ever |= tick.alarm
    return [
        rate_at_most("alarms on verified quality", verified, 0.05),
        rate_at_least("for comparison, alarms on the judge's share alone", ever, 0.95),
    ]


def first_alarm_of(x: Floats, level: Floats, variance: Floats, inject: float) -> Floats:
    """Whether streams of values [steps, streams] ever alarm downwards."""
    bet = bets(level, level, variance=variance, sides="down")
    state, one = State.new(len(level), bet.weights.shape[1]), np.ones(len(level))
    ever = np.zeros(len(level), dtype=bool)
    for row in x:
        state, tick = advance(state, growth(bet, one, row, row * row), inject, weights=bet.weights)
        ever |= tick.alarm
    return ever.astype(np.float64)


def labels_needed(level: Level, x: Floats) -> Floats:
    """How many values [steps, streams] until the level is confirmed; infinite: never."""
    one = np.ones(x.shape[1])
    found = np.full(x.shape[1], np.inf)
    for step, row in enumerate(x, start=1):
        level = level.seen(one, row, row * row)
        found = np.where(np.isinf(found) & (level.evidence >= VERIFIED), step, found)
    return found


def verify(runs: int, rng: Generator) -> list[Figure]:
    """A judge's alarm, then up to 400 fresh labels."""
    bet_on = np.full(runs, 0.9 * 0.95 + 0.1 * 0.1)
    bet = bets(bet_on, bet_on)
    share = 0.8 * 0.95 + 0.2 * 0.1
    trigger = first_alarm(bet, (rng.random((4000, runs)) < share).astype(np.float64), for_horizon(0.05, 10_000))
    true, false = (
        labels_needed(
            Level.new(np.full(runs, 0.9), "below"), (rng.random((MOST_LABELS, runs)) < quality).astype(np.float64)
        )
        for quality in (0.8, 0.9)
    )
    return [
        at_most("judged events until the judge's alarm, mean", trigger.mean(), 600, runs),
        rate_at_least("quality 0.80: confirmed", true < np.inf, 0.98),
        at_most("labels until confirmed, mean", true[true < np.inf].mean(), 110, runs),
        rate_at_most("quality still 0.90: confirmed", false < np.inf, 0.05),
    ]


def blocks_against_labels(runs: int, rng: Generator) -> list[Figure]:
    """A good judge (.97/.90); quality .90 falls to .80; blocks of 20 with one label each."""
    size, most = 20, 600
    y, f = world(20 * 2000, 0.9, 0.97, 0.9, rng)
    lean = Blocks.tuned(y, f)
    pilot = blocks_of(y, f, lean, size, rng)
    level = Level.new(np.full(runs, float(lean.level(0.9))), "below", variance=np.full(runs, float(pilot.var())))
    x, alone = np.zeros((most, runs)), (rng.random((most, runs)) < 0.8).astype(np.float64)
    for run in range(runs):
        x[:, run] = blocks_of(*world(size * most, 0.8, 0.97, 0.9, rng), lean, size, rng)
    with_judge = labels_needed(level, x)
    without = labels_needed(Level.new(np.full(runs, 0.9), "below"), alone)
    quiet = np.stack(
        [blocks_of(*world(size * most, 0.9, 0.97, 0.9, rng), lean, size, rng) for _ in range(runs)], axis=1
    )
    return [
        at_most("labels, of those needed without the judge", with_judge.mean() / without.mean(), 0.75, runs),
        at_least("confirmed", float(np.mean(with_judge < np.inf)), 0.99, runs),
        rate_at_most("quality still 0.90: confirmed", labels_needed(level, quiet) < np.inf, 0.05),
    ]


CASES: Final = (
    Case("20", "quality 0.9, judge .95/.9, 20,000 judged, 300 labels", many_labels, 150, 600),
    Case("21", "few labels and an accurate judge", few_labels, 150, 600),
    Case("22", "quality that may be looked at any time", running, 100, 300),
    Case("23", "the judge drifts, quality does not", judge_drifts, 100, 1000),
    Case("24", "the judge raises an alarm, labels confirm it", verify, 300, 1000),
    Case("25", "blocks of judged events with one label each", blocks_against_labels, 100, 400),
)
