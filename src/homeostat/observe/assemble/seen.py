"""What is certainly new: a filter over the keys of stored rows, so that new traces cost no look-up.

A Bloom filter in generations. `maybe` never misses a key that was added since `since`; one time in some ten thousand it
names a key that was never added, which costs one look-up in the engine and nothing else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]

PROBES: Final = 7
#: Keys a generation takes: 20 bits each keep the false answers near one in ten thousand.
BITS_PER_KEY: Final = 20


_BLOCK: Final = 512
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class Seen:
    """Keys are hashes already: some bits of one choose its block, the others the probes inside."""

    def __init__(self, *, bits: int = 27, generations: int = 4) -> None:
        self._bytes = (1 << bits) // 8
        self._blocks = np.uint64((1 << bits) // _BLOCK - 1)
        self._room = (1 << bits) // BITS_PER_KEY
        self._keep = generations
        self._generations: list[npt.NDArray[np.uint8]] = []
        self._begun: list[int] = []
        self._count = self._room
        #: Rows received before this (unix µs) may be missing.
        self.since = 0

    @property
    def room(self) -> int:
        """How many keys it remembers at least."""
        return self._room * (self._keep - 1)

    def add(self, keys: Keys, received: int) -> None:
        """Remember `keys` of rows received at `received` (unix µs). In the order of memory: several times faster."""
        if not len(keys):
            return
        keys = keys[np.argsort(keys & self._blocks)]
        if self._count + len(keys) > self._room:
            self._begin(received)
        self._count += len(keys)
        bits = self._generations[-1]
        for probe in range(PROBES):
            at = self._probe(keys, probe)
            np.bitwise_or.at(bits, (at >> np.uint64(3)).astype(np.intp), _bit(at))

    def maybe(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of `keys` may have been added."""
        found = np.zeros(len(keys), dtype=np.bool_)
        for bits in self._generations:
            left = np.arange(len(keys))
            for probe in range(PROBES):
                at = self._probe(keys[left], probe)
                left = left[(bits[at >> np.uint64(3)] & _bit(at)) != 0]
                if not len(left):
                    break
            found[left] = True
        return found

    def _begin(self, received: int) -> None:
        self._generations.append(np.zeros(self._bytes, dtype=np.uint8))
        self._begun.append(received)
        self._count = 0
        if len(self._generations) > self._keep:
            self._generations.pop(0)
            self._begun.pop(0)
            self.since = max(self.since, self._begun[0])

    def _probe(self, keys: Keys, probe: int) -> Keys:
        """All probes of a key lie in one block, which is one line of the processor's cache."""
        inside = (keys * _MIX) >> np.uint64(9 * probe) & np.uint64(_BLOCK - 1)
        return (keys & self._blocks) * np.uint64(_BLOCK) + inside


def _bit(at: Keys) -> npt.NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (at & np.uint64(7)).astype(np.uint8))
