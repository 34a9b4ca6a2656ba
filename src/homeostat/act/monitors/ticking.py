"""One piece of time of a project: values in, alarms out, minute by minute. Pure; the caller keeps what comes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors import detectors, plan
from homeostat.act.monitors.columns import bins
from homeostat.act.monitors.detectors import Known, Sampled
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.seen import BITS, Keys, Seen
from homeostat.act.monitors.turns import Turns
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.budget import MONTH, Budget, Purpose, shares
from homeostat.analyze.inference.conformal import Bag
from homeostat.analyze.inference.detector import close
from homeostat.store.warehouse.questions.ticks import MINUTE, Rows

#: A stream that fired fires no more when so many units went by without another alarm, and so much time (µs).
CALM_UNITS: Final = 400
CALM: Final = 7_200_000_000
_SEED: Final = 20_261_121


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


@dataclass(slots=True)
class Watch:
    """The whole watch of a project: detectors, what is known of each stream, and who counted already."""

    sampled: Sampled = field(default_factory=Sampled.new)
    known: Known = field(default_factory=Known.new)
    standing: dict[str, Standing] = field(default_factory=dict)
    ticked: int = 0
    streams: dict[str, Stream] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    turns: Turns = field(default_factory=Turns)


@dataclass(frozen=True, slots=True)
class Values:
    """Values of streams (their keys' numbers), in the order of time."""

    stream: Ints
    minute: Ints
    bin: Ints
    value: Floats
    stratum: Ints
    """0: the first of its unit in the hour; 1: a later one."""


def values(watch: Watch, found: Sequence[tuple[Group, Rows]]) -> Values:
    """Rows of the questions as values of streams: what does not count is left out; new segments become streams."""
    numbers: dict[str, int] = {key: at for at, key in enumerate(watch.streams)}
    lines = dict(zip(watch.sampled.keys, watch.sampled.line.tolist(), strict=True))
    parts: list[tuple[NDArray[Any], ...]] = []
    for group, rows in found:
        segment = _coded(rows.segment if group.by else [""] * len(rows))
        taken = [one for at in range(len(group.watched)) if (one := _taken(watch, group, at, segment, rows))]
        once = _once(watch.seen, group, taken, segment, rows)
        sided = [each for one in taken for each in _sided(watch, one, segment, group, rows, numbers, lines)]
        parts += _counting(watch, group, sided, once, segment, rows)
    if not parts:
        none = np.zeros(0, np.int64)
        return Values(none, none, none, np.zeros(0), none)
    stream, minute, bin_, value, stratum = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(minute, kind="stable")
    return Values(stream[order], minute[order], bin_[order], value[order], stratum[order])


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
    lined: NDArray[np.bool_]
    """Streams that know what is bad: later values of a unit count there."""


def _coded(texts: Sequence[str]) -> _Segments:
    numbers: dict[str, int] = {}
    code = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.int64, len(texts))
    return _Segments(list(numbers), code)


def _taken(watch: Watch, group: Group, column: int, segment: _Segments, rows: Rows) -> _Taken | None:
    """The rows that have a value and are of a segment that is watched; None: there are none."""
    watched, here = group.watched[column], np.flatnonzero(rows.count[column] > 0)
    if not len(here) or not watched.source.kept or watched.monitor.kind not in (*plan.SAMPLED, *plan.KNOWN):
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
    for table, bits in _tables(seen, name, [one.watched.head for one in asked]).items():
        wanted = np.zeros(len(rows), np.uint64)
        for one in asked:
            if one.watched.head in bits:
                wanted[one.rows] |= bits[one.watched.head]
        stream = np.array([_hash(f"{name} {table} {text}") for text in segment.names], np.uint64)
        first = seen.first(stream[segment.code], rows.unit, rows.window, wanted)
        found |= {head: (first & bit) > 0 for head, bit in bits.items()}
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
    lines: Mapping[str, int],
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
        of, line = np.full(len(segment.names), -1), np.full(len(segment.names), -1)
        for text in taken.segments:
            key = watched.key(side, text)
            of[place[text]] = numbers.setdefault(key, len(numbers))
            line[place[text]] = lines.get(key, -1)
            watch.streams.setdefault(key, Stream(watched, side, text))
        code, bin_ = segment.code[some], bins(watched.source.scale, mean, side)
        lined = line[code] >= 0
        bad = lined & (bin_ >= line[code])
        made.append(_Sided(taken, f"{watched.head} {side}", some, of[code], bin_, mean, bad, lined))
    return made


def _counting(
    watch: Watch, group: Group, sided: Sequence[_Sided], once: Mapping[str, NDArray[np.bool_]], segment: _Segments,
    rows: Rows,
) -> list[tuple[NDArray[Any], ...]]:  # fmt: skip
    """What counts: first values; later ones too, up to the first bad one, where a stream knows what is bad."""
    later = _later(watch, group, [one for one in sided if one.lined.any()], segment, rows)
    made: list[tuple[NDArray[Any], ...]] = []
    for one in sided:
        first = once.get(one.taken.watched.head)
        if first is None:
            counts, stratum = np.ones(len(one.rows), dtype=bool), np.zeros(len(one.rows), np.int64)
        else:
            counts = first[one.rows] | (one.lined & later[one.name][one.rows] if one.name in later else False)
            stratum = np.where(first[one.rows], 0, 1)
        minute = rows.minute[one.rows[counts]].astype(np.int64)
        made.append((one.stream[counts], minute, one.bin[counts], one.value[counts], stratum[counts]))
    return made


def _later(
    watch: Watch, group: Group, sided: Sequence[_Sided], segment: _Segments, rows: Rows
) -> dict[str, NDArray[np.bool_]]:
    """By side of a monitor, of which rows the unit was not bad before in the hour, nor there too often.

    What may have been told before does not count again.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    if group.unit == "exchange":
        return found
    name = f"turns {group.family} {group.cursor} {group.by} {group.unit}"
    by_name = {one.name: one for one in sided if one.taken.watched.source.scale != "event"}
    for table, bits in _tables(watch.seen, name, list(by_name)).items():
        marks: Keys = np.zeros(len(rows), np.uint64)
        for side, bit in bits.items():
            marks[by_name[side].rows[by_name[side].bad]] |= bit
        stream = np.array([_hash(f"{name} {table} {text}") for text in segment.names], np.uint64)
        count, had = watch.turns.before(stream[segment.code], rows.unit, rows.window, marks)
        few = count < detectors.TURNS
        if len(rows.late):
            few &= ~rows.late
        found |= {side: few & ((had & bit) == 0) for side, bit in bits.items()}
    return found


def tick(watch: Watch, told: Values, budget: Budget, until: int) -> list[Alarm]:
    """Every minute up to `until` (µs), in order; the watch afterwards stands there."""
    keys = list(watch.streams)
    sampled_keys = [key for key, one in watch.streams.items() if one.watched.monitor.kind in plan.SAMPLED]
    known_keys = [key for key, one in watch.streams.items() if one.watched.monitor.kind in plan.KNOWN]
    watch.sampled, watch.known = watch.sampled.having(sampled_keys), watch.known.having(known_keys)
    place = np.zeros(len(keys), np.int64)
    is_known = np.zeros(len(keys), dtype=bool)
    for at, key in enumerate(keys):
        is_known[at] = watch.streams[key].watched.monitor.kind in plan.KNOWN
    place[~is_known], place[is_known] = np.arange(len(sampled_keys)), np.arange(len(known_keys))
    alarms: list[Alarm] = []
    before = watch.ticked // MINUTE or (int(told.minute[0]) if len(told.minute) else until // MINUTE)
    edges = np.flatnonzero(np.diff(told.minute)) + 1
    pieces = np.split(np.arange(len(told.minute)), edges) if len(told.minute) else []
    for rows in pieces:
        minute = int(told.minute[rows[0]])
        passed = max(1, minute + 1 - before)
        before = minute + 1
        alarms += _minute(watch, told, rows, is_known, place, keys, budget, minute, passed)
    watch.ticked = until
    watch.seen.forget(until // 3_600_000_000 - 1)
    watch.turns.forget(until // 3_600_000_000 - 1)
    watch.sampled = watch.sampled.lined()
    return alarms


def _minute(
    watch: Watch, told: Values, rows: NDArray[Any], is_known: NDArray[Any], place: Ints, keys: Sequence[str],
    budget: Budget, minute: int, passed: int,
) -> list[Alarm]:  # fmt: skip
    stream = told.stream[rows]
    count = np.bincount(stream, minlength=len(keys))
    rng = np.random.default_rng([_SEED, minute])
    level = np.zeros(len(keys))
    alarm = np.zeros(len(keys), dtype=bool)
    inject = _inject(watch, keys, budget, passed)
    of = ~is_known[stream]
    if of.any():
        shuffled = rng.permutation(np.flatnonzero(of))
        held = watch.sampled
        firing = np.array([watch.standing.get(key, _NEW).firing > 0 for key in held.keys], dtype=bool)
        watch.sampled, tick_ = held.ticked(
            place[stream[shuffled]], told.bin[rows][shuffled], inject[~is_known], rng,
            stratum=told.stratum[rows][shuffled],
        )  # fmt: skip
        if firing.any():  # what arrives while a stream fires must not become what is usual
            counts = watch.sampled.bag.counts.copy()
            counts[firing] = held.bag.counts[firing]
            watch.sampled = replace(watch.sampled, bag=Bag(counts))
        level[~is_known], alarm[~is_known] = tick_.level, tick_.alarm
    if (~of).any():
        against = _against(watch)
        watch.known, tick_ = watch.known.ticked(
            against, place[stream[~of]], np.clip(told.value[rows][~of], 0, 1), inject[is_known]
        )  # fmt: skip
        level[is_known], alarm[is_known] = tick_.level, tick_.alarm
    return _stood(watch, keys, count, level, alarm, (minute + 1) * MINUTE)


_NEW: Final = Standing()


def _against(watch: Watch) -> Any:
    low, high, ways = [], [], []
    for key in watch.known.keys:
        one = watch.streams[key]
        said = one.watched.monitor.against
        band = said["band"] if "band" in said else [0.0, said["limit"]] if one.side == "up" else [said["limit"], 1.0]
        low.append(float(band[0]))
        high.append(float(band[1]))
        ways.append(one.side)
    return detectors.band(low, high, ways)


def _inject(watch: Watch, keys: Sequence[str], budget: Budget, passed: int) -> Floats:
    """What each stream may spend: those that have nothing to say yet leave their part to the others."""
    ready = dict(zip(watch.sampled.keys, watch.sampled.ready.tolist(), strict=True))
    live = [key for key in keys if ready.get(key, True)]
    if not live:
        return np.zeros(len(keys))
    purposes: list[Purpose] = ["segment" if watch.streams[key].watched.monitor.by else "primary" for key in live]
    mine = shares(budget, purposes, weights=[watch.streams[key].watched.monitor.budget for key in live])
    by_key = dict(zip(live, mine.tolist(), strict=True))
    return np.array([by_key.get(key, 0.0) for key in keys]) * passed / budget.ticks_per_month


def _stood(watch: Watch, keys: Sequence[str], count: Ints, level: Floats, alarm: NDArray[Any], at: int) -> list[Alarm]:
    """Bookkeeping of a minute; the alarms of streams that did not fire before."""
    found = []
    for number in np.flatnonzero((count > 0) | alarm).tolist():
        key = keys[number]
        stood = watch.standing.setdefault(key, Standing())
        stood.units += int(count[number])
        stood.level, stood.seen = float(level[number]), at
        if alarm[number]:
            if not stood.firing:
                found.append(Alarm(watch.streams[key], key, at, float(level[number]), stood.units))
                stood.firing = at
            stood.last, stood.left = at, CALM_UNITS
        elif stood.firing:
            stood.left -= int(count[number])
            if stood.left <= 0 and at - stood.last >= CALM:
                stood.firing = 0
                _closed(watch, key)
    return found


def _closed(watch: Watch, key: str) -> None:
    if key in watch.sampled.keys:
        at = watch.sampled.keys.index(key)
        watch.sampled = replace(watch.sampled, detector=close(watch.sampled.detector, [at]))
    elif key in watch.known.keys:
        at = watch.known.keys.index(key)
        watch.known = replace(watch.known, detector=close(watch.known.detector, [at]))


def standings_json(standing: Mapping[str, Standing]) -> dict[str, Any]:
    """For the ledger."""
    return {key: [one.units, one.firing, one.last, one.left, one.level, one.seen] for key, one in standing.items()}


def standings(told: Mapping[str, Any]) -> dict[str, Standing]:
    """From the ledger."""
    return {key: Standing(*row) for key, row in told.items()}


def monthly(false_alarms: float) -> Budget:
    """The budget of a project, ticked once a minute."""
    return Budget(false_alarms, MONTH)
