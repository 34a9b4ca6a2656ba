"""Who counted already: a unit counts once an hour for each stream, in the hour in which its exchange began.

Kept in memory by whoever ticks, and asked for again after a restart. The hour of an exchange never changes, so one that
is told again later is recognised, and what is older than the hour before is too late to count.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.analyze.inference.arrays import Bools, Ints

Keys = NDArray[np.uint64]
_ONE: Final = np.uint64(0x9E3779B97F4A7C15)
_TWO: Final = np.uint64(0xC2B2AE3D27D4EB4F)


class Seen:
    """Sorted hashes of (stream, unit, hour), by hour."""

    def __init__(self) -> None:
        self._hours: dict[int, Keys] = {}

    def fresh(self, stream: NDArray[np.uint64] | np.uint64, unit: Keys, hour: Ints) -> Bools:
        """Which rows, in the order of time, are the first of their unit; they are remembered."""
        with np.errstate(over="ignore"):
            keys = (unit ^ (hour.astype(np.uint64) * _ONE)) * _TWO ^ stream
        mask = np.zeros(len(keys), dtype=bool)
        mask[np.unique(keys, return_index=True)[1]] = True
        for each in np.unique(hour):
            rows = np.flatnonzero((hour == each) & mask)
            known = self._hours.get(int(each), np.zeros(0, np.uint64))
            if len(known):
                at = np.minimum(np.searchsorted(known, keys[rows]), len(known) - 1)
                told = known[at] == keys[rows]
                mask[rows[told]] = False
                rows = rows[~told]
            self._hours[int(each)] = np.sort(np.concatenate([known, keys[rows]]))
        return mask

    def forget(self, before: int) -> None:
        """Hours that nothing can belong to any more."""
        self._hours = {hour: keys for hour, keys in self._hours.items() if hour >= before}
