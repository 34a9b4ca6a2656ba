"""An action: what was done about an incident, by whom, and what it expects. See design/0009-acting.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

State = Literal["proposed", "approved", "doing", "done", "failed", "undoing", "undone", "declined"]
ENDED: Final[frozenset[State]] = frozenset(("done", "failed", "undone", "declined"))
#: What kinds of answer an incident can have, as scoreboards name them.
ANSWERS: Final = (
    "rollback", "fallback", "update-prompt", "update-knowledge", "curate", "retrain", "block", "fix-judge",
    "fix-instrumentation", "none",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be seen for the action to have worked, said before it starts."""

    measure: str
    """As `/measures` spells it."""
    direction: Literal["down", "up"]
    at_least: float
    """By how much it must move."""
    by: int
    """Until when (microseconds, UTC) there must be a verdict."""
    control: str = ""
    """What it is compared with: `holdback`, `canary`, `segment:<k>=<v>`, `before`; empty: only its own band."""
    where: Mapping[str, str] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    """The band that it should be back in."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing done, or proposed. Times: microseconds, UTC; 0: not yet."""

    id: int
    project: str
    remedy: str
    """The plugin's name: `rollback`, `shift-traffic`, `fallback`, `prompt`, `curate`, `retrain`, `block` …"""
    answer: str
    """One of `ANSWERS`."""
    parameters: Mapping[str, Any]
    expects: Expectation
    state: State
    by: str
    """A person (`key:<id>`, `operator`) or a rule (`rule:<monitor>`)."""
    why: str = ""
    incident: int = 0
    proposed: int = 0
    started: int = 0
    ended: int = 0
    step: str = ""
    """The step in hand, written before it is taken."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What undo needs."""
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


def as_json(action: Action) -> dict[str, Any]:
    """The one shape of an action outside."""
    said = asdict(action)
    return said | {name: dict(getattr(action, name)) for name in ("parameters", "before", "result")}


def from_json(said: Mapping[str, Any]) -> Action:
    """Read `as_json` back; fields of a later version are left alone."""
    expects = {name: said["expects"][name] for name in Expectation.__slots__ if name in said["expects"]}
    own = {name: said[name] for name in Action.__slots__ if name in said}
    return Action(**(own | {"expects": Expectation(**expects)}))
