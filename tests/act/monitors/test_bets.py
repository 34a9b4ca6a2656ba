"""Bets on ranks: honest, and near enough to what is to be found; what was learned outlives another set of them."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from homeostat.act.monitors import bets
from homeostat.act.monitors.detectors import Sampled
from homeostat.analyze.inference.packing import packed, unpacked

#: What one stream of thirty-five may inject a minute, at two false alarms a month.
INJECT = 2 / 35 / 43_200


def test_nothing_is_won_on_average_without_a_change() -> None:
    assert bets.means() == pytest.approx([1.0] * bets.COLUMNS, abs=1e-12)
    assert bets.WEIGHTS.sum() == pytest.approx(1.0)


def _until(before: float, after: float, streams: int = 20, learned: int = 3000, each: int = 8) -> float:
    """Mean number of values until a share that rose is found."""
    rng = np.random.default_rng(7)
    watch = Sampled.new().having([str(number) for number in range(streams)])
    found, told = np.zeros(streams), np.zeros(streams, dtype=bool)
    for n, p, tick in [(200, before, 0), *[(each, before, 0)] * (learned // each), *[(each, after, 1)] * 150]:
        bad = np.where(rng.random(n * streams) < p, 255, 0)
        watch, said = watch.ticked(np.repeat(np.arange(streams), n), bad, np.full(streams, INJECT), rng)
        found += np.where(told, 0, n * tick)
        told |= said.alarm & bool(tick)
    assert told.all()
    return float(found.mean())


@pytest.mark.parametrize(("before", "after", "most"), [(0.004, 0.2, 50), (0.02, 0.1, 300), (0.2, 0.45, 140)])
def test_a_share_that_rose_is_found_soon(before: float, after: float, most: float) -> None:
    assert _until(before, after) <= most


def test_what_was_learned_with_other_bets_is_kept() -> None:
    rng = np.random.default_rng(1)
    watch = Sampled.new().having(["one"])
    watch, _ = watch.ticked(np.zeros(300, int), rng.integers(0, 9, 300), np.zeros(1), rng)
    watch = watch.lined(lambda key: False)
    fields = unpacked("sampled", 3, zlib.decompress(watch.to_bytes()))
    fields["wealth"] = np.zeros((1, 27))
    again = Sampled.from_bytes(zlib.compress(packed("sampled", 3, fields)))
    assert (again.bag.counts == watch.bag.counts).all()
    assert again.line.tolist() == watch.line.tolist()
    again, _ = again.ticked(np.zeros(5, int), np.full(5, 8), np.full(1, INJECT), rng)
    assert again.detector.level[0] > 0


def test_a_stream_at_rest_is_small() -> None:
    rng = np.random.default_rng(2)
    watch = Sampled.new().having(["one"])
    watch, _ = watch.ticked(np.zeros(900, int), rng.integers(0, 9, 900), np.full(1, INJECT), rng)
    kept = Sampled.from_bytes(watch.to_bytes()).detector
    assert kept.wealth.any() and (kept.wealth == watch.detector.wealth).all()
    assert sum(each[0].nbytes for each in (kept.wealth, kept.injected, kept.alarms)) <= 256
