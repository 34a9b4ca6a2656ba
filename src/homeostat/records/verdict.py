"""A verdict: what came of an action, and what may be claimed. See design/0009-acting.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["worked", "no-effect", "harmed", "not-enough-data"]
Rung = Literal["randomised", "switchback", "replay", "before-after", "none"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome with its estimate, interval and kind of evidence. Time: microseconds, UTC."""

    action: int
    project: str
    at: int
    outcome: Outcome
    rung: Rung
    measure: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    claim: str
    """`caused`, `fixes-these-cases`, `back-inside-band`, `nothing`: what the evidence allows to say."""
    final: bool = True
    """False: an interim word; the deadline has not come."""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The one shape of a verdict outside."""
    return asdict(verdict) | {"evidence": dict(verdict.evidence)}


def from_json(said: Mapping[str, Any]) -> Verdict:
    """Read `as_json` back; fields of a later version are left alone."""
    return Verdict(**{name: said[name] for name in Verdict.__slots__ if name in said})
