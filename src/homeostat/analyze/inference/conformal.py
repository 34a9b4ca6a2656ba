"""When the baseline is not known but only sampled: conformal p-values, and bets on them.

A new value is ranked among the reference values of its stream and season, ties broken at random. If reference and
present are exchangeable, these p-values are independent and uniform, exactly, whatever the distribution. Using the
reference mean as if it were the truth instead gave 10 to 36 % false alarms where 5 % were promised.

Values are whole numbers from 0 to bins - 1: 0 and 1 for a share, a histogram bin or a category else. The greatest bin
is the strangest: a small p means "seldom seen that high".

A small part of the reference (`split`) chooses the threshold `b` and nothing else may: a threshold chosen from the bag
has no guarantee. Values of a share become z = 1{p <= b} (`hits`), whose mean under the null is exactly b: bet on [b, b]
with `betting`. Scores that may shift either way: `ranks`. Novelty, where only the strangest count: `power_growth`.

What it cannot do: a season that the strata do not know is not exchangeable with the reference and raises alarms,
loudly.

References: Vovk et al., "Retrain or not retrain", arXiv:2102.10439; Vovk & Wang, "E-values", AoS 2021 (power
calibrators).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, Ints, added, finite, same_length, whole
from homeostat.analyze.inference.betting import Bets, Sides, bets
from homeostat.analyze.inference.blocks import Sums
from homeostat.analyze.inference.packing import packed, unpacked

VERSION: Final = 1
#: Fewer reference values than this per stream: not enough to say anything.
LEAST_REFERENCE: Final = 1000
TUNING_SHARE: Final = 0.2
#: Exponents of the power bets, from "anything small" to "very small only".
POWERS: Final = np.array([0.1, 0.2, 0.3, 0.5, 0.7, 0.9])


@dataclass(frozen=True, slots=True)
class Bag:
    """The reference of every stream, as counts [streams, strata, bins]; it grows with what was seen since."""

    counts: Ints

    @property
    def ready(self) -> Bools:
        """Which streams have reference enough to be watched."""
        enough: Bools = self.counts.sum(axis=(1, 2)) >= LEAST_REFERENCE * (1 - TUNING_SHARE)
        return enough

    def learned(self, stream: ArrayLike, value: ArrayLike, *, stratum: ArrayLike = 0) -> Bag:
        """With values that are only reference: those of another segment that this one is compared with, for instance.

        >>> Bag(np.zeros((1, 1, 2), np.int64)).learned([0, 0, 0], [1, 0, 1]).counts.tolist()
        [[[1, 2]]]
        """
        _, bin_, cell = self.places(stream, value, stratum)
        more = np.bincount(cell * self.counts.shape[2] + bin_, minlength=self.counts.size)
        return Bag(self.counts + more.reshape(self.counts.shape))

    def places(self, stream: ArrayLike, value: ArrayLike, stratum: ArrayLike) -> tuple[Ints, Ints, Ints]:
        """Stream, bin and (stream, stratum) of every value, looked at."""
        streams, strata, bins = self.counts.shape
        row, bin_ = whole("stream", stream), whole("value", value)
        season = np.broadcast_to(whole("stratum", stratum), row.shape)
        same_length(stream=row, value=bin_)
        if len(row) and (row.max() >= streams or bin_.max() >= bins or season.max() >= strata):
            raise ValueError(f"values lie outside the bag of {streams} streams, {strata} strata, {bins} bins")
        return row, bin_, row * strata + season

    def to_json(self) -> bytes:
        """For the transaction that also holds the detector's state."""
        return packed("bag", VERSION, {"counts": self.counts})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same bag."""
        return cls(unpacked("bag", VERSION, data)["counts"])


def split(reference: ArrayLike, rng: Generator) -> tuple[Bag, Floats]:
    """Reference counts [streams, strata, bins] → the bag, and the threshold b of each stream.

    A fifth of the values, drawn at random, goes into b alone: the share of values above bin 0, kept within 0.1 % and
    99.9 %.

    >>> bag, b = split([[[8000, 2000]]], np.random.default_rng(0))
    >>> int(bag.counts.sum()), bool(0.17 < b[0] < 0.23)
    (8000, True)
    """
    counts = whole("reference", reference, empty=False)
    if counts.ndim != 3 or counts.shape[2] < 2:
        raise ValueError("reference: counts must be [streams, strata, bins] with at least two bins")
    flat = counts.reshape(len(counts), -1)
    size = np.floor(flat.sum(axis=1) * TUNING_SHARE).astype(np.int64)
    drawn = np.array([rng.multivariate_hypergeometric(row, n) for row, n in zip(flat, size, strict=True)])
    tuning = drawn.reshape(counts.shape)
    with np.errstate(invalid="ignore"):
        share = np.where(size > 0, tuning[:, :, 1:].sum(axis=(1, 2)) / size, 0.5)
    return Bag(counts - tuning), np.clip(share, 0.001, 0.999)


def p_values(
    bag: Bag, stream: ArrayLike, value: ArrayLike, *, rng: Generator, stratum: ArrayLike = 0, grow: ArrayLike = True
) -> tuple[Floats, Bag]:
    """The p-value of every value, in the order of arrival, and the bag with these values added.

    `stratum` is one number, or one for each value. `grow` [streams] is False where an incident is open and what arrives
    must not become reference; the guarantee is that of growing bags.

    >>> bag = Bag(np.array([[[80, 20]]]))
    >>> p, bag = p_values(bag, [0, 0], [1, 0], rng=np.random.default_rng(0))
    >>> bool(p[0] <= 21 / 101 and p[1] > 21 / 102), bag.counts.tolist()
    (True, [[[81, 21]]])
    """
    row, bin_, cell = bag.places(stream, value, stratum)
    if len(row) == 0:
        return np.zeros(0), bag
    bins = bag.counts.shape[2]
    table = bag.counts.reshape(-1, bins)
    above = table[:, ::-1].cumsum(axis=1)[:, ::-1] - table
    early = _Earlier(cell, bin_, bins)
    size = table.sum(axis=1)[cell] + early.all + 1
    higher = above[cell, bin_] + early.higher
    equal = table[cell, bin_] + early.equal + 1
    p = (higher + (1.0 - rng.random(len(row))) * equal) / size
    growing = np.broadcast_to(np.asarray(grow, dtype=bool), (len(bag.counts),))[row]
    more = np.bincount(cell[growing] * bins + bin_[growing], minlength=table.size)
    return p, Bag(bag.counts + more.reshape(bag.counts.shape))


class _Earlier:
    """For every value: how many earlier ones of its cell there are, how many equal, how many higher."""

    def __init__(self, cell: Ints, bin_: Ints, bins: int) -> None:
        bits = max(1, int(bins - 1).bit_length())
        ones = np.ones(len(cell))
        self.all = _before(cell, ones)
        self.equal = _before((cell << bits) | bin_, ones)
        # An earlier value is higher where, at the first bit in which it differs, it has a 1: count bit by bit.
        self.higher = np.zeros(len(cell))
        for bit in range(bits):
            set_ = (bin_ >> bit) & 1
            same_prefix = (cell << bits) | (bin_ >> (bit + 1))
            self.higher += np.where(set_ == 0, _before(same_prefix, set_.astype(np.float64)), 0.0)


def _before(group: Ints, weight: Floats) -> Floats:
    """For every entry the sum of the weights of earlier entries of its group."""
    order = np.argsort(group, kind="stable")
    running = np.cumsum(weight[order]) - weight[order]
    first = np.concatenate([[True], np.diff(group[order]) != 0])
    start = np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
    result = np.empty(len(group))
    result[order] = running - running[start]
    return result


def hits(p: Floats, stream: ArrayLike, threshold: Floats) -> tuple[Floats, Floats]:
    """Count and sum of z = 1{p <= b} per stream: what `betting.growth` takes, with bets on the band [b, b]."""
    row = whole("stream", stream)
    small = p <= threshold[row]
    n = len(threshold)
    return added(row, np.ones(len(row)), n), added(row, small.astype(np.float64), n)


def ranks(p: Floats, stream: ArrayLike, streams: int) -> Sums:
    """The p-values themselves as values with mean 1/2 and variance 1/12: for scores that may shift either way.

    What `betting.growth` takes, with `rank_bets`: a rank test that may be looked at any time.

    >>> ranks(np.array([0.5, 0.25]), [0, 0], 1).total.tolist()
    [0.75]
    """
    row = whole("stream", stream)
    same_length(p=p, stream=row)
    return Sums(*(added(row, values, streams) for values in (np.ones(len(row)), p, p * p)))


def rank_bets(streams: int, *, sides: Sides = "both") -> Bets:
    """Bets on the mean of `ranks`. Small ranks are high values: "down" finds a rise, "up" a fall."""
    half = np.full(streams, 0.5)
    return bets(half, half, variance=1 / 12, sides=sides)


def power_growth(p: Floats, stream: ArrayLike, streams: int) -> Floats:
    """Log factor [streams, 6] of one tick for numeric values: the product of eps * p ** (eps - 1) over its values.

    >>> power_growth(np.array([1.0]), [0], 1).round(2).tolist()
    [[-2.3, -1.61, -1.2, -0.69, -0.36, -0.11]]
    """
    row = whole("stream", stream)
    log_p = np.log(finite("p", p, low=0, high=1, empty=True))
    n = np.bincount(row, minlength=streams)[:, None]
    total = np.bincount(row, weights=log_p, minlength=streams)[:, None]
    result: Floats = n * np.log(POWERS) + (POWERS - 1) * total
    return result


def shuffled(count: ArrayLike, ones: ArrayLike, rng: Generator) -> tuple[Ints, Ints]:
    """Single values from sums: for `count` values of which `ones` are 1, stream and value in random order.

    Under exchangeability a random order inside a tick is as good as the true one.

    >>> stream, value = shuffled([3, 1], [2, 0], np.random.default_rng(0))
    >>> stream.tolist(), np.bincount(stream, weights=value).tolist()
    ([0, 0, 0, 1], [2.0, 0.0])
    """
    n = whole("count", count)
    k = whole("ones", ones)
    if (k > n).any():
        raise ValueError("ones: more than there are values")
    stream = np.repeat(np.arange(len(n)), n)
    place = np.arange(len(stream)) - np.repeat(np.cumsum(n) - n, n)
    value = (place < np.repeat(k, n)).astype(np.int64)
    order = np.lexsort((rng.random(len(stream)), stream))
    return stream, value[order]


def season(minute: ArrayLike, *, hours: int = 24 * 7, hour_step: int = 1) -> Ints:
    """The stratum of a tick given in minutes since the epoch (a Thursday): hour of the week, or of the day with
    hours=24.

    >>> season([0, 60, 7 * 24 * 60]).tolist()
    [0, 1, 0]
    """
    result: Ints = (whole("minute", minute) // 60 % hours) // hour_step
    return result
