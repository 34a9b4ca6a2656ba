"""Which streams the monitors of a project are, and which questions bring their values: as few as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from homeostat.act.monitors.columns import Source, beside, source
from homeostat.records.monitor import MOST_STREAMS, Monitor
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.ticks import SEPARATOR, Column, Family, Unit

Side = Literal["up", "down"]
Method = Literal["sampled", "seasonal", "known", "paired", ""]
"""Which detector ticks it; empty: none of them does."""
#: Kinds of comparison whose baseline is known.
KNOWN: Final = ("limit", "band")
#: Between the parts of the name of a stream.
BETWEEN: Final = "\x1e"


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor with what it is ticked with."""

    monitor: Monitor
    source: Source
    rung: str
    cursor: str
    """Which feed its values come with: `fact`, `signal`, `engine`, `model`, `judge:<name>`, `external`."""
    of: Watched | None = None
    """These are the values of the other segment, with which this monitor compares its own."""

    @property
    def method(self) -> Method:
        """Which detector ticks it."""
        kind = self.monitor.kind
        if kind == "reference":
            return "seasonal" if "season" in self.monitor.against else "sampled"
        return "known" if kind in KNOWN else "paired" if kind == "segment" else ""

    @property
    def name(self) -> str:
        """Whose values these are: of the monitor, or of the other segment."""
        return f"{self.head} beside" if self.of else self.head

    @property
    def sides(self) -> tuple[Side, ...]:
        """The directions that are watched apart."""
        way = self.monitor.direction
        return ("up", "down") if way == "both" else (way,)

    @property
    def worse(self) -> Side | None:
        """The direction that is harm: of a score, downwards; None: nobody said."""
        way = self.monitor.direction
        if way == "both":
            return "down" if self.source.family == "score" else None
        return way

    def key(self, side: str, segment: str = "") -> str:
        """The name of a stream: never changes its meaning."""
        return BETWEEN.join((self.head, side, segment.replace("\n", " ")))

    @property
    def head(self) -> str:
        """What all its streams have in common: another version, or measure, is another stream."""
        return f"{self.monitor.name}@{self.monitor.version} {self.monitor.measure}"


@dataclass(frozen=True, slots=True)
class Group:
    """Monitors that one question serves."""

    family: Family
    cursor: str
    by: tuple[str, ...]
    unit: Unit
    watched: tuple[Watched, ...]

    @property
    def columns(self) -> list[Column]:
        """In the order of the monitors."""
        return [each.source.column for each in self.watched]


def watch(monitor: Monitor, rungs: Mapping[str, str]) -> Watched:
    """What a monitor is ticked with. `rungs`: of the scores that the project makes itself, by name."""
    found = source(monitor.measure, monitor.where)
    rung = rungs.get(found.column.name, "external") if found.family == "score" else ""
    if found.family == "score" and rung != "external":
        found = source(monitor.measure, monitor.where, rung)
    cursor = {"judge": f"judge:{found.column.name}", "": found.family}.get(rung, rung)
    return Watched(
        monitor, found, "" if rung == "external" else rung or ("signal" if cursor == "signal" else ""), cursor
    )


def groups(watched: Iterable[Watched]) -> list[Group]:
    """By the question that brings their values. Events need the answers beside the signals."""
    apart: dict[tuple[Family, str, tuple[str, ...], Unit], list[Watched]] = {}
    for each in watched:
        unit = each.monitor.unit
        apart.setdefault((each.source.family, each.cursor, each.monitor.by, unit), []).append(each)
        if each.method == "paired":
            apart[each.source.family, each.cursor, each.monitor.by, unit].append(other(each))
        if each.source.scale == "event":
            answers = Source("fact", Column(where=each.source.column.where), "event")
            twin = Watched(each.monitor, answers, each.rung, "fact")
            apart.setdefault(("fact", "fact", each.monitor.by, unit), []).append(twin)
    return [Group(*key, tuple(some)) for key, some in apart.items()]


def other(watched: Watched) -> Watched:
    """What the segment is ticked with that a monitor compares its own with: its filters, where they differ."""
    monitor = watched.monitor
    there = dict(monitor.against["segment"])
    where = (*((field, value) for field, value in monitor.where if field not in there), *there.items())
    where += beside(monitor.measure, [name for name, _ in where])
    column = replace(watched.source.column, where=filters.parse(where))
    return replace(watched, source=replace(watched.source, column=column), of=watched)


def segment_of(monitor: Monitor, text: str) -> dict[str, str]:
    """The values of a segment by what they are values of."""
    return dict(zip(monitor.by, text.split(SEPARATOR), strict=False)) if monitor.by else {}


def segments(monitor: Monitor, known: Sequence[str], fresh: Iterable[str]) -> list[str]:
    """The segments that are watched: those known already, then new ones while there is room. Unnamed ones are not."""
    found = list(known)
    if not monitor.by:
        return found or [""]
    for text in fresh:
        if text not in found and len(found) < MOST_STREAMS and all(text.split(SEPARATOR)):
            found.append(text)
    return found
