"""Evidence, since one fixed moment, that a mean lies below (or above) a level. New data only, so nothing was picked.

For questions with a start: did the metric come back into its band after the action (`Return`); do fresh human labels
confirm what a judge's scores suggested (`Level`). Values lie in [0, 1]; ticks are count, sum and sum of squares.

Verified at 20: a metric that is not back reaches 20 at any time with a chance of at most one in twenty.

Reference: Waudby-Smith & Ramdas, JRSS-B 2024 (betting); Ville's inequality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, finite
from homeostat.analyze.inference.betting import POINTS, Bets, bets, growth
from homeostat.analyze.inference.experiment import mixed
from homeostat.analyze.inference.packing import packed, unpacked

Direction = Literal["below", "above"]

VERSION: Final = 1
VERIFIED: Final = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """Evidence that the mean of each stream is below (above) its level, against "it is not"."""

    direction: Direction
    level: Floats
    variance: Floats
    """Of the values, from a reference: it makes good bets, it is no assumption."""
    wealth: Floats
    """[streams, bets], logarithms."""

    @classmethod
    def new(cls, level: ArrayLike, direction: Direction, *, variance: ArrayLike | None = None) -> Self:
        """Before the first value."""
        at = np.atleast_1d(finite("level", level, low=0, high=1))
        spread = at * (1 - at) if variance is None else np.broadcast_to(finite("variance", variance, low=0), at.shape)
        return cls(direction, at, np.array(spread), np.zeros((len(at), POINTS)))

    def seen(self, count: ArrayLike, total: ArrayLike, squares: ArrayLike | None = None) -> Level:
        """With the values of one more tick.

        >>> bool(Level.new([0.9], "below").seen([100], [75]).evidence[0] > VERIFIED)
        True
        >>> bool(Level.new([0.9], "below").seen([100], [92]).evidence[0] > 1)
        False
        """
        brought = growth(self._bets(), count, total, squares)
        side = brought[:, POINTS:] if self.direction == "below" else brought[:, :POINTS]
        return replace(self, wealth=self.wealth + side)

    @property
    def evidence(self) -> Floats:
        """e-value of every stream."""
        return mixed(self.wealth)

    def to_json(self) -> bytes:
        """For the transaction that also holds the watermark."""
        names = ("direction", "level", "variance", "wealth")
        return packed("level", VERSION, {name: getattr(self, name) for name in names})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same evidence."""
        return cls(**unpacked("level", VERSION, data))

    def _bets(self) -> Bets:
        # A band that is one point can be crossed on both sides; the other side's bets are not used.
        inside = np.clip(self.level, 1e-5, 1 - 1e-5)
        return bets(inside, inside, variance=self.variance)


@dataclass(frozen=True, slots=True)
class Return:
    """Evidence that a metric is inside its band [lo, hi], against "below lo, or above hi"."""

    above_lo: Level
    below_hi: Level

    @classmethod
    def new(cls, lo: ArrayLike, hi: ArrayLike, *, variance: ArrayLike | None = None) -> Self:
        """At the moment of the action."""
        return cls(Level.new(lo, "above", variance=variance), Level.new(hi, "below", variance=variance))

    def seen(self, count: ArrayLike, total: ArrayLike, squares: ArrayLike | None = None) -> Return:
        """With the values of one more tick.

        >>> bool(Return.new([0.75], [1.0]).seen([60], [54]).back[0])
        True
        """
        return Return(self.above_lo.seen(count, total, squares), self.below_hi.seen(count, total, squares))

    @property
    def evidence(self) -> Floats:
        """Both sides must be excluded: the weaker one counts. An end at 0 or 1 needs no evidence."""
        low = np.where(self.above_lo.level <= 0, np.inf, self.above_lo.evidence)
        high = np.where(self.below_hi.level >= 1, np.inf, self.below_hi.evidence)
        return np.minimum(low, high)

    @property
    def back(self) -> Bools:
        """Verified to be inside."""
        return np.asarray(self.evidence >= VERIFIED)
