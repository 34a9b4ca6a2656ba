"""The detectors of all streams of a project, ticked together. See design/0007-inference.md.

`Sampled`: the baseline is known by what came before. Each new value is ranked among those; `bets` are laid on ranks.

`Known`: the baseline is a limit or a band; only sums are needed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from homeostat.act.monitors import alike
from homeostat.act.monitors.bets import COLUMNS, WEIGHTS, factors, held
from homeostat.analyze.inference.arrays import Floats, Ints, added
from homeostat.analyze.inference.betting import Bets, Sides, bets, growth
from homeostat.analyze.inference.conformal import Bag, p_values
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
#: Of a bad part that is large, so much is surely bad, whatever is usual of later values.
_SURE: Final = 0.75
#: Of numbers (lengths, times, costs) bad is what lies in this worst part: what moves them moves many a little.
_BROAD: Final = 1 / 3
_VERSION: Final = 3
_STATE: Final = ("wealth", "injected", "alarms", "open", "shadow", "peak")


@dataclass(frozen=True, slots=True)
class Sampled:
    """Streams whose baseline is what came before."""

    keys: tuple[str, ...]
    detector: State
    bag: Bag
    line: Ints
    """The bin from which on a value of a stream is bad, fixed when it had learned enough; -1: not yet. Where what could
    be worst is what is usual (that a judge is content, in a stream that looks for more of it), nothing is: BINS."""
    within: Floats
    """Bets on later values of a unit win in so small a part of the ranks: among what is bad. Fixed with the line."""
    alike: Ints
    """[streams, 6] how alike the values of a unit are, see `alike.py`."""

    @classmethod
    def new(cls) -> Self:
        """No stream yet."""
        none = Bag(np.zeros((0, STRATA, BINS), np.int64))
        return cls((), State.new(0, COLUMNS), none, np.zeros(0, np.int64), np.zeros(0), alike.nothing(0))

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
        within = np.full(len(keys), _WORST)
        within[kept >= 0] = self.within[kept[kept >= 0]]
        known = alike.nothing(len(keys))
        known[kept >= 0] = self.alike[kept[kept >= 0]]
        return Sampled(tuple(keys), self.detector.rows(kept), Bag(counts), line, within, known)

    @property
    def size(self) -> Ints:
        """Values in each bag: first ones of a unit."""
        total: Ints = self.bag.counts[:, 0].sum(axis=1)
        return total

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Which streams have seen enough to be watched."""
        return self.size >= LEAST

    @property
    def half(self) -> Ints:
        """The bin from which on a value of a stream lies in the worse half of its first ones, as nearly as may be."""
        size = np.maximum(1, self.size)[:, None]
        worse = self.bag.counts[:, 0, ::-1].cumsum(axis=1)[:, ::-1] / size
        off = np.where((worse > 0) & (worse < 1), np.abs(worse - 0.5), 1.0)
        found: Ints = np.where(off.min(axis=1) < 1, np.argmin(off, axis=1), BINS).astype(np.int64)
        return found

    def met(self, more: Ints) -> Sampled:
        """With later values of units beside earlier ones, by stream."""
        return replace(self, alike=alike.added(self.alike, more))

    def lined(self, numbers: Callable[[str], bool]) -> Sampled:
        """With the lines of streams that have learned enough by now: later values of a unit count from then on.
        `numbers`: whether a stream has numbers of any size as values."""
        new = np.flatnonzero(self.ready & (self.line < 0))
        if not len(new):
            return self
        line, within = self.line.copy(), self.within.copy()
        line[new], within[new] = _lines(self.bag.counts[new, 0], np.array([numbers(self.keys[at]) for at in new]))
        return replace(self, line=line, within=within)

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
        grown = factors(p[first], row[first], streams)
        grown += factors(p[~first], row[~first], streams, self.within, alike.part(self.alike, self.line >= BINS))
        weights = np.broadcast_to(WEIGHTS, (streams, COLUMNS))
        state, tick = advance(self.detector, grown, inject, weights=weights)
        return replace(self, detector=held(state), bag=_halved(bag, rng)), tick

    def to_bytes(self) -> bytes:
        """For the transaction that also holds watermark and alarms."""
        counts = self.bag.counts.astype(np.int32)
        fields: dict[str, Any] = {
            "counts": counts, "line": self.line, "within": self.within, "alike": self.alike,
            **_detector(self.detector),
        }  # fmt: skip
        return zlib.compress(packed("sampled", _VERSION, {"keys": "\n".join(self.keys), **fields}), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The same streams, bit for bit; of other bets than these, what they learned of what is usual is kept."""
        fields = unpacked("sampled", _VERSION, zlib.decompress(data))
        keys = tuple(fields["keys"].split("\n")) if fields["keys"] else ()
        same = fields["wealth"].shape[1] == COLUMNS
        state = State(**{name: fields[name] for name in _STATE}) if same else State.new(len(keys), COLUMNS)
        known = fields.get("alike", alike.nothing(len(keys)))
        return cls(keys, state, Bag(fields["counts"].astype(np.int64)), fields["line"], fields["within"], known)


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


def _lines(counts: Ints, numbers: NDArray[np.bool_]) -> tuple[Ints, Floats]:
    """From which bin on values are bad, and in how small a part of the ranks nothing but what is bad can win."""
    each = np.arange(len(counts))
    beyond = counts[:, ::-1].cumsum(axis=1)[:, ::-1] / counts.sum(axis=1, keepdims=True)
    worst = BINS - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
    few = np.where(beyond[:, -1] <= _WORST, np.argmax(beyond <= _WORST, axis=1), BINS - 1)
    common = (few > worst) & (beyond[each, worst] <= _USUAL)
    broad = BINS - 1 - np.argmax(beyond[:, ::-1] >= _BROAD, axis=1)
    line = np.where(numbers, broad, np.where(common, worst, few))
    within = np.where(numbers | common, np.maximum(_WORST, _SURE * beyond[each, line]), _WORST)
    usual = ~numbers & (beyond[:, -1] > _USUAL)
    return np.where(usual, BINS, line), np.where(usual, 0.0, within)


def _detector(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in _STATE}


def _halved(bag: Bag, rng: Generator) -> Bag:
    full = np.flatnonzero(bag.counts.sum(axis=(1, 2)) > MOST)
    if not len(full):
        return bag
    counts = bag.counts.copy()
    for at in full:
        flat = counts[at].ravel()
        counts[at] = rng.multivariate_hypergeometric(flat, int(flat.sum()) // 2).reshape(counts[at].shape)
    return Bag(counts)
