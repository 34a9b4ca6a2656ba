"""From counts and sums to points with intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from homeostat.records.instant import iso, micros
from homeostat.store.warehouse.questions.measures import intervals
from homeostat.store.warehouse.questions.measures.buckets import Counts
from homeostat.store.warehouse.questions.measures.grammar import Measure
from homeostat.store.warehouse.questions.measures.merge import Table
from homeostat.store.warehouse.questions.measures.needs import Needs
from homeostat.store.warehouse.questions.measures.question import NOT_ENOUGH, TOO_LARGE, Point, Question
from homeostat.store.warehouse.questions.measures.steps import SECOND

Floats = NDArray[np.float64]
#: value, low, high, n of every group.
Estimate = tuple[Floats, Floats, Floats, Floats]


class Groups:
    """The engine's answer for one source, and the measures in each of its groups."""

    def __init__(self, question: Question, needs: Needs, table: Table) -> None:
        self._question = question
        self._needs = needs
        self._table = table
        self._counts: dict[str, Counts] = {}
        self.times = table.times
        #: What each group is called: its dimensions.
        self.named: list[dict[str, str]] = (
            [dict(zip(question.by, texts, strict=True)) for texts in zip(*table.dims, strict=True)]
            if question.by
            else [{}] * table.size
        )

    def _of(self, name: str) -> Floats:
        return self._table.sum(name)

    def estimate(self, measure: Measure) -> Estimate:
        """The measure in every group."""
        if measure.condition is not None:
            return self._of_condition(measure)
        n = self._of("n")
        if measure.stat == "count":
            return n, n, n, n
        if measure.stat == "rate":
            return self._rate(n, n)
        if measure.stat == "unique":
            value = self._of(f"u{self._needs.unique.index(measure.field)}")
            return value, value, value, n
        return self._of_field(measure)

    def _of_condition(self, measure: Measure) -> Estimate:
        assert measure.condition is not None
        i = self._needs.conditions.index(measure.condition)
        hits, n = self._of(f"k{i}"), self._of(f"m{i}")
        if measure.stat == "count":
            return hits, hits, hits, n
        if measure.stat == "rate":
            return self._rate(hits, n)
        low, high = intervals.share(hits, n)
        return _where(n > 0, _divided(hits, n)), low, high, n

    def _of_field(self, measure: Measure) -> Estimate:
        i = self._needs.fields.index(measure.field)
        n, total, squares = (self._of(f"f{i}_{part}") for part in ("n", "s", "q"))
        least, most = self._table.least(f"f{i}_l", f"f{i}_n"), self._table.most(f"f{i}_h", f"f{i}_n")
        if measure.stat == "coverage":
            every = self._of("n")
            covered = _where(every > 0, _divided(self._of("said"), every))
            return covered, covered, covered, every
        if measure.stat in ("min", "max"):
            value = least if measure.stat == "min" else most
            return value, value, value, n
        if measure.stat == "quantile":
            counts = self._buckets(measure.field)
            ends = intervals.quantile_ranks(n, measure.level)
            ranks = ((n - 1) * measure.level, *ends)
            value, low, high = (np.clip(counts.at_rank(rank), least, most) for rank in ranks)
            return _where(n > 0, value), _where(np.isfinite(ends[0]), low), _where(np.isfinite(ends[1]), high), n
        low, high = intervals.mean(n, total, squares)
        if "." not in measure.field:  # a latency, a cost: never below nothing
            low = np.maximum(low, np.minimum(least, 0.0))
        elif self._needs.said is not None and self._needs.said.family == "score":
            low, high = np.maximum(low, np.minimum(least, 0.0)), np.minimum(high, np.maximum(most, 1.0))
        if measure.stat == "sum":
            return _where(n > 0, total), low * n, high * n, n
        return _where(n > 0, _divided(total, n)), low, high, n

    def coverage(self, measure: Measure) -> list[float | None] | None:
        """In every group the share of exchanges that have the score that is measured; None: it is about no score."""
        if self._needs.said is None or self._needs.said.family != "score" or measure.stat == "coverage":
            return None
        if measure.condition is not None:
            known = self._of(f"m{self._needs.conditions.index(measure.condition)}")
        else:
            known = self._of(f"f{self._needs.fields.index(measure.field)}_n")
        every = self._of("n")
        return _plain(_where(every > 0, _divided(known, every)))

    def _buckets(self, field: str) -> Counts:
        if field not in self._counts:
            i = self._needs.buckets.index(field)
            self._counts[field] = self._table.counts(f"b{i}", f"c{i}")
        return self._counts[field]

    def _rate(self, events: Floats, n: Floats) -> Estimate:
        """Events per second of the part of the bucket that lies in the window and is not in the future."""
        question = self._question
        end = min(question.end, micros(question.now))
        if question.every is None or question.every.length:
            whole = max(end - question.start, 0) / SECOND
            length = np.full(len(events), question.every.length if question.every else whole)
        else:
            starts = np.array(
                [*question.every.starts(question.start, question.end), question.end / SECOND], dtype=np.float64
            )
            i = np.searchsorted(starts, self.times, side="left")
            low, high = np.maximum(starts[i], question.start / SECOND), np.minimum(starts[i + 1], end / SECOND)
            length = np.maximum(high - low, 0.0)
        low, high = intervals.poisson(events)
        value, low, high = (_where(length > 0, _divided(each, length)) for each in (events, low, high))
        return value, low, high, n


def points(question: Question, groups: Groups, measure: Measure) -> list[Point]:
    """The measure's points, in order of time and dimensions; a series without dimensions has no holes."""
    value, low, high, n = groups.estimate(measure)
    at = _times(question)
    seconds = groups.times.tolist()
    # Python floats, None instead of NaN and infinity: that is what JSON can say.
    columns = (_plain(value), _plain(low), _plain(high), n.astype(np.int64).tolist())
    found: list[Point] = [
        {"measure": measure.text, "at": at(second), **named, "value": v, "low": lo, "high": hi, "n": count}
        for second, named, v, lo, hi, count in zip(seconds, groups.named, *columns, strict=True)
    ]
    for point, share in zip(found, groups.coverage(measure) or (), strict=False):
        point["coverage"] = share
    for i in np.flatnonzero(~np.isfinite(value)).tolist():
        found[i]["reason"] = TOO_LARGE if np.isinf(value[i]) else NOT_ENOUGH
    return found if question.by else _filled(question, measure, found, seconds, at)


def _filled(
    question: Question, measure: Measure, found: list[Point], seconds: list[int], at: Callable[[int], str]
) -> list[Point]:
    """Times without any exchange: nothing was counted there, and nothing can be said about anything else."""
    have = dict(zip(seconds, found, strict=True))
    starts = question.every.starts(question.start, question.end) if question.every else [0]
    counted = measure.stat in ("count", "rate", "unique") and not (
        measure.stat == "rate" and question.end <= question.start
    )
    missing: Point = {"value": None, "low": None, "high": None, "n": 0, "reason": NOT_ENOUGH}
    if counted:
        missing = {"value": 0, "low": 0, "high": 0 if measure.stat != "rate" else None, "n": 0}
    return [have.get(start) or {"measure": measure.text, "at": at(start), **missing} for start in starts]


def _times(question: Question) -> Callable[[int], str]:
    """The text of a bucket's start."""
    if question.every is None:
        whole = iso(question.start)
        return lambda _: whole
    return _text


@lru_cache(20_000)
def _text(second: int) -> str:
    return iso(second * SECOND)


def _plain(values: Floats) -> list[float | None]:
    fine = np.isfinite(values)
    if fine.all():
        return list(values.tolist())
    return [v if ok else None for v, ok in zip(values.tolist(), fine.tolist(), strict=True)]


def _where(known: NDArray[np.bool_], value: Floats) -> Floats:
    return np.where(known, value, np.nan)


def _divided(a: Floats, b: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a / b, dtype=np.float64)
