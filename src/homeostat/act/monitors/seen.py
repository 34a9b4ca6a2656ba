"""Who counted already: a unit counts once an hour for each stream, in the hour in which its exchange began.

Kept in memory by whoever ticks, and asked for again after a restart. The hour of an exchange never changes, so one that
is told again later is recognised, and what is older than the hour before is too late to count.

Monitors that one question serves see the same units: a unit of an hour is held once, with a bit for each monitor that
counted it. What is held lies in sorted runs, each longer than all after it together, so that a tick costs what it
brings and hardly more when the hour is full.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.analyze.inference.arrays import Bools, Ints

Keys = NDArray[np.uint64]
#: Sorted keys, and the bits of each.
Run = tuple[Keys, NDArray[np.unsignedinteger]]
#: Bits of one key.
BITS: Final = 64
_ONE: Final = np.uint64(0x9E3779B97F4A7C15)
_TWO: Final = np.uint64(0xC2B2AE3D27D4EB4F)


class Seen:
    """Hashes of (stream, unit, hour), by hour, and who counted each."""

    def __init__(self) -> None:
        self._hours: dict[int, list[Run]] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def number(self, group: str, head: str) -> int:
        """Of a monitor among those of its group; it never gets another one."""
        known = self._numbers.setdefault(group, {})
        return known.setdefault(head, len(known))

    def fresh(self, stream: Keys | np.uint64, unit: Keys, hour: Ints) -> Bools:
        """Which rows, in the order of time, are the first of their unit; they are remembered."""
        return np.asarray(self.first(stream, unit, hour, np.ones(len(unit), np.uint64)) > 0)

    def first(self, stream: Keys | np.uint64, unit: Keys, hour: Ints, wanted: Keys) -> Keys:
        """Of the bits that each row wants, rows in the order of time, those that its unit did not have yet."""
        keys = hashed(stream, unit, hour)
        found = np.zeros(len(keys), np.uint64)
        for each in np.unique(hour):
            rows = np.flatnonzero((hour == each) & (wanted > 0))
            if len(rows):
                found[rows] = _counted(self._hours.setdefault(int(each), []), keys[rows], wanted[rows])
        return found

    def forget(self, before: int) -> None:
        """Hours that nothing can belong to any more."""
        self._hours = {hour: runs for hour, runs in self._hours.items() if hour >= before}


def hashed(stream: Keys | np.uint64, unit: Keys, hour: Ints) -> Keys:
    """One number for a unit of a stream in an hour."""
    with np.errstate(over="ignore"):
        return (unit ^ (hour.astype(np.uint64) * _ONE)) * _TWO ^ stream


def _counted(runs: list[Run], keys: Keys, wanted: Keys) -> Keys:
    """The new bits of each row; the runs hold them afterwards."""
    order = np.argsort(keys, kind="stable")
    begins = np.concatenate([[True], np.diff(keys[order]) != 0])
    starts = np.flatnonzero(begins)
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(begins) - 1
    each, bits = keys[order][starts], np.bitwise_or.reduceat(wanted[order], starts)
    old = np.zeros(len(each), np.uint64)
    unknown = np.ones(len(each), dtype=bool)
    for number, run in enumerate(runs):
        asked = np.flatnonzero(unknown)
        at = np.minimum(np.searchsorted(run[0], each[asked]), len(run[0]) - 1)
        hit = run[0][at] == each[asked]
        there, at = asked[hit], at[hit]
        old[there], unknown[there] = run[1][at], False
        runs[number] = _marked(run, at, bits[there])
    if unknown.any():
        _kept(runs, (each[unknown], _narrow(bits[unknown])))
    return _firsts(group, wanted, len(each)) & ~old[group]


def _firsts(group: Ints, wanted: Keys, groups: int) -> Keys:
    """Of the bits that rows want, those that no earlier row of the same group wants."""
    if groups == len(group):
        return wanted
    found = np.zeros(len(wanted), np.uint64)
    union = int(np.bitwise_or.reduce(wanted))
    for bit in (np.uint64(1 << at) for at in range(BITS) if union >> at & 1):
        rows = np.flatnonzero(wanted & bit)[::-1]
        earliest = np.full(groups, -1)
        earliest[group[rows]] = rows  # of several the last one written stays: the earliest
        found[earliest[earliest >= 0]] |= bit
    return found


def _marked(run: Run, at: Ints, bits: Keys) -> Run:
    """With more bits at some places."""
    keys, held = run
    if len(at):
        narrow = _narrow(bits)
        held = held.astype(np.result_type(held, narrow), copy=False)
        held[at] |= narrow
    return keys, held


def _kept(runs: list[Run], fresh: Run) -> None:
    """One run more; short ones at the end become one."""
    runs.append(fresh)
    while len(runs) > 1 and len(runs[-2][0]) <= 2 * len(runs[-1][0]):
        one, other = runs.pop(), runs.pop()
        keys = np.concatenate([other[0], one[0]])
        bits = np.concatenate([other[1], one[1]])
        order = np.argsort(keys, kind="stable")
        runs.append((keys[order], bits[order]))


def _narrow(bits: Keys) -> NDArray[np.unsignedinteger]:
    """In as few bytes as they need."""
    return bits.astype(np.min_scalar_type(int(bits.max())), copy=False)
