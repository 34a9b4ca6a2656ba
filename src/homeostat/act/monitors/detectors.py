"""The detectors of all streams of a project, ticked together. See design/0007-inference.md.

`Sampled`: the baseline is known by what came before. Each new value is ranked among those (a p-value, small where it is
bad), and three kinds of bets are laid on the ranks: that the worst 1, 3, 10, 30 % of the past come more often now, that
the best 5, 20 % come less often, and that ranks as a whole are worse. All are exact whatever the distribution, and a
mixture of bets is a bet. A quarter of wrong answers shows in the first kind after a dozen of them, something that stops
shows in the second, a general decline in the third.

`Known`: the baseline is a limit or a band; only sums are needed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from homeostat.analyze.inference.arrays import Floats, Ints, added
from homeostat.analyze.inference.betting import Bets, Sides, bets, growth
from homeostat.analyze.inference.conformal import Bag, p_values, rank_bets, ranks
from homeostat.analyze.inference.detector import State, Tick, advance
from homeostat.analyze.inference.packing import packed, unpacked

BINS: Final = 256
#: Values of a stream that are only learned from, before the first bet.
LEAST: Final = 200
#: Beyond so many, half of what a bag holds is forgotten, drawn at random: what is left is as good a sample.
MOST: Final = 40_000
_TAILS: Final = np.repeat([0.01, 0.03, 0.1, 0.3], 2)
_BOOSTS: Final = np.minimum(np.tile([2.0, 6.0], 4), 0.9 / _TAILS)
_STAKES: Final = (_BOOSTS - 1) / (1 - _TAILS)
_WON: Final = np.log1p(_STAKES * (1 - _TAILS))
_LOST: Final = np.log1p(-_STAKES * _TAILS)
_HEADS: Final = np.repeat([0.05, 0.2], 2)
_FEWER: Final = np.tile([2.0, 6.0], 2)
_MISSED: Final = np.log((1 - _HEADS / _FEWER) / (1 - _HEADS))
_STILL: Final = -np.log(_FEWER)
_RANKED: Final = 8
COLUMNS: Final = len(_TAILS) + len(_HEADS) + _RANKED
_WEIGHTS: Final = np.r_[
    np.full(len(_TAILS), 0.6 / len(_TAILS)), np.full(len(_HEADS), 0.15 / len(_HEADS)), np.full(_RANKED, 0.25 / _RANKED)
]  # fmt: skip
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Sampled:
    """Streams whose baseline is what came before."""

    keys: tuple[str, ...]
    detector: State
    bag: Bag

    @classmethod
    def new(cls) -> Self:
        """No stream yet."""
        return cls((), State.new(0, COLUMNS), Bag(np.zeros((0, 1, BINS), np.int64)))

    def having(self, keys: Sequence[str]) -> Sampled:
        """With these streams in this order: old ones as they are, new ones empty."""
        if tuple(keys) == self.keys:
            return self
        place = {key: at for at, key in enumerate(self.keys)}
        kept = np.array([place.get(key, -1) for key in keys], np.int64)
        counts = np.zeros((len(keys), 1, BINS), np.int64)
        counts[kept >= 0] = self.bag.counts[kept[kept >= 0]]
        return Sampled(tuple(keys), self.detector.rows(kept), Bag(counts))

    @property
    def size(self) -> Ints:
        """Values in each bag."""
        total: Ints = self.bag.counts.sum(axis=(1, 2))
        return total

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Which streams have seen enough to be watched."""
        return self.size >= LEAST

    def ticked(self, stream: Ints, bin_: Ints, inject: Floats, rng: Generator) -> tuple[Sampled, Tick]:
        """One tick: values by stream (bins, the greatest is the worst). Streams that still learn do not bet."""
        streams = len(self.keys)
        bets_on = self.ready[stream]
        learned = self.bag.learned(stream[~bets_on], bin_[~bets_on])
        p, bag = p_values(learned, stream[bets_on], bin_[bets_on], rng=rng)
        row = stream[bets_on]
        n = added(row, np.ones(len(row)), streams)[:, None]
        worst = _hits(p[:, None] <= np.unique(_TAILS), row, streams)
        best = _hits(p[:, None] > 1 - np.unique(_HEADS), row, streams)
        tails = worst * _WON + (n - worst) * _LOST
        heads = best * _STILL + (n - best) * _MISSED
        sums = ranks(p, row, streams)
        ranked = growth(rank_bets(streams, sides="down"), sums.count, sums.total, sums.squares)[:, _RANKED:]
        weights = np.broadcast_to(_WEIGHTS, (streams, COLUMNS))
        state, tick = advance(self.detector, np.hstack([tails, heads, ranked]), inject, weights=weights)
        return Sampled(self.keys, state, _halved(bag, rng)), tick

    def to_bytes(self) -> bytes:
        """For the transaction that also holds watermark and alarms."""
        fields: dict[str, Any] = {"counts": self.bag.counts.astype(np.int32), **_detector(self.detector)}
        return zlib.compress(packed("sampled", _VERSION, {"keys": "\n".join(self.keys), **fields}), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The same streams, bit for bit."""
        fields = unpacked("sampled", _VERSION, zlib.decompress(data))
        keys = fields.pop("keys")
        counts = fields.pop("counts").astype(np.int64)
        return cls(tuple(keys.split("\n")) if keys else (), State(**fields), Bag(counts))


@dataclass(frozen=True, slots=True)
class Known:
    """Streams whose limit or band was named."""

    keys: tuple[str, ...]
    detector: State

    @classmethod
    def new(cls) -> Self:
        """No stream yet."""
        return cls((), State.new(0, 16))

    def having(self, keys: Sequence[str]) -> Known:
        """With these streams in this order."""
        if tuple(keys) == self.keys:
            return self
        place = {key: at for at, key in enumerate(self.keys)}
        return Known(tuple(keys), self.detector.rows([place.get(key, -1) for key in keys] or np.zeros(0, np.int64)))

    def ticked(self, against: Bets, stream: Ints, value: Floats, inject: Floats) -> tuple[Known, Tick]:
        """One tick: values in [0, 1] by stream."""
        streams = len(self.keys)
        sums = [added(stream, each, streams) for each in (np.ones(len(stream)), value, value * value)]
        state, tick = advance(self.detector, growth(against, *sums), inject, weights=against.weights)
        return replace(self, detector=state), tick

    def to_bytes(self) -> bytes:
        """For the transaction that also holds watermark and alarms."""
        return zlib.compress(packed("known", _VERSION, {"keys": "\n".join(self.keys), **_detector(self.detector)}), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The same streams, bit for bit."""
        fields = unpacked("known", _VERSION, zlib.decompress(data))
        keys = fields.pop("keys")
        return cls(tuple(keys.split("\n")) if keys else (), State(**fields))


def band(low: Sequence[float], high: Sequence[float], direction: Sequence[str]) -> Bets:
    """Bets against bands, each on the sides that are worth a word."""
    sides: dict[str, Sides] = {"up": "up", "down": "down", "both": "both"}
    each = [bets([lo], [hi], sides=sides[way]) for lo, hi, way in zip(low, high, direction, strict=True)]
    parts = ("lo", "hi", "up", "down", "weights", "sure")
    return Bets(*(np.concatenate([getattr(one, part) for one in each]) for part in parts))


def _hits(within: NDArray[np.bool_], row: Ints, streams: int) -> Floats:
    """How many values of each stream lie within each threshold; every threshold has two bets."""
    return np.repeat(np.stack([added(row, one.astype(float), streams) for one in within.T], axis=1), 2, axis=1)


def _detector(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in ("wealth", "injected", "alarms", "open", "shadow", "peak")}


def _halved(bag: Bag, rng: Generator) -> Bag:
    full = np.flatnonzero(bag.counts.sum(axis=(1, 2)) > MOST)
    if not len(full):
        return bag
    counts = bag.counts.copy()
    for at in full:
        flat = counts[at].ravel()
        counts[at] = rng.multivariate_hypergeometric(flat, int(flat.sum()) // 2).reshape(counts[at].shape)
    return Bag(counts)
