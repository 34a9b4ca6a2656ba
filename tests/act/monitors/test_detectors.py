"""Detectors of many streams: what they promise, what they find, and that bytes bring them back."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.act.monitors.detectors import BINS, LEAST, MOST, Known, Sampled, band

STREAMS = 100


def run(shares, *, ticks: int, per_tick: int, change: int, to: float, inject: float, seed: int = 5):
    """Streams of 0 and 1 of which those in `shares` change at a tick: the tick of the first alarm, -1: none."""
    rng = np.random.default_rng(seed)
    held = Sampled.new().having([str(at) for at in range(STREAMS)])
    first = np.full(STREAMS, -1)
    for tick in range(ticks):
        share = np.where((tick >= change) & np.isin(np.arange(STREAMS), shares), to, 0.1)
        stream = np.repeat(np.arange(STREAMS), per_tick)
        bad = rng.random(len(stream)) < share[stream]
        spend = np.where(held.ready, inject, 0.0)
        held, told = held.ticked(stream, bad.astype(np.int64) * (BINS - 1), spend, rng)
        first[(first < 0) & told.alarm] = tick
    return first, held


def test_no_more_false_alarms_than_were_paid_for():
    ticks = 120
    first, held = run([], ticks=ticks, per_tick=10, change=0, to=0.1, inject=0.05 / ticks)
    assert held.detector.injected.sum() <= 0.05 * STREAMS
    assert held.detector.alarms.sum() <= 12  # 5 expected at most; 12 or more of 5 once in 200 times
    assert (first < 0).sum() >= STREAMS - 12


def test_a_change_is_found_soon():
    first, _ = run(range(50), ticks=160, per_tick=10, change=80, to=0.4, inject=1e-5)
    assert (first[:50] >= 80).all() and np.median(first[:50]) - 80 <= 12
    assert (first[50:] < 0).all()


def test_nothing_is_said_before_there_is_something_to_compare_with():
    held = Sampled.new().having(["a"])
    rng = np.random.default_rng(0)
    held, told = held.ticked(np.zeros(LEAST - 1, np.int64), np.zeros(LEAST - 1, np.int64), np.zeros(1), rng)
    assert not held.ready[0] and not told.alarm[0] and held.size[0] == LEAST - 1


def test_bags_do_not_grow_for_ever():
    held, rng = Sampled.new().having(["a"]), np.random.default_rng(0)
    for _ in range(5):
        held, _ = held.ticked(np.zeros(MOST // 2, np.int64), rng.integers(0, BINS, MOST // 2), np.zeros(1), rng)
    assert MOST // 2 <= held.size[0] <= MOST


def test_bytes_bring_them_back():
    _, held = run([1], ticks=40, per_tick=10, change=30, to=0.9, inject=1e-4)
    again = Sampled.from_bytes(held.to_bytes())
    assert again.keys == held.keys and (again.bag.counts == held.bag.counts).all()
    assert again.detector.to_json() == held.detector.to_json()
    assert Sampled.from_bytes(Sampled.new().to_bytes()).keys == ()
    assert Known.from_bytes(Known.new().having(["x"]).to_bytes()).keys == ("x",)


def test_streams_come_and_go():
    _, held = run([], ticks=25, per_tick=10, change=0, to=0.1, inject=1e-4)
    other = held.having(["new", "3"])
    assert other.size.tolist() == [0, held.size[3]]
    assert other.having([]).keys == ()


@pytest.mark.parametrize(("mean", "fires"), [(0.04, False), (0.12, True)])
def test_a_limit_that_is_known(mean, fires):
    rng = np.random.default_rng(2)
    held, against = Known.new().having(["x"]), band([0.0], [0.05], ["up"])
    alarms = 0
    for _ in range(200):
        value = (rng.random(10) < mean).astype(float)
        held, told = held.ticked(against, np.zeros(10, np.int64), value, np.array([1e-5]))
        alarms += int(told.alarm[0])
    assert (alarms > 0) == fires
