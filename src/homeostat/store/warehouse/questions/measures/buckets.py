"""Quantiles from counts: a value falls into a bucket 1 % wide, so a quantile is off by at most 1 %, and counts add up.

Bucket k > 0 holds values in [e^((k-OFFSET)/100), e^((k-OFFSET+1)/100)); 0 holds zero; negative values mirror positive
ones. The engine alone computes the index, with one expression for rollups and raw rows, so both use the same bucket.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

OFFSET: Final = 100_000
PER_E: Final = 100
#: So many buckets are dealt with quicker than those of them that are empty are found.
NEAR: Final = 2000

Floats = NDArray[np.float64]


def index_sql(value: str) -> str:
    """The bucket of a value that is not NULL."""
    return (
        f"toInt32(multiIf({value} > 0, floor(log({value}) * {PER_E}) + {OFFSET}, "
        f"{value} < 0, -floor(log(-({value})) * {PER_E}) - {OFFSET}, 0))"
    )


class Counts:
    """Counts by bucket of many groups at once, ready for quantiles."""

    def __init__(self, groups: NDArray[Any], size: int, buckets: NDArray[Any], counts: NDArray[Any]) -> None:
        """`groups`: to which of `size` groups each entry belongs; a bucket may stand in a group more than once."""
        self._buckets, rank = _ranked(buckets)
        self._width = max(len(self._buckets), 1)
        key = groups * self._width
        key += rank
        self._keys: NDArray[Any] | None = None
        if size * self._width <= max(4 * len(key), 1_000_000):
            # Adding into a table beats sorting while the table is not much larger than what goes into it.
            added = np.bincount(key, weights=counts, minlength=size * self._width)
            self.n = added.reshape(size, self._width).sum(axis=1)
        else:
            self._keys, place = np.unique(key, return_inverse=True)
            added = np.bincount(place, weights=counts)
            self.n = np.bincount(self._keys // self._width, weights=added, minlength=size)
        self._until = np.cumsum(added, out=added)
        self._before = np.cumsum(self.n) - self.n

    def at_rank(self, rank: Floats) -> Floats:
        """The value at a rank from 0 (smallest) to n - 1 in each group, interpolated in its bucket; NaN if empty."""
        value = np.full(len(self.n), np.nan)
        some = self.n > 0
        if not some.any():
            return value
        rank = np.clip(np.nan_to_num(rank[some]), 0, self.n[some] - 1)
        entry = np.searchsorted(self._until, self._before[some] + np.floor(rank), side="right")
        until = np.where(entry > 0, self._until[entry - 1], 0.0)
        start = until - self._before[some]
        inside = np.clip((rank - start + 0.5) / (self._until[entry] - until), 0.0, 1.0)
        key = entry if self._keys is None else self._keys[entry]
        value[some] = _value(self._buckets[key % self._width], inside)
        return value


def _value(bucket: NDArray[np.int64], inside: Floats) -> Floats:
    """The value a share `inside` of the way through a bucket, from its low end to its high end."""
    # Negative buckets run the other way: their low end is the one farther from zero.
    along = np.where(bucket < 0, 1.0 - inside, inside)
    with np.errstate(over="ignore"):
        size = np.exp((np.abs(bucket) - OFFSET + along) / PER_E)
    return np.where(bucket == 0, 0.0, np.sign(bucket) * size)


def _ranked(buckets: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Buckets in their order, all that stand in the entries, and the place of each entry among them."""
    if len(buckets) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    least, most = int(buckets.min()), int(buckets.max())
    offsets = buckets - least
    if most - least < NEAR:
        return np.arange(least, most + 1), offsets
    seen = np.zeros(most - least + 1, bool)
    seen[offsets] = True
    return np.flatnonzero(seen) + least, (np.cumsum(seen) - 1)[offsets]
