"""Which hours of a question the rollups may answer, and what is left for the raw rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from homeostat.records.instant import EPOCH
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.measures.query import Split
from homeostat.store.warehouse.questions.measures.question import Question
from homeostat.store.warehouse.questions.measures.steps import HOUR, SECOND

#: More pieces than this make one SQL text too long; the clean hours between near pieces are then read raw as well.
MAX_PIECES: Final = 24


def seconds(hour: datetime) -> int:
    """Seconds since 1970; the ledger's times may come without a zone and are UTC."""
    aware = hour.replace(tzinfo=UTC) if hour.tzinfo is None else hour
    return int((aware - EPOCH).total_seconds())


def split(warehouse: Warehouse, question: Question, dirty: Iterable[datetime]) -> Split:
    """Rollups answer whole hours that were built and are not marked; the raw rows answer the rest."""
    first, last = -(-question.start // (HOUR * SECOND)) * HOUR, question.end // (HOUR * SECOND) * HOUR
    marked = {seconds(hour) for hour in dirty}
    rows = warehouse.ask(
        "SELECT toInt64(toUnixTimestamp(hour)) AS second, max(build) AS build FROM rollups "
        "WHERE project = {project:String} AND coarse AND marker "
        "AND hour >= toDateTime({first:Int64}, 'UTC') AND hour < toDateTime({last:Int64}, 'UTC') GROUP BY hour",
        {"project": question.project, "first": first, "last": last},
    )
    builds = {row["second"]: row["build"] for row in rows if row["second"] not in marked}
    clean, raw = without_small_gaps(sorted(builds), question.start, question.end)
    return Split({hour: builds[hour] for hour in clean}, raw)


def without_small_gaps(clean: list[int], start: int, end: int) -> tuple[list[int], tuple[tuple[int, int], ...]]:
    """Clean hours, and the raw pieces between them, not more than `MAX_PIECES`."""
    pieces: list[tuple[int, int]] = []
    at = start
    for hour in clean:
        if hour * SECOND > at:
            pieces.append((at, hour * SECOND))
        at = (hour + HOUR) * SECOND
    if end > at:
        pieces.append((at, end))
    if len(pieces) <= MAX_PIECES:
        return clean, tuple(pieces)
    gaps = sorted(range(1, len(pieces)), key=lambda i: pieces[i][0] - pieces[i - 1][1], reverse=True)[: MAX_PIECES - 1]
    merged = [pieces[0]]
    for i in range(1, len(pieces)):
        if i in gaps:
            merged.append(pieces[i])
        else:
            merged[-1] = (merged[-1][0], pieces[i][1])
    left = [hour for hour in clean if not any(low <= hour * SECOND < high for low, high in merged)]
    return left, tuple(merged)
