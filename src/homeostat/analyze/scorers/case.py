"""What a scorer is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Rung = Literal["engine", "model", "judge", "human"]


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange as plain values: what was asked, what was answered, and what is known about the truth."""

    output: str
    input: str = ""
    documents: Sequence[str] = ()
    reference: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """A judgement: a value from 0 to 1 (1 is good), a label, and why."""

    value: float
    label: str
    reason: Any = ""


@dataclass(frozen=True, slots=True)
class Unscored:
    """No judgement, and why not. It counts as neither good nor bad; coverage shows it."""

    reason: str


@runtime_checkable
class Scorer(Protocol):
    """One frozen dataclass with one method; its fields are its settings."""

    @property
    def name(self) -> str:
        """What people type; unique."""
        ...

    @property
    def dimension(self) -> str:
        """Which quality it judges."""
        ...

    @property
    def rung(self) -> Rung:
        """How costly it is, and how much it may be trusted."""
        ...

    def score(self, case: Case) -> Scored | Unscored:
        """Judge one exchange."""
        ...


def judged(value: float, reason: Any) -> Scored:
    """A value with the label that follows from it."""
    value = min(1.0, max(0.0, round(float(value), 4)))
    return Scored(value, "good" if value >= 0.5 else "bad", reason)
