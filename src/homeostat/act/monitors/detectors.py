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
#: Values of a unit that count in an hour, up to the first bad one.
TURNS: Final = 8
#: First values of a unit are compared with first ones, later ones with later ones.
STRATA: Final = 2
#: Beyond so many, half of what a bag holds is forgotten, drawn at random: what is left is as good a sample.
MOST: Final = 40_000
#: Bad is what lies in this worst part of what a stream learned first.
_WORST: Final = 0.1
#: Where the worst value there is makes up more than that, it is bad all the same, unless it is what is usual.
_USUAL: Final = 0.5
#: (share of the past, how many times as often): what is bet on at the bad end. The next worse, up to three times the
#: share, wins less than half as much.
_TAIL_BETS: Final = (
    (0.0008, 12.0), (0.0008, 60.0), (0.003, 7.0), (0.003, 30.0), (0.01, 4.0), (0.01, 12.0), (0.01, 35.0),
    (0.03, 2.5), (0.03, 6.0), (0.03, 14.0), (0.09, 1.7), (0.09, 3.5), (0.09, 5.5),
)  # fmt: skip
_TAILS: Final = np.array([tail for tail, _ in _TAIL_BETS])
_BOOSTS: Final = np.array([boost for _, boost in _TAIL_BETS])
_NEXT: Final = 0.4
_STAKES: Final = (_BOOSTS - 1) / (1 - (1 + 2 * _NEXT) * _TAILS)
_BASE: Final = 1 - _STAKES * (1 + 2 * _NEXT) * _TAILS
_WON: Final = np.log(_BOOSTS)
_SOME: Final = np.log(_BASE + _NEXT * _STAKES)
_LOST: Final = np.log(_BASE)
_SURE: Final = 3 * _TAILS <= _WORST
_HEADS: Final = np.repeat([0.04, 0.1, 0.2], 2)
_FEWER: Final = np.tile([2.5, 15.0], 3)
_MISSED: Final = np.log((1 - _HEADS / _FEWER) / (1 - _HEADS))
_STILL: Final = -np.log(_FEWER)
_RANKED: Final = 8
COLUMNS: Final = len(_TAILS) + len(_HEADS) + _RANKED
_WEIGHTS: Final = np.r_[
    np.full(len(_TAILS), 0.65 / len(_TAILS)), np.full(len(_HEADS), 0.2 / len(_HEADS)),
    np.full(_RANKED, 0.15 / _RANKED),
]  # fmt: skip
_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Sampled:
    """Streams whose baseline is what came before."""

    keys: tuple[str, ...]
    detector: State
    bag: Bag
    line: Ints
    """The bin from which on a value of a stream is bad, fixed when it had learned enough; -1: not yet."""

    @classmethod
    def new(cls) -> Self:
        """No stream yet."""
        return cls((), State.new(0, COLUMNS), Bag(np.zeros((0, STRATA, BINS), np.int64)), np.zeros(0, np.int64))

    def having(self, keys: Sequence[str]) -> Sampled:
        """With these streams in this order: old ones as they are, new ones empty."""
        if tuple(keys) == self.keys:
            return self
        place = {key: at for at, key in enumerate(self.keys)}
        kept = np.array([place.get(key, -1) for key in keys], np.int64)
        counts = np.zeros((len(keys), STRATA, BINS), np.int64)
        counts[kept >= 0] = self.bag.counts[kept[kept >= 0]]
        line = np.full(len(keys), -1, np.int64)
        line[kept >= 0] = self.line[kept[kept >= 0]]
        return Sampled(tuple(keys), self.detector.rows(kept), Bag(counts), line)

    @property
    def size(self) -> Ints:
        """Values in each bag: first ones of a unit."""
        total: Ints = self.bag.counts[:, 0].sum(axis=1)
        return total

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Which streams have seen enough to be watched."""
        return self.size >= LEAST

    def lined(self) -> Sampled:
        """With the lines of streams that have learned enough by now: later values of a unit count from then on."""
        new = np.flatnonzero(self.ready & (self.line < 0))
        if not len(new):
            return self
        line = self.line.copy()
        counts = self.bag.counts[new, 0]
        beyond = counts[:, ::-1].cumsum(axis=1)[:, ::-1] / counts.sum(axis=1, keepdims=True)
        worst = BINS - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
        few = np.where(beyond[:, -1] <= _WORST, np.argmax(beyond <= _WORST, axis=1), BINS - 1)
        common = (few > worst) & (beyond[np.arange(len(new)), worst] <= _USUAL)
        line[new] = np.where(common, worst, few)
        return replace(self, line=line)

    def ticked(
        self, stream: Ints, bin_: Ints, inject: Floats, rng: Generator, *, stratum: Ints | None = None
    ) -> tuple[Sampled, Tick]:
        """One tick: values by stream (bins, the greatest is the worst). Streams that still learn do not bet."""
        streams = len(self.keys)
        season = np.zeros(len(stream), np.int64) if stratum is None else stratum
        bets_on = (self.bag.counts.sum(axis=2) >= LEAST)[stream, season]
        learned = self.bag.learned(stream[~bets_on], bin_[~bets_on], stratum=season[~bets_on])
        p, bag = p_values(learned, stream[bets_on], bin_[bets_on], rng=rng, stratum=season[bets_on])
        row, first = stream[bets_on], season[bets_on] == 0
        tails = _tails(p[first], row[first], streams) + _SURE * _tails(p[~first], row[~first], streams)
        row, p = row[first], p[first]
        heads = _betted(p[:, None] > 1 - _HEADS, row, streams, _STILL - _MISSED) + _count(row, streams) * _MISSED
        sums = ranks(p, row, streams)
        ranked = growth(rank_bets(streams, sides="down"), sums.count, sums.total, sums.squares)[:, _RANKED:]
        weights = np.broadcast_to(_WEIGHTS, (streams, COLUMNS))
        state, tick = advance(self.detector, np.hstack([tails, heads, ranked]), inject, weights=weights)
        return replace(self, detector=state, bag=_halved(bag, rng)), tick

    def to_bytes(self) -> bytes:
        """For the transaction that also holds watermark and alarms."""
        counts = self.bag.counts.astype(np.int32)
        fields: dict[str, Any] = {"counts": counts, "line": self.line, **_detector(self.detector)}
        return zlib.compress(packed("sampled", _VERSION, {"keys": "\n".join(self.keys), **fields}), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The same streams, bit for bit."""
        fields = unpacked("sampled", _VERSION, zlib.decompress(data))
        keys = fields.pop("keys")
        counts, line = fields.pop("counts").astype(np.int64), fields.pop("line")
        return cls(tuple(keys.split("\n")) if keys else (), State(**fields), Bag(counts), line)


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


def _tails(p: Floats, row: Ints, streams: int) -> Floats:
    """Log factor [streams, bets] of the bets on the bad end."""
    won = _betted(p[:, None] <= _TAILS, row, streams, _WON - _SOME)
    some = _betted(p[:, None] <= 3 * _TAILS, row, streams, _SOME - _LOST)
    result: Floats = won + some + _count(row, streams) * _LOST
    return result


def _betted(hit: NDArray[np.bool_], row: Ints, streams: int, each: Floats) -> Floats:
    """So much for each hit of each bet."""
    hits = [added(row, one.astype(float), streams) for one in hit.T]
    result: Floats = np.stack(hits, axis=1) * each
    return result


def _count(row: Ints, streams: int) -> Floats:
    """How many values of each stream, as a column."""
    found: Floats = added(row, np.ones(len(row)), streams)[:, None]
    return found


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
