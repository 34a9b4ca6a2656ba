"""Which hours and minutes of a question the rollups may answer, and what is left for the raw rows."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from homeostat.records.instant import EPOCH
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.measures.query import Split
from homeostat.store.warehouse.questions.measures.question import Question
from homeostat.store.warehouse.questions.measures.steps import HOUR, MINUTE, SECOND

#: More pieces than this make one SQL text too long; what lies between near pieces is then read raw as well.
MAX_PIECES: Final = 24
#: [low, high)
Span = tuple[int, int]


@dataclass(slots=True)
class Builds:
    """The newest builds of a project: start in seconds since 1970 → number. A minute counts if newer than its hour."""

    hours: dict[int, int] = field(default_factory=dict)
    minutes: dict[int, int] = field(default_factory=dict)


def seconds(hour: datetime) -> int:
    """Seconds since 1970; the ledger's times may come without a zone and are UTC."""
    aware = hour.replace(tzinfo=UTC) if hour.tzinfo is None else hour
    return int((aware - EPOCH).total_seconds())


def bit(minute: int) -> int:
    """Which bit of its hour's changed minutes a minute is (seconds since 1970)."""
    return 1 << minute % HOUR // MINUTE


def builds(warehouse: Warehouse, projects: Sequence[str], first: int, last: int) -> dict[str, Builds]:
    """What of [first, last) s is built, by project."""
    rows = warehouse.ask(
        "SELECT toString(project) AS project, toInt64(toUnixTimestamp(start)) AS second, seconds, max(build) AS build "
        "FROM rollups WHERE project IN {projects:Array(String)} AND grain = 'marker' "
        "AND start >= toDateTime({first:Int64}, 'UTC') AND start < toDateTime({last:Int64}, 'UTC') "
        "GROUP BY project, start, seconds",
        {"projects": list(projects), "first": first, "last": last},
    )
    found: dict[str, Builds] = defaultdict(Builds)
    for row in sorted(rows, key=lambda row: row["seconds"], reverse=True):
        of, second = found[row["project"]], row["second"]
        if row["seconds"] == HOUR:
            of.hours[second] = row["build"]
        elif row["build"] > of.hours.get(second // HOUR * HOUR, 0):
            of.minutes[second] = row["build"]
    return found


def split(warehouse: Warehouse, question: Question, dirty: Iterable[tuple[datetime, int]]) -> Split:
    """Rollups answer whole hours that were built and are not marked, and of marked ones the minutes that were built and
    have not changed; the raw rows answer the rest.
    """
    changed = {seconds(hour): minutes for hour, minutes in dirty}
    first, last = question.start // (HOUR * SECOND) * HOUR, question.end // SECOND
    built = builds(warehouse, [question.project], first, last)[question.project]
    spans = {(hour, hour + HOUR): build for hour, build in built.hours.items() if hour not in changed}
    for minute, build in built.minutes.items():
        if not changed.get(minute // HOUR * HOUR, bit(minute)) & bit(minute):
            spans[minute, minute + MINUTE] = build
    within = [span for span in sorted(spans) if span[0] * SECOND >= question.start and span[1] * SECOND <= question.end]
    clean, raw = without_small_gaps(within, question.start, question.end)
    return Split({span[0]: spans[span] for span in clean}, tuple(raw))


def without_small_gaps(clean: Sequence[Span], start: int, end: int) -> tuple[list[Span], list[Span]]:
    """Clean spans (s), and the raw pieces (µs) between them, not more than `MAX_PIECES`."""
    edges = [start, *(edge * SECOND for span in clean for edge in span), end]
    raw = joined(zip(edges[::2], edges[1::2], strict=True), MAX_PIECES)
    lows = [low for low, _ in raw]
    apart = [(span, bisect_right(lows, span[0] * SECOND) - 1) for span in clean]
    return [span for span, before in apart if before < 0 or raw[before][1] <= span[0] * SECOND], raw


def joined(spans: Iterable[Span], most: int) -> list[Span]:
    """At most so many spans that hold all of these, which are in order: what lies nearest is put together."""
    apart: list[Span] = []
    for low, high in spans:
        if low >= high:
            continue
        if apart and apart[-1][1] >= low:
            apart[-1] = (apart[-1][0], high)
        else:
            apart.append((low, high))
    gaps = sorted(range(1, len(apart)), key=lambda i: apart[i][0] - apart[i - 1][1], reverse=True)[: most - 1]
    edges = [0, *sorted(gaps), len(apart)] if apart else []
    return [(apart[i][0], apart[j - 1][1]) for i, j in pairwise(edges)]
