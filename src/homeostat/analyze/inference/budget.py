"""The false-alarm budget: how many false alarms a month somebody is ready to be woken for, and who may spend them.

Every stream gets a share b_i of the monthly budget and injects b_i / ticks into its detector at every tick
(`detector.for_budget`). Then the expected number of false alarms of all streams together is at most the budget, however
the streams depend on each other. What is not used is not carried over: an unused budget is not earned evidence.

References: the proof is in design/0007-inference.md. Allocation: half for what the owners named, three tenths for
segments, two tenths for exploration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, finite

Purpose = Literal["primary", "segment", "exploratory"]

ALLOCATION: Final[dict[Purpose, float]] = {"primary": 0.5, "segment": 0.3, "exploratory": 0.2}
#: Minutes of thirty days.
MONTH: Final = 30 * 24 * 60

Level = Literal["P1", "P2", "P3", "watch"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Expected false alarms per month, over everything that is watched."""

    per_month: float = 2.0
    ticks_per_month: int = MONTH

    def __post_init__(self) -> None:
        if not (self.per_month > 0 and self.ticks_per_month >= 1):
            raise ValueError("a budget needs a positive number of alarms and at least one tick a month")


@dataclass(frozen=True, slots=True)
class Severity:
    """How strong an alarm is, in ordinary words."""

    level: Level
    per_month: float
    """How often a month chance alone would bring evidence this strong, anywhere among what is watched."""
    words: str


def shares(budget: Budget, purposes: Sequence[Purpose], *, weights: ArrayLike | None = None) -> Floats:
    """Each stream's share of the monthly budget. A purpose without streams leaves its part to the others.

    >>> shares(Budget(2.0), ["primary", "segment", "segment"]).round(3).tolist()
    [1.25, 0.375, 0.375]
    """
    if not purposes:
        return np.zeros(0)
    unknown = set(purposes) - set(ALLOCATION)
    if unknown:
        raise ValueError(f"purposes are {', '.join(ALLOCATION)}; found {', '.join(sorted(unknown))}")
    own = np.ones(len(purposes)) if weights is None else finite("weights", weights, low=0)
    if len(own) != len(purposes) or (own <= 0).any():
        raise ValueError("weights: one positive weight for each stream")
    named = np.array(purposes)
    present = {name: part for name, part in ALLOCATION.items() if name in purposes}
    result = np.zeros(len(purposes))
    for name, part in present.items():
        mine = named == name
        result[mine] = budget.per_month * part / sum(present.values()) * own[mine] / own[mine].sum()
    return result


def severity(budget: Budget, evidence: float) -> Severity:
    """The severity of evidence, the `level` of a tick or the `peak` of an open incident.

    With a threshold m in place of 1 the whole ledger would raise at most budget / m alarms a month. That is what is
    said.

    >>> severity(Budget(2.0), 500.0)
    Severity(level='P1', per_month=0.004, words='chance alone would do this about once in 21 years')
    >>> severity(Budget(2.0), 1.0).words
    'chance alone would do this about twice a month'
    """
    strength = float(finite("evidence", evidence, low=0))
    if strength < 1:
        return Severity("watch", budget.per_month, "chance alone does this; nobody is woken for it")
    rate = budget.per_month / strength
    level: Level = "P1" if rate < 1 / 120 else "P2" if rate < 1 / 12 else "P3"
    return Severity(level, rate, f"chance alone would do this {often(rate)}")


def often(per_month: float) -> str:
    """A rate in words.

    >>> often(4), often(1), often(0.5)
    ('about 4 times a month', 'about once a month', 'about once in 2 months')
    >>> often(1 / 12), often(1 / 120), often(1e-9)
    ('about once a year', 'about once in 10 years', 'less than once in 1,000 years')
    """
    if not per_month > 0:
        raise ValueError("a rate must be positive")
    months = 1 / per_month
    if months < 0.75:
        times = round(per_month)
        return "about twice a month" if times <= 2 else f"about {times:,} times a month"
    if months < 1.5:
        return "about once a month"
    if months < 10.5:
        return f"about once in {round(months)} months"
    years = months / 12
    if years < 1.5:
        return "about once a year"
    return f"about once in {_rounded(years)} years" if years <= 1000 else "less than once in 1,000 years"


def _rounded(years: float) -> int:
    """Two digits at most: nobody knows a rate of chance better than that."""
    step = 10 ** max(0, len(str(int(years))) - 2)
    return int(round(years / step) * step)
