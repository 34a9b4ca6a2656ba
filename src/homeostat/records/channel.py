"""A channel: one way to tell people, with the rules of when it is used. See docs/notifiers.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from homeostat.records.finding import Severity

State = Literal["on", "off"]
#: What a channel can be told of.
KINDS: Final = (
    "opened", "worse", "reopened", "unsilenced", "acknowledged", "closed", "action", "verdict", "escalated", "test",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours without messages, except critical ones. `since` and `until`: `22:00`; over midnight is allowed."""

    since: str
    until: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Rules:
    """When a channel is used."""

    severity: Severity = "warning"
    """This grave or worse."""
    every: float = 60.0
    """Seconds between two messages; what comes meanwhile is told together. 0: each at once."""
    quiet: Quiet | None = None
    escalate_after: float = 0.0
    """Minutes after which `escalate_to` is told of an incident that nobody acknowledged; 0: never."""
    escalate_to: str = ""
    only_escalations: bool = False
    """It hears of nothing but what others escalate to it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell people. Secrets are sealed; nothing here can be used to send. Times: machine clock, µs."""

    project: str
    name: str
    kind: str
    """Its line in the table of notifiers."""
    settings: Mapping[str, Any]
    """What is no secret."""
    sealed: str = field(default="", repr=False)
    rules: Rules = Rules()
    state: State = "on"
    created: int = 0
    author: str = ""
    sent: int = 0
    sent_critical: int = 0
    problem: str = ""
    """Why the last try failed; empty: it did not."""


def rules_as_json(rules: Rules) -> dict[str, Any]:
    """The one shape of rules outside."""
    return asdict(rules)


def rules_from_json(said: Mapping[str, Any]) -> Rules:
    """Read them back."""
    quiet = said.get("quiet")
    return Rules(**{**said, "quiet": Quiet(**quiet) if quiet else None})
