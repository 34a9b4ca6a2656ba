"""A worker's day: users, sums, bets, bags, alarms, severity; killed after every tick and started again from bytes."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.analyze.inference.band import Return
from homeostat.analyze.inference.betting import bets, growth
from homeostat.analyze.inference.blocks import Seen, fresh, per_user
from homeostat.analyze.inference.budget import Budget, severity, shares
from homeostat.analyze.inference.conformal import Bag, hits, p_values, season, split
from homeostat.analyze.inference.detector import State, Tick, advance, close, for_budget

STREAMS, MINUTES, CHANGE = 6, 240, 120


class Worker:
    """Streams 0 to 2 have a known band, 3 to 5 a sampled baseline. Everything it knows is bytes between two ticks."""

    def __init__(self, *, killed: bool) -> None:
        rng = np.random.default_rng(0)
        ones = rng.binomial(300, 0.2, (3, 24))
        bag, self.threshold = split(np.stack([300 - ones, ones], axis=2), rng)
        self.bet = bets(np.r_[np.full(3, 0.15), self.threshold], np.r_[np.full(3, 0.25), self.threshold])
        self.inject = for_budget(shares(Budget(2.0), ["primary"] * 2 + ["segment"] * 4), 43_200)
        self.kept = State.new(STREAMS, 16).to_json(), bag.to_json(), Seen.new().to_json()
        self.state, self.bag, self.seen = State.new(STREAMS, 16), bag, Seen.new()
        self.killed = killed

    def tick(self, minute: int, stream: np.ndarray, user: np.ndarray, value: np.ndarray) -> Tick:
        if self.killed:
            state, bag, seen = self.kept
            self.state, self.bag, self.seen = State.from_json(state), Bag.from_json(bag), Seen.from_json(seen)
        # A minute always gets the same luck, so that a replay gives the same answers.
        luck = np.random.default_rng([7, minute])
        first, self.seen = fresh(self.seen, minute // 60, (stream << 32 | user).astype(np.uint64))
        sampled = first & (stream >= 3)
        known = per_user(STREAMS, stream, np.ones(len(stream)), value, use=first & (stream < 3))
        hour = season(minute, hours=24)
        p, self.bag = p_values(self.bag, stream[sampled] - 3, value[sampled], rng=luck, stratum=hour)
        n, z = hits(p, stream[sampled] - 3, self.threshold)
        count, total = known.count.copy(), known.total.copy()
        count[3:], total[3:] = n, z
        moved = growth(self.bet, count, total)
        self.state, tick = advance(self.state, moved, self.inject, weights=self.bet.weights)
        self.kept = self.state.to_json(), self.bag.to_json(), self.seen.to_json()
        return tick


def minute_of(minute: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Streams 1 and 4 get worse at CHANGE."""
    rng = np.random.default_rng([1, minute])
    stream = rng.integers(0, STREAMS, 240)
    share = np.where((minute >= CHANGE) & np.isin(stream, (1, 4)), 0.45, 0.2)
    return stream, rng.integers(0, 1 << 20, 240), (rng.random(240) < share).astype(np.int64)


@pytest.fixture(scope="module")
def days() -> list[tuple[Worker, list[Tick]]]:
    workers = [Worker(killed=killed) for killed in (False, True)]
    return [(worker, [worker.tick(minute, *minute_of(minute)) for minute in range(MINUTES)]) for worker in workers]


def test_a_kill_between_any_two_ticks_changes_nothing(days: list[tuple[Worker, list[Tick]]]) -> None:
    (_, lasting), (_, killed) = days
    for one, other in zip(lasting, killed, strict=True):
        assert one.level.tobytes() == other.level.tobytes()
    assert days[0][0].kept == days[1][0].kept


def test_what_changed_is_found_and_nothing_else(days: list[tuple[Worker, list[Tick]]]) -> None:
    worker, ticks = days[0]
    alarms = np.array([tick.alarm for tick in ticks])
    assert not alarms[:CHANGE].any()
    assert alarms.any(axis=0).tolist() == [False, True, False, False, True, False]
    assert (alarms[:, [1, 4]].argmax(axis=0) - CHANGE <= 10).all()
    assert worker.state.open.tolist() == [1, 4]
    assert worker.state.injected.sum() == pytest.approx(2.0 * MINUTES / 43_200)


def test_severity_grows_while_the_incident_is_open(days: list[tuple[Worker, list[Tick]]]) -> None:
    worker, ticks = days[0]
    first = next(tick for tick in ticks if tick.alarm[1])
    at_first, now = severity(Budget(2.0), first.level[1]), severity(Budget(2.0), worker.state.peak[0])
    assert now.per_month < at_first.per_month
    assert now.level == "P1"
    assert close(worker.state, [1]).open.tolist() == [4]


def test_back_in_the_band_after_the_action() -> None:
    rng = np.random.default_rng(3)
    watch, found = Return.new([0.0], [0.25]), []
    for failures in rng.binomial(20, 0.45, 60):
        watch = watch.seen([20], [failures])
    assert not watch.back[0]
    watch = Return.new([0.0], [0.25])  # the action: from now on only what is new counts
    for failures in rng.binomial(20, 0.18, 60):
        watch = watch.seen([20], [failures])
        found.append(bool(watch.back[0]))
    assert True in found[:40]
