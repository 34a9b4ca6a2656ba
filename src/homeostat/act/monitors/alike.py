"""How alike the values of one unit are, and so how much its later ones may weigh in bets.

Somebody whom everything goes a little wrong for says little by their second bad answer. Where the values of a unit are
independent, they say as much as those of another one. Which of them it is, a stream is seen to be: by whether a later
value lies in the worse half more often when an earlier one of the same unit and hour did.

Of k normal values with correlation r, the first in full and the others to a power, the product of the factors of bets
on their mean has a mean of at most 1 when that power is (1 - 2 r) / (1 + (k - 2) r). A unit counts no more after its
first bad value, which takes off much of what is alike: with k - 1 = the mean number of values before a later one, none
of these bets has a mean above 1 in simulations (`tests/act/monitors/test_alike.py`). r is taken a standard error
higher than it looks. Where nothing is bad, no unit ceases to count, and k - 1 is twice that.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from homeostat.analyze.inference.arrays import Bools, Floats, Ints

#: Later values of a stream that had (none, none, some, some) of the worse half before them in their hour and were
#: (not, themselves, not, themselves) of it; those that bets were laid on; and how many came before these.
FIELDS: Final = 6
#: Beyond so many, half of what is known is forgotten.
_MOST: Final = 40_000


def nothing(streams: int) -> Ints:
    """Nothing known yet: later values count only in bets on what is bad."""
    return np.zeros((streams, FIELDS), np.int64)


def counted(streams: int, stream: Ints, had: Bools, now: Bools, counts: Bools, before: Ints) -> Ints:
    """Later values as counts by stream.

    >>> one = np.array([True, False])
    >>> counted(1, np.array([0, 0]), one, one, np.array([True, True]), np.array([1, 2])).tolist()
    [[1, 0, 0, 1, 2, 3]]
    """
    cell = stream * 4 + had * 2 + now
    table = np.bincount(cell, minlength=streams * 4).reshape(streams, 4)
    laid = np.bincount(stream[counts], minlength=streams)
    ahead = np.bincount(stream[counts], weights=before[counts], minlength=streams)
    return np.column_stack([table, laid, ahead]).astype(np.int64)


def added(known: Ints, more: Ints) -> Ints:
    """What is known with more."""
    total = known + more
    full = total[:, :4].sum(axis=1) > _MOST
    total[full] //= 2
    return total


def part(known: Ints, goes_on: Bools | None = None) -> Floats:
    """The power of factors of later values, by stream. `goes_on`: streams of which no value ends a unit's counting.

    >>> part(np.array([[250, 250, 250, 250, 500, 750], [400, 100, 100, 400, 500, 750], [0] * 6])).round(2).tolist()
    [0.88, 0.0, 0.0]
    """
    a, b, c, d = (known[:, at].astype(np.float64) for at in range(4))
    n = np.maximum(1.0, a + b + c + d)
    sides = (a + b) * (c + d) * (a + c) * (b + d)
    phi = np.where(sides > 0, (a * d - b * c) / np.sqrt(np.maximum(sides, 1.0)), 0.0)
    # Of normal values with correlation r, halves have the correlation 2 / pi * asin(r).
    r = np.clip(math.pi / 2 * (phi + 1 / np.sqrt(n)), 0.0, 1.0)
    times = 1 if goes_on is None else np.where(goes_on, 2, 1)
    before = np.maximum(1.0, times * known[:, 5] / np.maximum(1, known[:, 4]))
    found: Floats = np.clip((1 - 2 * r) / (1 + (before - 1) * r), 0.0, 1.0)
    return found
