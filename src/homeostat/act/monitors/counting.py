"""From the rows of a piece of time to the values that count: which stream each belongs to, and who counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors import alike, detectors, plan
from homeostat.act.monitors.columns import bins
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.seen import BITS, Keys, Seen
from homeostat.act.monitors.watch import Stream, Watch
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.store.warehouse.questions.ticks import STEPS, Rows

#: Marks of a unit: it was bad, it was in the worse half.
_BAD, _WORSE = "-", "~"


@dataclass(frozen=True, slots=True)
class Values:
    """Values of streams (their keys' numbers), in the order of time."""

    stream: Ints
    step: Ints
    """The part of the minute that each came in, counted since 1970."""
    bin: Ints
    value: Floats
    stratum: Ints
    """0: the first of its unit in the hour; 1: a later one, or, of a pair, one of the other segment."""
    alike: Ints
    """By stream: later values beside earlier ones of their unit, as `alike.counted` counts them."""


def values(watch: Watch, found: Sequence[tuple[Group, Rows]]) -> Values:
    """Rows of the questions as values of streams: what does not count is left out; new segments become streams."""
    numbers: dict[str, int] = {key: at for at, key in enumerate(watch.streams)}
    edges = zip(watch.sampled.line.tolist(), watch.sampled.half.tolist(), strict=True)
    lines = dict(zip(watch.sampled.keys, edges, strict=True))
    parts: list[tuple[NDArray[Any], ...]] = []
    met: list[tuple[_Sided, _Later]] = []
    for group, rows in found:
        segment = _coded(rows.segment if group.by else [""] * len(rows))
        taken = [one for at in range(len(group.watched)) if (one := _taken(watch, group, at, segment, rows))]
        once = _once(watch.seen, group, taken, segment, rows)
        sided = [each for one in taken for each in _sided(watch, one, segment, group, rows, numbers, lines)]
        later = _later(watch, group, [one for one in sided if one.lined.any()], segment, rows)
        parts += _counting(sided, once, later, rows)
        met += [(one, later[one.name]) for one in sided if one.name in later]
    known = _met(met, len(watch.streams))
    if not parts:
        none = np.zeros(0, np.int64)
        return Values(none, none, none, np.zeros(0), none, known)
    stream, step, bin_, value, stratum = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(step, kind="stable")
    return Values(stream[order], step[order], bin_[order], value[order], stratum[order], known)


@dataclass(frozen=True, slots=True)
class _Segments:
    """The segment of each row: its number, and what the numbers stand for."""

    names: list[str]
    code: Ints


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one monitor takes of the rows of its question."""

    watched: Watched
    column: int
    rows: Ints
    segments: list[str]


@dataclass(frozen=True, slots=True)
class _Sided:
    """One side of it: for each of its rows the stream, the value, its bin, and whether that is bad."""

    taken: _Taken
    name: str
    rows: Ints
    stream: Ints
    bin: Ints
    value: Floats
    bad: NDArray[np.bool_]
    worse: NDArray[np.bool_]
    """Whether it lies in the worse half."""
    lined: NDArray[np.bool_]
    """Streams that know what is bad: later values of a unit count there."""


@dataclass(frozen=True, slots=True)
class _Later:
    """What is known of the rows of a question for one side of a monitor, by what their unit had before in the hour."""

    counts: NDArray[np.bool_]
    """It was not bad before, nor there too often."""
    early: NDArray[np.bool_]
    """It was there, and not too often."""
    worse: NDArray[np.bool_]
    """It was in the worse half before."""
    before: Ints
    """How often it was there."""


def _coded(texts: Sequence[str]) -> _Segments:
    numbers: dict[str, int] = {}
    code = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.int64, len(texts))
    return _Segments(list(numbers), code)


def _taken(watch: Watch, group: Group, column: int, segment: _Segments, rows: Rows) -> _Taken | None:
    """The rows that have a value and are of a segment that is watched; None: there are none."""
    watched, here = group.watched[column], np.flatnonzero(rows.count[column] > 0)
    if not len(here) or not watched.source.kept or not watched.method:
        return None
    known = [one.segment for one in watch.streams.values() if one.watched.head == watched.head]
    came = np.bincount(segment.code[here], minlength=len(segment.names)) > 0
    fresh = sorted(text for text, some in zip(segment.names, came.tolist(), strict=True) if some)
    chosen = set(plan.segments(watched.monitor, list(dict.fromkeys(known)), fresh))
    mine = np.array([text in chosen for text in segment.names], dtype=bool)
    return _Taken(watched, column, here[mine[segment.code[here]]], [text for text in fresh if text in chosen])


def _once(
    seen: Seen, group: Group, taken: Sequence[_Taken], segment: _Segments, rows: Rows
) -> dict[str, NDArray[np.bool_]]:
    """By monitor, which rows are the first of their unit and hour. Events have no such rule of theirs."""
    asked = [one for one in taken if one.watched.source.scale != "event"]
    found: dict[str, NDArray[np.bool_]] = {}
    name = f"{group.family} {group.cursor} {group.by} {group.unit}"
    for table, bits in _tables(seen, name, [one.watched.name for one in asked]).items():
        wanted = np.zeros(len(rows), np.uint64)
        for one in asked:
            if one.watched.name in bits:
                wanted[one.rows] |= bits[one.watched.name]
        stream = np.array([_hash(f"{name} {table} {text}") for text in segment.names], np.uint64)
        first = seen.first(stream[segment.code], rows.unit, rows.window, wanted)
        found |= {whose: (first & bit) > 0 for whose, bit in bits.items()}
    return found


def _tables(seen: Seen, name: str, heads: Sequence[str]) -> dict[int, dict[str, np.uint64]]:
    """The bit of each monitor; those beyond the first 64 stand in further tables."""
    found: dict[int, dict[str, np.uint64]] = {}
    for head in heads:
        table, bit = divmod(seen.number(name, head), BITS)
        found.setdefault(table, {})[head] = np.uint64(1 << bit)
    return found


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _sided(
    watch: Watch, taken: _Taken, segment: _Segments, group: Group, rows: Rows, numbers: dict[str, int],
    lines: Mapping[str, tuple[int, int]],
) -> list[_Sided]:  # fmt: skip
    watched, some, at = taken.watched, taken.rows, taken.column
    if watched.source.scale == "event":  # each answer is a 0; each signal a 1, of one unit and minute only once
        signal = group.family == "signal"
        some = some if signal else np.repeat(some, rows.count[at][some].astype(np.int64))
        mean = np.full(len(some), float(signal))
    else:
        mean = rows.total[at][some] / rows.count[at][some]
    place = {text: number for number, text in enumerate(segment.names)}
    made = []
    for side in watched.sides:
        of, line, half = (np.full(len(segment.names), -1) for _ in range(3))
        for text in taken.segments:
            key = watched.key(side, text)
            of[place[text]] = numbers.setdefault(key, len(numbers))
            line[place[text]], half[place[text]] = lines.get(key, (-1, -1))
            watch.streams.setdefault(key, Stream(watched.of or watched, side, text))
        code, bin_ = segment.code[some], bins(watched.source.scale, mean, side)
        lined = line[code] >= 0
        bad, worse = lined & (bin_ >= line[code]), lined & (bin_ >= half[code])
        made.append(_Sided(taken, f"{watched.name} {side}", some, of[code], bin_, mean, bad, worse, lined))
    return made


def _counting(
    sided: Sequence[_Sided], once: Mapping[str, NDArray[np.bool_]], later: Mapping[str, _Later], rows: Rows
) -> list[tuple[NDArray[Any], ...]]:
    """What counts: first values; later ones too, up to the first bad one, where a stream knows what is bad."""
    made: list[tuple[NDArray[Any], ...]] = []
    for one in sided:
        first = once.get(one.taken.watched.name)
        if first is None:
            counts, stratum = np.ones(len(one.rows), dtype=bool), np.zeros(len(one.rows), np.int64)
        else:
            again = one.lined & later[one.name].counts[one.rows] if one.name in later else False
            counts = first[one.rows] | again
            stratum = np.where(first[one.rows] & (one.taken.watched.of is None), 0, 1)
        step = (rows.step if len(rows.step) else rows.minute * STEPS + STEPS - 1)[one.rows[counts]].astype(np.int64)
        made.append((one.stream[counts], step, one.bin[counts], one.value[counts], stratum[counts]))
    return made


def _later(watch: Watch, group: Group, sided: Sequence[_Sided], segment: _Segments, rows: Rows) -> dict[str, _Later]:
    """By side of a monitor, what the unit of each row had before in the hour. What may have been told before does not
    count again."""
    found: dict[str, _Later] = {}
    if group.unit == "exchange":
        return found
    name = f"turns {group.family} {group.cursor} {group.by} {group.unit}"
    by_name = {one.name: one for one in sided if one.taken.watched.source.scale != "event"}
    heads = [f"{side}{mark}" for side in by_name for mark in (_BAD, _WORSE)]
    had: dict[str, NDArray[np.bool_]] = {}
    early, count = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), np.int64)
    for table, bits in _tables(watch.seen, name, heads).items():
        marks: Keys = np.zeros(len(rows), np.uint64)
        for head, bit in bits.items():
            one = by_name[head[:-1]]
            marks[one.rows[one.bad if head.endswith(_BAD) else one.worse]] |= bit
        stream = np.array([_hash(f"{name} {table} {text}") for text in segment.names], np.uint64)
        count, marked = watch.turns.before(stream[segment.code], rows.unit, rows.window, marks)
        early = count < detectors.TURNS
        if len(rows.late):
            early &= ~rows.late
        had |= {head: (marked & bit) > 0 for head, bit in bits.items()}
    for side in by_name:
        bad, worse = had[f"{side}{_BAD}"], had[f"{side}{_WORSE}"]
        found[side] = _Later(early & ~bad, early & (count > 0), worse, count)
    return found


def _met(met: Sequence[tuple[_Sided, _Later]], streams: int) -> Ints:
    """Later values beside earlier ones of their unit, by stream."""
    known = alike.nothing(streams)
    for one, later in met:
        here = one.lined & later.early[one.rows]
        rows = one.rows[here]
        known += alike.counted(
            streams, one.stream[here], later.worse[rows], one.worse[here], later.counts[rows], later.before[rows]
        )
    return known
