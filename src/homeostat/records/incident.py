"""An incident: findings that belong together, with a state and a timeline. See design/0009-acting.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from homeostat.records.finding import Severity

State = Literal["open", "acknowledged", "closed"]
Cause = Literal[
    "release", "provider", "data", "concept", "knowledge", "judge", "feedback", "instrumentation", "none", "homeostat"
]
CAUSES: Final[tuple[Cause, ...]] = (
    "release", "provider", "data", "concept", "knowledge", "judge", "feedback", "instrumentation", "none",
)  # fmt: skip
#: The cause where a part of ours stopped: that is known, and nothing is weighed.
ITSELF: Final[Cause] = "homeostat"


@dataclass(frozen=True, slots=True)
class Sight:
    """A measure of how good answers are that moved, when the diagnosis looked: before the onset, and since."""

    measure: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause that would explain it, with what speaks for it, what against, and what would settle it."""

    cause: Cause
    weight: float
    """0 to 1; the candidates of an incident sum to 1."""
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    settle: str = ""
    subject: str = ""
    """The release, model, scorer or topic that it blames."""
    moved: tuple[Sight, ...] = ()
    """What it would have moved, the surest first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. Time: microseconds, UTC."""

    at: int
    kind: str
    """`finding`, `release`, `policy`, `prompt`, `model`, `scorer`, `action`, `verdict`, `state`, `comment` …"""
    text: str
    by: str = ""
    refers: Mapping[str, Any] = field(default_factory=dict)


#: The line of a timeline that says that it came back refers to these news.
REOPENED: Final = "reopened"


@dataclass(frozen=True, slots=True)
class Incident:
    """What a person is told about once."""

    id: int
    project: str
    opened: int
    onset: int
    severity: Severity
    state: State
    cause: Cause
    candidates: tuple[Candidate, ...]
    findings: tuple[int, ...]
    timeline: tuple[Entry, ...] = ()
    owner: str = ""
    silenced_until: int = 0
    closed: int = 0
    closed_by: str = ""
    merged_into: int = 0
    reopened: int = 0
    """How often it came back."""

    @property
    def begun(self) -> int:
        """When it was opened, or came back last, as far as its timeline is here."""
        return max([self.opened, *(entry.at for entry in self.timeline if entry.refers.get("news") == REOPENED)])


def as_json(incident: Incident) -> dict[str, Any]:
    """The one shape of an incident outside."""
    return asdict(incident)
