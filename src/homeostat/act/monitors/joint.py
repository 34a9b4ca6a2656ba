"""All measures of a trial in one bet: what each of them says a little is together said clearly.

Every user brings one pseudo-outcome for each measure (`analyze/inference/experiment.py`), with mean "effect of the
candidate". While the candidate does no harm by any measure, a sum of them with weights that are not negative, and that
were chosen before the user was looked at, has no negative mean either: bets against that are an e-process, however the
measures depend on each other. The weights are learnt on the way: a measure weighs what it has shown so far, by its
variance, as the best linear rule between two groups would weigh independent measures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from scipy.special import ndtr

from homeostat.analyze.inference.arrays import Floats
from homeostat.analyze.inference.experiment import mixed

BETS: Final = 8
_STAKES: Final = np.geomspace(0.03, 0.9, BETS)
#: Effects are thought to be about as large as this, before anything is known.
_USUAL: Final = 0.1
#: How likely it is that a measure shows harm, where there is some.
_LIKELY: Final = 0.2
#: What a user's outcome may vary by within an arm, and how many users stand behind that at the beginning.
_SPREAD: Final = 0.1
_BEHIND: Final = 20.0
#: Of the first predictions (see `running_means`).
_PRIOR: Final = 1.0
_START: Final = 0.5
#: Users after whom weights and predictions are made anew.
_BATCH: Final = 25
_FIELDS: Final = ("count", "total", "phi", "log")


@dataclass(frozen=True, slots=True)
class Joint:
    """One trial. Arrays by measure, in the order of `measures`."""

    share: float
    measures: tuple[str, ...]
    count: Floats
    """[2, K] users of each arm with a word of the measure, baseline first."""
    total: Floats
    """[2, K] their outcomes."""
    phi: Floats
    """[3, K] of the pseudo-outcomes: number, sum, sum of squares."""
    log: Floats
    """[bets] log wealth."""

    @classmethod
    def new(cls, share: float) -> Self:
        """Nothing seen."""
        return cls(share, (), np.zeros((2, 0)), np.zeros((2, 0)), np.zeros((3, 0)), np.zeros(BETS))

    @property
    def of_harm(self) -> float:
        """E-value against "the candidate does no harm by any measure"."""
        return float(mixed(self.log))

    def having(self, measures: tuple[str, ...]) -> Joint:
        """With these measures too: known ones keep their place."""
        fresh = tuple(one for one in measures if one not in self.measures)
        if not fresh:
            return self
        count, total, phi = (np.pad(one, ((0, 0), (0, len(fresh)))) for one in (self.count, self.total, self.phi))
        return replace(self, measures=self.measures + fresh, count=count, total=total, phi=phi)

    def seen(self, treated: Floats, good: Floats) -> Joint:
        """With users in the order in which they came: their arm, and [users, K] outcomes (1 is best, NaN: no word)."""
        state = self
        for at in range(0, len(treated), _BATCH):
            state = state._batch(treated[at : at + _BATCH], good[at : at + _BATCH])
        return state

    def _batch(self, treated: Floats, good: Floats) -> Joint:
        m0, m1 = self._predicted()
        here = ~np.isnan(good)
        y = np.where(here, good, 0.0)
        a = treated[:, None]
        phi = m1 - m0 + a / self.share * (y - m1) - (1 - a) / (1 - self.share) * (y - m0)
        phi = np.where(here, phi, 0.0)
        weight = self._weights()
        most = self._most(weight, m0, m1)
        x = phi @ weight / most if most > 0 else np.zeros(len(phi))
        arms = np.stack([1 - treated, treated])
        return replace(
            self, count=self.count + arms @ here, total=self.total + arms @ y,
            phi=self.phi + np.stack([here.sum(axis=0), phi.sum(axis=0), (phi * phi).sum(axis=0)]),
            log=self.log + np.log1p(-_STAKES * x[:, None]).sum(axis=0),
        )  # fmt: skip

    def _predicted(self) -> Floats:
        pooled = (self.total.sum(axis=0) + _PRIOR * _START) / (self.count.sum(axis=0) + _PRIOR)
        result: Floats = (self.total + _PRIOR * pooled) / (self.count + _PRIOR)
        return result

    def _weights(self) -> Floats:
        """How much harm each measure is expected to show, by its variance: never negative.

        That a measure shows any is thought unlikely beforehand: else many that show nothing would drown the one that
        does.
        """
        n, sums, squares = self.phi
        variance = (squares + _BEHIND * _SPREAD / self.share) / (n + _BEHIND)
        spread = 1 / (1 / _USUAL**2 + n / variance)
        error = np.sqrt(spread)
        z = -error * sums / variance
        odds = _LIKELY / (1 - _LIKELY) * 2 * error / _USUAL * np.exp(np.minimum(z * z / 2, 600)) * ndtr(z)
        harm = error * (z + np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / np.maximum(ndtr(z), 1e-300))
        result: Floats = odds / (1 + odds) * np.maximum(harm, 0) / variance
        return result

    def _most(self, weight: Floats, m0: Floats, m1: Floats) -> float:
        """The most that one user can lose a bet by: all that speaks for the candidate, in either arm."""
        treated = np.maximum(m1 - m0 + (1 - m1) / self.share, 0)
        control = np.maximum(m1 - m0 + m0 / (1 - self.share), 0)
        return float(max(weight @ treated, weight @ control))

    def to_fields(self) -> dict[str, Any]:
        """For what the trial is kept as."""
        return {name: getattr(self, name) for name in _FIELDS} | {"measures": "\n".join(self.measures)}

    @classmethod
    def from_fields(cls, share: float, fields: dict[str, Any]) -> Self:
        """The same."""
        names = tuple(fields["measures"].split("\n")) if fields["measures"] else ()
        return cls(share, names, **{name: fields[name] for name in _FIELDS})
