"""A comparison: how a release does against the one beside it, for users put to them by chance.

See design/0009-acting.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from homeostat.records.finding import Direction

#: What people or a judge say of an answer counts so many times what a plain fact or a smoke detector does.
WEIGHTS: Final = {"signal": 4.0, "human": 4.0, "judge": 4.0}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of two releases that serve a route together. Times: microseconds, UTC."""

    project: str
    route: str
    measure: str
    """As `/measures` spells it: `mean(score.relevance)`."""
    rung: str
    """Of what is measured: `engine`, `model`, `judge`, `human`, `signal`; empty: a plain fact (errors, latency)."""
    candidate: str
    """The release with the smaller share, on trial."""
    baseline: str
    harmful: Direction
    """Which way is worse."""
    policy: int
    """The policy's version since which the shares were these."""
    since: int
    at: int
    harm: float
    """E-value for "the candidate is worse"; 1 at the start, may be looked at at any time."""
    safe: float
    """E-value for "the candidate is not worse by more than the tolerance"."""
    users: tuple[int, int]
    """Of the candidate, of the baseline."""
    means: tuple[float | None, float | None]
    estimate: float | None
    """Candidate minus baseline, with an interval that holds at any time."""
    low: float | None
    high: float | None
    joint: float | None = None
    """E-value of all measures of the trial in one bet, the same for each of them; none: nothing was laid."""
    joint_alone: float | None = None
    """The same without what judges say."""


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The one shape of a comparison outside."""
    return asdict(comparison)


def together(found: Sequence[Comparison], *, without: Literal["judge"] | None = None) -> float:
    """E-value of all measures of a trial: a mean with weights fixed beforehand is an e-value, however they depend.

    One half of it is the mean over the measures, where the strongest counts most; the other the bet on all of them
    together, which grows where several say a little. `without`: the judges' measures (no other rung can be left out)
    count as if they said nothing. No measures say 1.

    >>> together([])
    1.0
    """
    if not found:
        return 1.0
    weights = [WEIGHTS.get(one.rung, 1.0) for one in found]
    said = sum(weight * (1.0 if one.rung == without else one.harm) for weight, one in zip(weights, found, strict=True))
    mean = said / sum(weights)
    joint = found[0].joint if without is None else found[0].joint_alone
    return mean if joint is None else (mean + joint) / 2
