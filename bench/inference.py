"""What the statistics cost: ticks of 300 streams at 2,000 exchanges a second, and single events. One core."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from bench.machine import keep
from homeostat.analyze.inference.betting import bets, growth
from homeostat.analyze.inference.blocks import Seen, fresh, per_user
from homeostat.analyze.inference.budget import Budget, shares
from homeostat.analyze.inference.conformal import Bag, hits, p_values, split
from homeostat.analyze.inference.detector import State, advance, for_budget, for_horizon
from homeostat.analyze.inference.experiment import Evidence, pseudo_outcomes, running_means

STREAMS, PER_MINUTE, USERS = 300, 120_000, 1_000_000


def seconds(run: Callable[[], None], times: int = 5) -> float:
    """Best of a few."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def single_events(streams: int = 1000, steps: int = 300) -> float:
    """Events a second when every stream is ticked at every event."""
    rng = np.random.default_rng(0)
    bet = bets(np.full(streams, 0.2), np.full(streams, 0.2))
    x, one = (rng.random((steps, streams)) < 0.2).astype(np.float64), np.ones(streams)

    def run() -> None:
        state = State.new(streams, bet.weights.shape[1])
        for row in x:
            state, _ = advance(state, growth(bet, one, row), for_horizon(0.05, 10_000), weights=bet.weights)

    return streams * steps / seconds(run, 3)


class Minute:
    """One minute of traffic: a row per exchange, every exchange in one stream, many users seen before in this hour."""

    def __init__(self, bins: int) -> None:
        rng = np.random.default_rng(1)
        self.rng, self.bins = rng, bins
        self.stream = rng.choice(
            STREAMS, PER_MINUTE, p=np.geomspace(1, 100, STREAMS) / np.geomspace(1, 100, STREAMS).sum()
        )
        self.user = rng.integers(0, USERS, PER_MINUTE).astype(np.uint64)
        self.value = rng.integers(0, bins, PER_MINUTE) if bins > 2 else (rng.random(PER_MINUTE) < 0.2).astype(np.int64)
        self.seen = Seen(1, np.unique(rng.integers(0, USERS, USERS // 2).astype(np.uint64)))
        self.bag, self.threshold = split(rng.integers(100, 400, (STREAMS, 1, bins)), rng)
        self.inject = for_budget(shares(Budget(), ["segment"] * STREAMS), 43_200)
        self.state = State.new(STREAMS, 16)

    def known(self) -> None:
        """Known bands: hash set of users, sums, bets, the state as bytes."""
        first, _ = fresh(self.seen, 1, self.user)
        ones = np.ones(PER_MINUTE)
        sums = per_user(STREAMS, self.stream, ones, self.value.astype(np.float64), use=first)
        bet = bets(np.full(STREAMS, 0.18), np.full(STREAMS, 0.22), variance=0.16)
        moved = growth(bet, sums.count, sums.total, sums.squares)
        state, _ = advance(self.state, moved, self.inject, weights=bet.weights)
        State.from_json(state.to_json())

    def sampled(self) -> None:
        """Baselines known by sample: conformal p-values of every value, bets, states as bytes."""
        first, _ = fresh(self.seen, 1, self.user)
        row, value = self.stream[first], self.value[first]
        p, bag = p_values(self.bag, row, value, rng=self.rng)
        bet = bets(self.threshold, self.threshold)
        state, _ = advance(self.state, growth(bet, *hits(p, row, self.threshold)), self.inject, weights=bet.weights)
        State.from_json(state.to_json())
        Bag.from_json(bag.to_json())


def experiment(units: int = 200_000) -> float:
    """Units a second through pseudo-outcomes and bets."""
    rng = np.random.default_rng(2)
    a, y = (rng.random((2, units)) < np.array([[0.1], [0.8]])).astype(np.float64)

    def run() -> None:
        m1, m0 = running_means(a, y)
        Evidence.new(0.1).seen(pseudo_outcomes(a, y, 0.1, m1=m1, m0=m0))

    return units / seconds(run, 3)


def main() -> None:
    """Measure, say what was asked, keep it."""
    yes_no, histogram = Minute(2), Minute(1024)
    shares_of_core = {
        "known band": seconds(yes_no.known) / 60,
        "sampled baseline, yes or no": seconds(yes_no.sampled) / 60,
        "sampled baseline, histogram of 1,024": seconds(histogram.sampled) / 60,
    }
    state = yes_no.state
    figures: dict[str, object] = {
        "300 streams, 2,000 exchanges/s, share of one core (asked: 0.15)": {
            k: round(v, 4) for k, v in shares_of_core.items()
        },
        "events/s, every stream ticked at every event (asked: 1,000,000)": round(single_events()),
        "experiment units/s": round(experiment()),
        "state, bytes a stream in memory / as JSON (asked: 256)": [
            sum(getattr(state, name).nbytes for name in ("wealth", "injected", "alarms")) // STREAMS,
            len(state.to_json()) // STREAMS,
        ],
    }
    keep("inference", figures)
    if max(shares_of_core.values()) > 0.15:
        raise SystemExit("ticking takes more than 15 % of a core")
