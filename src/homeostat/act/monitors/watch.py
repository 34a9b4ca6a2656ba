"""The streams of a project: what each stands for, what its detectors know, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.act.monitors import plan
from homeostat.act.monitors.detectors import Known, Sampled
from homeostat.act.monitors.pairs import Paired
from homeostat.act.monitors.plan import Watched
from homeostat.act.monitors.seasons import Seasonal
from homeostat.act.monitors.seen import Seen
from homeostat.act.monitors.turns import Turns


@dataclass(frozen=True, slots=True)
class Stream:
    """What one key stands for."""

    watched: Watched
    side: plan.Side
    segment: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A stream is sure. Time: the end of the minute, microseconds."""

    stream: Stream
    key: str
    at: int
    level: float
    units: int
    again: bool = False
    """It fires already, and what was told of it is less than it may be by now."""


#: What can be told of a stream, from nothing to the gravest.
TOLD: Final = ("", "watch", "warning", "critical")


@dataclass(slots=True)
class Standing:
    """What is known of a stream besides its detector. Times: microseconds."""

    units: int = 0
    firing: int = 0
    """Since when; 0: it does not."""
    last: int = 0
    """The last alarm."""
    left: int = 0
    """Units without an alarm until it fires no more."""
    level: float = 0.0
    seen: int = 0
    """When the last value came."""
    told: int = 0
    """Of `TOLD`, what was told since it fires."""


@dataclass(slots=True)
class Watch:
    """The whole watch of a project: detectors, what is known of each stream, and who counted already."""

    sampled: Sampled = field(default_factory=Sampled.new)
    known: Known = field(default_factory=Known.new)
    seasonal: Seasonal = field(default_factory=Seasonal.new)
    paired: Paired = field(default_factory=Paired.new)
    standing: dict[str, Standing] = field(default_factory=dict)
    ticked: int = 0
    streams: dict[str, Stream] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    turns: Turns = field(default_factory=Turns)
    lumps: list[tuple[int, float]] = field(default_factory=list)
    """Changes that were answered (µs), and the part of a month's budget that each got."""
    resumed: int = 0
    """Up to where (µs) was made up for when it began again: meanwhile nobody spoke, for nobody ran."""


def standings_json(standing: Mapping[str, Standing]) -> dict[str, Any]:
    """For the ledger."""
    return {
        key: [one.units, one.firing, one.last, one.left, one.level, one.seen, one.told] for key, one in standing.items()
    }


def standings(told: Mapping[str, Any]) -> dict[str, Standing]:
    """From the ledger."""
    return {key: Standing(*row) for key, row in told.items()}
