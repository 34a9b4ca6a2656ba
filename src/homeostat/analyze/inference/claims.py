"""What came of an action, as a record: words are made elsewhere. Effects are signed so that up is good.

The ladder, best rung first: a randomised comparison may say "caused"; a switchback too, if nothing carries over from
one block to the next; a replay speaks for the replayed cases; before and after never say more than "moved with the
action".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from homeostat.analyze.inference.arrays import chance

Outcome = Literal["worked", "no-effect", "harmed", "not-enough-data"]
Rung = Literal["randomised", "switchback", "replay", "before-after"]
Allowed = Literal[
    "caused",
    "caused-unless-carried-over",
    "holds-for-these-cases",
    "moved-more-than-controls",
    "moved-with-the-action",
    "back-inside-band",
    "nothing",
]
Note = Literal[
    "less-than-expected",
    "other-causes-not-excluded",
    "too-few-blocks",
    "too-few-units",
    "no-fresh-data-before-the-action",
    "controls-moved-too",
]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the action was to do, said before it started: move the measure up or down by at least this much."""

    at_least: float
    up: bool = True
    alpha: float = 0.05

    def __post_init__(self) -> None:
        chance("alpha", self.alpha)
        if not (self.at_least > 0 and math.isfinite(self.at_least)):
            raise ValueError("at_least: an action expects some positive change")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. The estimate and its interval are in the measure's own direction, not turned."""

    outcome: Outcome
    rung: Rung
    claim: Allowed
    """The most that may be said."""
    estimate: float
    low: float
    high: float
    units: int
    evidence: float = math.nan
    """e-value against "no effect"; before and after: that the metric is back in its band. NaN: there is none."""
    p: float = math.nan
    """Randomisation p-value, where there is one."""
    notes: tuple[Note, ...] = ()


def outcome(low: float, high: float, expected: Expected) -> Outcome:
    """Worked or harmed when the interval excludes 0, no effect when it excludes what was expected, else unknown.

    >>> [outcome(*ends, Expected(0.1)) for ends in ((0.02, 0.2), (-0.05, 0.05), (-0.2, -0.01), (-0.1, 0.3))]
    ['worked', 'no-effect', 'harmed', 'not-enough-data']
    """
    if math.isnan(low) or math.isnan(high):
        return "not-enough-data"
    worst, best = (low, high) if expected.up else (-high, -low)
    if worst > 0:
        return "worked"
    if best < 0:
        return "harmed"
    return "no-effect" if best < expected.at_least else "not-enough-data"


def lacking(rung: Rung, units: int, note: Note, *, claim: Allowed = "nothing") -> Verdict:
    """Not enough data for this rung."""
    return Verdict("not-enough-data", rung, claim, math.nan, math.nan, math.nan, units, notes=(note,))


def less(low: float, high: float, expected: Expected) -> tuple[Note, ...]:
    """A note when it worked, but certainly less than was expected."""
    best = high if expected.up else -low
    return ("less-than-expected",) if 0 < best < expected.at_least else ()
