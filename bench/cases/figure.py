"""A figure beside its limit. Limits on rates are exact binomial ones for the number of runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from scipy import stats

Kind = Literal["rate at most", "rate at least", "count at most", "at most", "at least"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `limit` is what is promised; a rate may miss it by chance as far as `fits` says."""

    says: str
    kind: Kind
    value: float
    limit: float
    runs: int
    error: float = 0.0
    """Standard error of the value, where chance moves it by much compared with the limit."""

    def fits(self, sure: float = 0.99) -> bool:
        """Whether a promise that is kept would show this figure, but for one time in a hundred (a thousand)."""
        if self.kind == "rate at most":
            return round(self.value * self.runs) <= float(stats.binom.ppf(sure, self.runs, self.limit))
        if self.kind == "rate at least":
            return round(self.value * self.runs) >= float(stats.binom.ppf(1 - sure, self.runs, self.limit))
        if self.kind == "count at most":  # per run, as a Poisson count
            return round(self.value * self.runs) <= float(stats.poisson.ppf(sure, self.limit * self.runs))
        chance = float(stats.norm.ppf(sure)) * self.error
        return self.value <= self.limit + chance if self.kind == "at most" else self.value >= self.limit - chance


@dataclass(frozen=True, slots=True)
class Case:
    """One acceptance case: its number in the list that was asked for, what is simulated, and how often."""

    number: str
    what: str
    run: Callable[[int, Generator], list[Figure]]
    small: int
    whole: int


def rate_at_most(says: str, hits: ArrayLike, limit: float) -> Figure:
    """A share of runs that must not be larger."""
    found = np.asarray(hits, dtype=bool)
    return Figure(says, "rate at most", float(found.mean()), limit, len(found))


def rate_at_least(says: str, hits: ArrayLike, limit: float) -> Figure:
    """A share of runs that must not be smaller."""
    found = np.asarray(hits, dtype=bool)
    return Figure(says, "rate at least", float(found.mean()), limit, len(found))


def count_at_most(says: str, counts: ArrayLike, limit: float) -> Figure:
    """A mean number per run that must not be larger."""
    found = np.asarray(counts, dtype=np.float64)
    return Figure(says, "count at most", float(found.mean()), limit, len(found))


def at_most(says: str, value: float, limit: float, runs: int) -> Figure:
    """A mean, median or quantile that must not be larger."""
    return Figure(says, "at most", float(value), limit, runs)


def at_least(says: str, value: float, limit: float, runs: int) -> Figure:
    """A mean, median or quantile that must not be smaller."""
    return Figure(says, "at least", float(value), limit, runs)


def mean_at_most(says: str, values: ArrayLike, limit: float) -> Figure:
    """A mean that must not be larger, with its standard error."""
    found = np.asarray(values, dtype=np.float64)
    return Figure(says, "at most", float(found.mean()), limit, len(found), float(found.std() / np.sqrt(len(found))))
