"""Users of a trial whose first minutes are not over: what came of them so far, by all measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors.seen import Keys, Seen
from homeostat.analyze.inference.arrays import Floats, Ints

#: So many users are enough to go on with: the first ones need not wait longer for what else they may say.
CROWD: Final = 150
#: Minutes that everybody waits: a whole one after the first, in which scores and most judges have spoken.
_SOONEST: Final = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What one measure said of users, in rows: in which minute, whether they get the candidate, how many words, and
    their sum (a word is at best 1)."""

    measure: str
    unit: Keys
    minute: Ints
    treated: NDArray[np.bool_]
    n: Floats
    good: Floats


@dataclass(slots=True)
class Crowd:
    """One row for each user who waits."""

    measures: tuple[str, ...] = ()
    unit: Keys = field(default_factory=lambda: np.zeros(0, np.uint64))
    minute: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    treated: Floats = field(default_factory=lambda: np.zeros(0))
    n: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    good: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def hear(self, said: Sequence[Said], seen: Seen, window: int) -> None:
        """Rows of a piece of time: who is new begins to wait; what is said within `window` minutes of that counts."""
        some = [one for one in said if len(one.unit)]
        if not some:
            return
        self._measured(tuple(one.measure for one in some))
        unit, minute = np.concatenate([one.unit for one in some]), np.concatenate([one.minute for one in some])
        order = np.argsort(minute, kind="stable")
        fresh = order[met(seen, unit[order])]
        treated = np.concatenate([one.treated for one in some])
        self._open(unit[fresh], minute[fresh], treated[fresh])
        for one in some:
            self._add(one, window)

    def over(self, now: int, most: int) -> tuple[Floats, Floats]:
        """Arm and outcomes ([users, measures], NaN: no word) of those who have waited long enough; they wait no more.

        That is `most` minutes, or fewer where a crowd began to wait after them: who came says so, never what they met.
        """
        done = self.minute <= max(now - most, crowded(self.minute, now))
        rows = np.flatnonzero(done)
        rows = rows[np.lexsort((self.unit[rows], self.minute[rows]))]
        with np.errstate(invalid="ignore", divide="ignore"):
            good = np.where(self.n[rows] > 0, self.good[rows] / self.n[rows], np.nan)
        treated = self.treated[rows]
        self._keep(~done)
        return treated, good

    def _measured(self, names: tuple[str, ...]) -> None:
        fresh = tuple(dict.fromkeys(name for name in names if name not in self.measures))
        self.measures += fresh
        self.n, self.good = (np.pad(one, ((0, 0), (0, len(fresh)))) for one in (self.n, self.good))

    def _open(self, unit: Keys, minute: Ints, treated: NDArray[np.bool_]) -> None:
        none = np.zeros((len(unit), len(self.measures)))
        order = np.argsort(np.concatenate([self.unit, unit]), kind="stable")
        self.unit = np.concatenate([self.unit, unit])[order]
        self.minute = np.concatenate([self.minute, minute])[order]
        self.treated = np.concatenate([self.treated, treated.astype(np.float64)])[order]
        self.n, self.good = (np.concatenate([one, none])[order] for one in (self.n, self.good))

    def _add(self, said: Said, window: int) -> None:
        if not len(self.unit):
            return
        at = np.minimum(np.searchsorted(self.unit, said.unit), len(self.unit) - 1)
        counts = (self.unit[at] == said.unit) & (said.minute < self.minute[at] + window)
        column = self.measures.index(said.measure)
        np.add.at(self.n[:, column], at[counts], said.n[counts])
        np.add.at(self.good[:, column], at[counts], said.good[counts])

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        for name in ("unit", "minute", "treated", "n", "good"):
            setattr(self, name, getattr(self, name)[rows])

    def to_fields(self) -> dict[str, Any]:
        """For what the trial is kept as."""
        return {
            "measures": "\n".join(self.measures), "unit": self.unit, "minute": self.minute, "treated": self.treated,
            "n": self.n, "good": self.good,
        }  # fmt: skip

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """The same."""
        names = tuple(fields["measures"].split("\n")) if fields["measures"] else ()
        return cls(names, **{name: fields[name] for name in ("unit", "minute", "treated", "n", "good")})


def met(seen: Seen, unit: Keys) -> Ints:
    """The places of users who were not met before, in the order of time; they are remembered."""
    return np.flatnonzero(seen.fresh(np.uint64(1), unit, np.zeros(len(unit), np.int64)))


def crowded(began: Ints, now: int) -> int:
    """The last minute after which a crowd began to wait, the newest two left out; -1: there is none."""
    if len(began) < CROWD:
        return -1
    return min(now - _SOONEST, int(np.sort(began)[-CROWD]) - 1)
