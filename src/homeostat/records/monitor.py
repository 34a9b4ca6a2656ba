"""A monitor: what to watch, against what, how surely, and what to do then. See design/0009-acting.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Unit = Literal["user", "session", "exchange"]
Way = Literal["down", "up", "both"]
Standing = Literal["ok", "pending", "firing", "no data", "not enough data", "dead"]
AGAINST: Final = ("limit", "band", "reference", "release", "segment", "threshold")
"""What a monitor may compare with."""
MOST_STREAMS: Final = 50
"""Segments of one monitor that are watched; what comes after them is not."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """One version of a monitor in a project."""

    project: str
    name: str
    measure: str
    """As `/measures` spells it, or `coverage(signals)`."""
    against: Mapping[str, Any]
    """One of `AGAINST` with its value: `{"reference": "all"}`, `{"limit": 0.05}`; a reference perhaps with `season`."""
    direction: Way = "both"
    """Which way is worth a word."""
    where: tuple[tuple[str, str], ...] = ()
    """Filters, as lists take them."""
    by: tuple[str, ...] = ()
    """Watched apart for each value of these."""
    unit: Unit = "user"
    """What counts once an hour."""
    tolerance: float = 0.0
    """A change smaller than this is not worth a word."""
    severity: Literal["warning", "critical"] = "warning"
    critical_from: float = 0.0
    """Of a critical monitor: a smaller change is told as a warning, however sure it is."""
    budget: float = 1.0
    """Its weight among all monitors when the false alarms of a month are shared out."""
    version: int = 0
    """Given by the ledger; 0: of the default set."""
    state: Literal["on", "paused", ""] = "on"
    """Empty: whoever wrote it said nothing of it, so that it stays as it is."""

    @property
    def kind(self) -> str:
        """What it compares with."""
        return next(iter(self.against))


@dataclass(frozen=True, slots=True)
class Standings:
    """How a monitor stands after the last tick. Time: microseconds, UTC."""

    state: Standing
    since: int
    streams: int
    units: int
    """Independent units that were looked at so far."""
    evidence: float = 0.0
    """Of its strongest stream; an alarm at 1."""
    where: Mapping[str, str] = field(default_factory=dict)
    """The segment of that stream."""


#: The states of several streams are told by the one that comes first here.
ORDER: Final[tuple[Standing, ...]] = ("firing", "dead", "pending", "ok", "not enough data", "no data")


def as_json(monitor: Monitor) -> dict[str, Any]:
    """The one shape of a monitor outside."""
    said = asdict(monitor)
    return said | {
        "against": dict(monitor.against),
        "where": [list(pair) for pair in monitor.where],
        "by": list(monitor.by),
    }
