"""From events to what a detector may be ticked with: one bounded value per user and window, as count, sum, sum of
squares.

Events of one user resemble each other. Ticked event by event, one user's burst looks like a change; in an A/A test with
ten events a user it made 73 % false alarms. So a user counts once per window (an hour, a day, a session): with the mean
of what came in the first tick in which they appear. What they do later in that window is described, never bet on.
Whether a user is fresh depends on the past only, so the conditional mean is the same as that of users.

The window is a choice: users who return in the next window with the same temper are still a little dependent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.analyze.inference.arrays import Bools, Floats, Ints, added, finite, same_length, whole
from homeostat.analyze.inference.packing import packed, unpacked

VERSION: Final = 1
Keys = NDArray[np.uint64]
When = Literal["arrival", "equal-age"]


@dataclass(frozen=True, slots=True)
class Sums:
    """What one tick of every stream is: values in [0, 1], added up. Shards add theirs with `+`."""

    count: Floats
    total: Floats
    squares: Floats

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)


@dataclass(frozen=True, slots=True)
class Seen:
    """The users who counted already in the current window: sorted hashes of (stream, user), 8 bytes each."""

    window: int
    users: Keys

    @classmethod
    def new(cls) -> Self:
        """Before the first window."""
        return cls(-1, np.zeros(0, np.uint64))

    def to_json(self) -> bytes:
        """For the transaction that also holds the detector's state."""
        return packed("seen", VERSION, {"window": self.window, "users": self.users})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same state."""
        return cls(**unpacked("seen", VERSION, data))


def fresh(seen: Seen, window: int, users: ArrayLike) -> tuple[Bools, Seen]:
    """Which rows are the first of their user in this window. `users` are 64-bit hashes of (stream, user).

    >>> mask, seen = fresh(Seen.new(), 1, np.array([7, 8, 7], np.uint64))
    >>> mask.tolist(), fresh(seen, 1, np.array([8, 9], np.uint64))[0].tolist()
    ([True, True, False], [False, True])
    """
    keys = np.asarray(users, dtype=np.uint64)
    if window < seen.window:
        raise ValueError("windows go forward; what is late enters the current one")
    known = seen.users if window == seen.window else np.zeros(0, np.uint64)
    mask = np.zeros(len(keys), dtype=bool)
    mask[np.unique(keys, return_index=True)[1]] = True
    if len(known):
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        mask &= known[at] != keys
    return mask, Seen(window, np.sort(np.concatenate([known, keys[mask]])))


def per_user(streams: int, stream: ArrayLike, count: ArrayLike, total: ArrayLike, *, use: ArrayLike = True) -> Sums:
    """Rows of one user in one tick (how many values in [0, 1], their sum) → what each stream is ticked with.

    `use` is False for users who are not `fresh`.

    >>> tick = per_user(2, [0, 0, 1], count=[10, 1, 2], total=[10, 0, 1])
    >>> tick.count.tolist(), tick.total.tolist(), tick.squares.tolist()
    ([2.0, 1.0], [1.0, 0.5], [1.0, 0.25])
    """
    row = whole("stream", stream)
    n = finite("count", count, low=0, empty=True)
    s = finite("total", total, low=0, empty=True)
    same_length(stream=row, count=n, total=s)
    if len(row) and row.max() >= streams:
        raise ValueError(f"stream: there are {streams} streams")
    if (s > n * (1 + 1e-9)).any():
        raise ValueError("total: a sum of values in [0, 1] cannot exceed their count")
    taken = np.broadcast_to(np.asarray(use, dtype=bool), row.shape) & (n > 0)
    row, mean = row[taken], np.minimum(s[taken] / n[taken], 1.0)
    return Sums(
        added(row, np.ones(len(row)), streams),
        added(row, mean, streams),
        added(row, mean * mean, streams),
    )


def scaled(values: ArrayLike, cap: float) -> Floats:
    """Values from 0 upwards (seconds, dollars, tokens) as shares of a cap; what is above the cap counts as the cap.

    The stream then watches the mean of min(value, cap). `cap`: a high quantile of the reference, fixed beforehand.

    >>> scaled([1.0, 3.0, 99.0], cap=10.0).tolist()
    [0.1, 0.3, 1.0]
    """
    if not cap > 0:
        raise ValueError("cap must be positive")
    return np.minimum(finite("values", values, low=0, empty=True) / cap, 1.0)


def linearised(numerator: ArrayLike, denominator: ArrayLike, *, ratio: float, cap: float) -> Floats:
    """A ratio of sums (cost per answer, errors per call) as one value per user in [0, 1], with mean 1/2 while it holds.

    A user's value is numerator - ratio * denominator, cut at plus and minus `cap`. `ratio` and `cap` come from a
    reference.
    Reference: Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018.

    >>> linearised([2.0, 0.0], [10.0, 10.0], ratio=0.1, cap=2.0).tolist()
    [0.75, 0.25]
    """
    if not cap > 0:
        raise ValueError("cap must be positive")
    s = finite("numerator", numerator, empty=True)
    k = finite("denominator", denominator, empty=True)
    same_length(numerator=s, denominator=k)
    return (np.clip(s - ratio * k, -cap, cap) / cap + 1) / 2


@dataclass(frozen=True, slots=True)
class Late:
    """Into which tick something goes that was known later than it happened. A closed tick is never opened again.

    `arrival`: the tick in which it is known; not at all when it is older than `age` ticks then.
    `equal-age`: exactly `age` ticks after it happened, if it is known by then: for outcomes that take their time, so
    that a slow week of feedback is not read as a change.
    """

    when: When = "arrival"
    age: int = 24 * 60


def placed(late: Late, happened: ArrayLike, known: ArrayLike, *, watermark: int) -> Ints:
    """The tick for every item, or -1: too late, to be counted as such and left out. Ticks up to `watermark` are closed.

    >>> placed(Late("equal-age", age=10), happened=[0, 0, 5], known=[3, 11, 5], watermark=9).tolist()
    [10, -1, 15]
    >>> placed(Late("arrival", age=10), happened=[0, 8], known=[11, 9], watermark=9).tolist()
    [-1, 10]
    """
    at = whole("happened", happened)
    told = whole("known", known)
    same_length(happened=at, known=told)
    if late.when == "arrival":
        return np.where(told - at > late.age, -1, np.maximum(told, watermark + 1))
    due = at + late.age
    return np.where((told > due) | (due <= watermark), -1, due)
