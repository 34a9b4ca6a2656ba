"""Which turn of its unit a row is, and for which streams the unit was bad before: by hour, as in `seen`.

After its first answer a unit goes on counting until it was bad once: so somebody whom everything goes wrong for counts
once an hour, and all others count with everything that they ask. Held in sorted runs, as `seen` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors.seen import Keys, hashed
from homeostat.analyze.inference.arrays import Ints

#: Sorted keys, how many rows each had, and its marks.
_Run = tuple[Keys, Ints, Keys]


class Turns:
    """By (stream, unit, hour): how many rows it had, and up to 64 marks."""

    def __init__(self) -> None:
        self._hours: dict[int, list[_Run]] = {}

    def before(self, stream: Keys, unit: Keys, hour: Ints, marks: Keys) -> tuple[Ints, Keys]:
        """For rows in the order of time: how many their unit had before in the hour, and the marks that it had by
        then; the marks of these rows are remembered.

        >>> turns, one = Turns(), np.ones(3, np.uint64)
        >>> count, had = turns.before(one, np.array([5, 6, 5], np.uint64), np.zeros(3, int), one * 4)
        >>> count.tolist(), had.tolist()
        ([0, 0, 1], [0, 0, 4])
        """
        keys = hashed(stream, unit, hour)
        count, had = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.uint64)
        for each in np.unique(hour):
            rows = np.flatnonzero(hour == each)
            rows = rows[np.argsort(keys[rows], kind="stable")]
            runs = self._hours.setdefault(int(each), [])
            count[rows], had[rows] = _met(runs, keys[rows], marks[rows])
        return count, had

    def forget(self, before: int) -> None:
        """Hours that nothing can belong to any more."""
        self._hours = {hour: runs for hour, runs in self._hours.items() if hour >= before}


def _met(runs: list[_Run], keys: Keys, marks: Keys) -> tuple[Ints, Keys]:
    """Of rows sorted by key and then by time."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(keys) != 0]))
    size = np.diff(np.append(starts, len(keys)))
    rank = np.arange(len(keys)) - np.repeat(starts, size)
    had = _earlier(marks, rank)
    ends = starts + size - 1
    each, together = keys[starts], had[ends] | marks[ends]
    count, old = np.zeros(len(each), np.int64), np.zeros(len(each), np.uint64)
    unknown = np.ones(len(each), dtype=bool)
    for known, counted, marked in runs:
        asked = np.flatnonzero(unknown)
        at = np.minimum(np.searchsorted(known, each[asked]), len(known) - 1)
        hit = known[at] == each[asked]
        there, at = asked[hit], at[hit]
        count[there], old[there], unknown[there] = counted[at], marked[at], False
        counted[at] += size[there]
        marked[at] |= together[there]
    if unknown.any():
        _kept(runs, (each[unknown], size[unknown], together[unknown]))
    return np.repeat(count, size) + rank, np.repeat(old, size) | had


def _earlier(marks: Keys, rank: Ints) -> Keys:
    """The marks of the rows before, each group by itself: in as many steps as the largest has rows."""
    had = np.zeros(len(marks), np.uint64)
    rows = np.flatnonzero(rank > 0)
    at = 1
    while len(rows):
        now = rows[rank[rows] == at]
        had[now] = had[now - 1] | marks[now - 1]
        rows = rows[rank[rows] > at]
        at += 1
    return had


def _kept(runs: list[_Run], fresh: _Run) -> None:
    """One run more; short ones at the end become one."""
    runs.append(fresh)
    while len(runs) > 1 and len(runs[-2][0]) <= 2 * len(runs[-1][0]):
        last, before = runs.pop(), runs.pop()
        order: NDArray[np.int64] = np.argsort(np.concatenate([before[0], last[0]]), kind="stable")
        keys, counted, marked = (np.concatenate([one, other])[order] for one, other in zip(before, last, strict=True))
        runs.append((keys, counted, marked))
