"""One segment beside another one: who meets the same hour, here and there, is compared.

Values of both that come in the same minutes are put into pairs: as many as the smaller side has values; the larger
side enters with the mean of a group. If both segments have the same mean at that time, a pair's difference is 0 on
average, whatever else moves both of them: seasons, releases, a provider. So the product of 1 + stake * difference is a
bet that gains nothing on average, and the budget holds as for every other stream. Every value is used once.

References: Shekhar & Ramdas, "Nonparametric two-sample testing by betting", IEEE T-IT 2023.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np

from homeostat.act.monitors.detectors import BINS
from homeostat.analyze.inference.arrays import Floats, Ints, added
from homeostat.analyze.inference.detector import State, Tick, advance
from homeostat.analyze.inference.packing import packed, unpacked

#: Parts of the wealth that are laid on one pair: from small lasting differences to large ones.
STAKES: Final = np.array([0.03, 0.06, 0.12, 0.2, 0.32, 0.48, 0.68, 0.92])
#: A value waits so many minutes for one of the other side.
PATIENCE: Final = 10
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Paired:
    """Streams that are differences between two segments, and the values that wait for the other side."""

    keys: tuple[str, ...]
    detector: State
    stream: Ints
    """Of each value that waits: its stream, minute, bin, and whether it is of the other segment (1)."""
    minute: Ints
    bin: Ints
    beside: Ints

    @classmethod
    def new(cls) -> Self:
        """No stream yet."""
        none = np.zeros(0, np.int64)
        return cls((), State.new(0, len(STAKES)), none, none, none, none)

    def having(self, keys: Sequence[str]) -> Paired:
        """With these streams in this order."""
        if tuple(keys) == self.keys:
            return self
        place = {key: at for at, key in enumerate(self.keys)}
        kept = np.array([place.get(key, -1) for key in keys], np.int64)
        moved = np.full(max(1, len(self.keys)), -1)
        moved[kept[kept >= 0]] = np.flatnonzero(kept >= 0)
        made = replace(self, keys=tuple(keys), detector=self.detector.rows(kept), stream=moved[self.stream])
        return made._only(made.stream >= 0)

    def ticked(
        self, minute: int, stream: Ints, bin_: Ints, beside: Ints, inject: Floats
    ) -> tuple[Paired, Tick]:  # fmt: skip
        """One tick: values (bins, the greatest is the worst) by stream, here (0) and in the other segment (1)."""
        come = replace(
            self, stream=np.r_[self.stream, stream], minute=np.r_[self.minute, np.full(len(stream), minute)],
            bin=np.r_[self.bin, bin_], beside=np.r_[self.beside, beside],
        )  # fmt: skip
        come = come._only(come.minute > minute - PATIENCE)
        streams, used = len(self.keys), np.zeros(len(come.stream), dtype=bool)
        won = np.zeros((streams, len(STAKES)))
        for at in np.unique(stream).tolist():
            mine = come.stream == at
            here, there = come.bin[mine & (come.beside == 0)], come.bin[mine & (come.beside == 1)]
            if len(here) and len(there):
                won[at] = np.log1p(STAKES * differences(here, there)[:, None]).sum(axis=0)
                used |= mine
        state, tick = advance(self.detector, won, inject)
        return replace(come._only(~used), detector=state), tick

    def _only(self, which: Any) -> Paired:
        parts = {name: getattr(self, name)[which] for name in ("stream", "minute", "bin", "beside")}
        return replace(self, **parts)

    def to_bytes(self) -> bytes:
        """For the transaction that also holds watermark and alarms."""
        fields: dict[str, Any] = {
            "keys": "\n".join(self.keys),
            **{f"waits.{name}": getattr(self, name) for name in ("stream", "minute", "bin", "beside")},
            **{name: getattr(self.detector, name) for name in State.__slots__},
        }
        return zlib.compress(packed("paired", _VERSION, fields), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The same streams, bit for bit."""
        fields = unpacked("paired", _VERSION, zlib.decompress(data))
        keys = fields.pop("keys")
        waits = {name: fields.pop(f"waits.{name}") for name in ("stream", "minute", "bin", "beside")}
        return cls(tuple(keys.split("\n")) if keys else (), State(**fields), **waits)


def differences(here: Ints, there: Ints) -> Floats:
    """How much worse it is here, pair by pair, between -1 and 1: groups of the larger side, one for each of the
    smaller.

    >>> differences(np.array([255]), np.array([0, 0, 255, 0])).tolist()
    [0.75]
    """
    pairs = min(len(here), len(there))
    sides = []
    for side in (here, there):
        group = np.arange(len(side)) % pairs
        sides.append(added(group, side / (BINS - 1), pairs) / np.bincount(group, minlength=pairs))
    found: Floats = sides[0] - sides[1]
    return found
