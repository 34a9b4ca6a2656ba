"""A finding: what analysis claims about one stream, with its evidence. See design/0009-acting.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Severity = Literal["watch", "warning", "critical"]
Direction = Literal["down", "up"]
#: A measure that begins so is none of the application: a part of Homeostat stopped.
OURS: Final = "homeostat."
#: Kinds of comparison in which `reference` is a line that somebody drew, and not what was before.
LINES: Final = ("limit", "band", "threshold")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something changed in one stream: what, where, since when, by how much, how surely. Times: microseconds, UTC."""

    project: str
    monitor: str
    monitor_version: int
    measure: str
    """As `/measures` spells it: `mean(score.relevance)`."""
    at: int
    """When the detector was sure."""
    direction: Direction
    onset: int
    """Best guess of when it began, and the interval of that guess."""
    onset_low: int
    onset_high: int
    value: float | None
    low: float | None
    high: float | None
    """The measure since the onset, with its interval; None: a thing that stopped has none."""
    reference: float | None
    """What it is compared with: the limit, the mean of the reference window, the other arm."""
    n: int
    """Independent units (users) behind `value`."""
    chance_per_month: float
    """How often chance alone would do this in a month without any change, at this strength."""
    severity: Severity
    segment: Mapping[str, str] = field(default_factory=dict)
    """Where: `{"plan": "premium"}`; empty: everywhere."""
    release: str = ""
    """The arm, when two releases were compared; else empty."""
    against: str = ""
    """`limit`, `band`, `reference`, `release`, `segment`, `threshold`, `silence`, and later kinds of streams."""
    rung: str = ""
    """Of the score behind the measure: `engine`, `model`, `judge`, `human`; `signal`; empty: a plain fact."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What those who ask may see: e-value, increments, counts."""
    id: int = 0
    """Given by the ledger."""


def as_json(finding: Finding) -> dict[str, Any]:
    """The one shape of a finding outside."""
    said = asdict(finding)
    return said | {"segment": dict(finding.segment), "evidence": dict(finding.evidence)}
