"""Streams whose usual has a rhythm: what came at the same hour of the day, or of the week, is the reference.

Each hour has a bag of its own, and a value is ranked among the values of its hour alone: a rhythm that comes again
every day is no change, and the guarantee of `detectors.Sampled` holds for every hour by itself. What is older than the
window is forgotten by chance, value by value, so that a bag holds about as many values as the window brought: what
stays is a fair sample of what was there, whereas leaving out the oldest would tell something about the order.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from homeostat.act.monitors.bets import COLUMNS, WEIGHTS, factors, held
from homeostat.act.monitors.detectors import BINS, LEAST
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.conformal import Bag, p_values
from homeostat.analyze.inference.detector import State, Tick, advance
from homeostat.analyze.inference.packing import packed, unpacked

#: How many bags a stream has, by the name of the season.
CELLS: Final[Mapping[str, int]] = {"none": 1, "day": 24, "week": 168}
#: An hour with fewer values only learns. Ranks are exact from the first value on; with fewer they say too little.
CELL_LEAST: Final = 30
#: An hour with fewer values forgets nothing: of a quiet stream one week is too little to know what is usual.
_ENOUGH: Final = 100
#: 1970 began on a Thursday.
_MONDAY: Final = 3 * 24
_HOUR: Final = 60
_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Seasonal:
    """Streams with a bag for each hour of their season."""

    keys: tuple[str, ...]
    detector: State
    counts: Ints
    """[streams, cells, bins]; streams with a shorter season leave the cells behind it empty."""
    hour: int = 0
    """Up to which hour since 1970 was forgotten what is too old."""

    @classmethod
    def new(cls) -> Self:
        """No stream yet."""
        return cls((), State.new(0, COLUMNS), np.zeros((0, 1, BINS), np.int64))

    def having(self, keys: Sequence[str], cells: int) -> Seasonal:
        """With these streams in this order, and room for so many cells: old ones as they are, new ones empty."""
        room = max(cells, self.counts.shape[1])
        if tuple(keys) == self.keys and room == self.counts.shape[1]:
            return self
        place = {key: at for at, key in enumerate(self.keys)}
        kept = np.array([place.get(key, -1) for key in keys], np.int64)
        counts = np.zeros((len(keys), room, BINS), np.int64)
        counts[kept >= 0, : self.counts.shape[1]] = self.counts[kept[kept >= 0]]
        return replace(self, keys=tuple(keys), detector=self.detector.rows(kept), counts=counts)

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Which streams have seen enough to be watched."""
        found: NDArray[np.bool_] = self.counts.sum(axis=(1, 2)) >= LEAST
        return found

    def learned(self, stream: Ints, cell: Ints, bin_: Ints) -> Seasonal:
        """With values that are only reference: history, from before the stream was watched."""
        counts = self.counts.copy()
        np.add.at(counts, (stream, cell, bin_), 1)
        return replace(self, counts=counts)

    def ticked(self, cell: Ints, stream: Ints, bin_: Ints, inject: Floats, rng: Generator) -> tuple[Seasonal, Tick]:
        """One tick: the cell of each stream, and values by stream (bins, the greatest is the worst)."""
        streams = len(self.keys)
        own = np.arange(streams)
        bag = Bag(self.counts[own, cell][:, None])
        bets_on = (bag.counts.sum(axis=(1, 2)) >= CELL_LEAST)[stream]
        bag = bag.learned(stream[~bets_on], bin_[~bets_on])
        p, bag = p_values(bag, stream[bets_on], bin_[bets_on], rng=rng)
        weights = np.broadcast_to(WEIGHTS, (streams, COLUMNS))
        state, tick = advance(self.detector, factors(p, stream[bets_on], streams), inject, weights=weights)
        counts = self.counts.copy()
        counts[own, cell] = bag.counts[:, 0]
        return replace(self, detector=held(state), counts=counts), tick

    def forgotten(self, hour: int, days: Floats, seed: int) -> Seasonal:
        """At the beginning of an hour: of each stream with a window of so many days, what is too old by chance.

        The bag's mean age becomes the window; 0 days: nothing is too old.
        """
        if hour <= self.hour:
            return self
        passed = hour - self.hour if self.hour else 0
        keep = np.where(days > 0, (1 - 1 / np.maximum(24 * days, 1)) ** passed, 1.0)
        full = self.counts.sum(axis=2) > _ENOUGH
        at = np.argwhere((keep < 1)[:, None] & full)
        if not passed or not len(at):
            return replace(self, hour=hour)
        counts, rng = self.counts.copy(), np.random.default_rng([seed, hour])
        for stream, cell in at.tolist():
            held = counts[stream, cell]
            size = max(_ENOUGH, int(rng.binomial(held.sum(), keep[stream])))
            counts[stream, cell] = rng.multivariate_hypergeometric(held, size)
        return replace(self, counts=counts, hour=hour)

    def to_bytes(self) -> bytes:
        """For the transaction that also holds watermark and alarms: most cells of most bags are empty."""
        some = np.flatnonzero(self.counts).astype(np.int32)
        fields: dict[str, Any] = {
            "keys": "\n".join(self.keys), "hour": self.hour, "shape": np.array(self.counts.shape, np.int64),
            "some": some, "counts": self.counts.ravel()[some].astype(np.int32),
            **{name: getattr(self.detector, name) for name in State.__slots__},
        }  # fmt: skip
        return zlib.compress(packed("seasonal", _VERSION, fields), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The same streams, bit for bit; of other bets than these, what they learned of what is usual is kept."""
        fields = unpacked("seasonal", _VERSION, zlib.decompress(data))
        keys, hour, shape = fields.pop("keys"), int(fields.pop("hour")), fields.pop("shape")
        counts = np.zeros(int(np.prod(shape)), np.int64)
        counts[fields.pop("some")] = fields.pop("counts")
        same = fields["wealth"].shape[1] == COLUMNS
        state = State(**fields) if same else State.new(int(shape[0]), COLUMNS)
        return cls(tuple(keys.split("\n")) if keys else (), state, counts.reshape(shape), hour)


def cell(season: str, minute: Any) -> Ints:
    """Which bag a minute (since 1970, UTC) belongs to.

    >>> cell("day", [0, 59, 60, 1440]).tolist(), cell("week", [4 * 1440]).tolist(), cell("none", [77]).tolist()
    ([0, 0, 1, 0], [0], [0])
    """
    hours = np.asarray(minute, np.int64) // _HOUR
    found: Ints = (hours + (_MONDAY if season == "week" else 0)) % CELLS[season]
    return found


def level(minute: Ints, value: Floats, season: str, before: int) -> Floats:
    """Values without what their hour usually has more or less than others, as it was until the minute `before`.

    >>> level(np.array([0, 60, 1440, 1500]), np.array([0.0, 1.0, 0.5, 1.5]), "day", 1440).tolist()
    [0.5, 0.5, 1.0, 1.0]
    """
    cells, usual = cell(season, minute), minute < before
    if not usual.any():
        return value
    count = np.bincount(cells[usual], minlength=CELLS[season])
    total = np.bincount(cells[usual], weights=value[usual], minlength=CELLS[season])
    mean = float(value[usual].mean())
    found: Floats = value - (np.where(count > 0, total / np.maximum(count, 1), mean) - mean)[cells]
    return found
