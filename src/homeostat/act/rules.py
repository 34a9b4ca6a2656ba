"""When a machine may roll back by itself. Evidence first, then manners.

*Evidence.* Every measure of a comparison is an e-process under "the candidate does no harm". Their mean, what people
and judges say weighing more, is one too, so
the route as a whole is rolled back falsely with a chance of at most alpha, however often it is looked at, however many
measures there are and however they depend on each other. A judge's scores alone never suffice: without them the mean
must reach 1/alpha too, or an independent measure that no judge made speaks the same way with e >= 4.

*Manners.* An hour between two automatic rollbacks of a route, three a day at most, never to a release that is itself
under an open incident, never while a hold-back is being judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.records.comparison import Comparison, together
from homeostat.records.policy import Policy

HOUR: Final = 3_600_000_000
COOL_DOWN: Final = HOUR
MOST_A_DAY: Final = 3
INDEPENDENT: Final = 4.0
ACTOR: Final = "rule:automatic-rollback"

Why = Literal["cool-down", "too-many-today", "target-under-incident", "hold-back", "no-target", "judge-alone"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rollback that the evidence asks for. `held`: why it is not done by the machine; empty: it is."""

    route: str
    candidate: str
    to: str
    evidence: float
    """E-value of all measures together."""
    comparisons: tuple[Comparison, ...]
    """Of this candidate, the strongest first."""
    held: Why | Literal[""] = ""

    @property
    def strongest(self) -> Comparison:
        """The one that says most."""
        return self.comparisons[0]


@dataclass(frozen=True, slots=True)
class Past:
    """What matters of what was done: when the machine rolled a route back, what is under an incident."""

    rollbacks: Sequence[int] = ()
    """Moments of automatic rollbacks of this route, µs."""
    suspects: Collection[str] = ()
    """Releases under an open incident."""
    judged: bool = False
    """A hold-back on this route waits for its verdict."""


def due(
    policy: Policy, found: Sequence[Comparison], past: Past, *, at: int, alpha: float = 0.01
) -> list[Verdict]:  # fmt: skip
    """The rollbacks that evidence asks for, on one route."""
    apart: dict[str, list[Comparison]] = defaultdict(list)
    for one in found:
        if one.candidate in policy.shares and one.baseline in policy.shares:
            apart[one.candidate].append(one)
    told = []
    for candidate, ones in sorted(apart.items()):
        ranked = tuple(sorted(ones, key=lambda one: -one.harm))
        evidence = together(ranked)
        if evidence >= 1 / alpha:
            to = _target(policy, candidate, ranked)
            held = _held(policy, ranked, past, to, at, alpha)
            told.append(Verdict(policy.route, candidate, to, evidence, ranked, held))
    return told


def _target(policy: Policy, candidate: str, ranked: Sequence[Comparison]) -> str:
    """The release beside it, which the evidence speaks for; else what was good last."""
    beside = ranked[0].baseline
    if policy.shares.get(beside, 0.0) >= policy.shares.get(candidate, 0.0):
        return beside
    return "" if policy.previous_good == candidate else policy.previous_good


def _held(
    policy: Policy, ranked: Sequence[Comparison], past: Past, to: str, at: int, alpha: float
) -> Why | Literal[""]:
    if not to:
        return "no-target"
    if not _independent(ranked, alpha):
        return "judge-alone"
    if past.judged:
        return "hold-back"
    if to in past.suspects:
        return "target-under-incident"
    if any(at - moment < COOL_DOWN for moment in past.rollbacks):
        return "cool-down"
    if sum(at - moment < 24 * HOUR for moment in past.rollbacks) >= MOST_A_DAY:
        return "too-many-today"
    return ""


def _independent(ranked: Sequence[Comparison], alpha: float) -> bool:
    """Without the judges it would be enough, or one that is no judge's speaks the same way."""
    others = [one for one in ranked if one.rung != "judge"]
    # The judges' places stay in the mean, with evidence 1: leaving them out would be another test.
    return together(ranked, without="judge") >= 1 / alpha or any(one.harm >= INDEPENDENT for one in others)
