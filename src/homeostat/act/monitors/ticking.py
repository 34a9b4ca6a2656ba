"""One piece of time of a project: values in, alarms out, minute by minute. Pure; the caller keeps what comes of it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors import detectors, plan
from homeostat.act.monitors.columns import bins
from homeostat.act.monitors.detectors import Known, Sampled
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.seen import Seen
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


@dataclass(frozen=True, slots=True)
class Values:
    """Values of streams (their keys' numbers), in the order of time."""

    stream: Ints
    minute: Ints
    bin: Ints
    value: Floats


def values(watch: Watch, found: Sequence[tuple[Group, Rows]]) -> Values:
    """Rows of the questions as values of streams: who counted already is left out; new segments become streams."""
    numbers: dict[str, int] = {key: at for at, key in enumerate(watch.streams)}
    parts: list[tuple[Ints, Ints, Ints, Floats]] = []
    for group, rows in found:
        segment = np.unique(np.array(rows.segment, dtype=np.str_), return_inverse=True) if group.by else None
        for at, watched in enumerate(group.watched):
            here = np.flatnonzero(rows.count[at] > 0)
            if not len(here) or not watched.source.kept or watched.monitor.kind not in (*plan.SAMPLED, *plan.KNOWN):
                continue
            for text, some in _apart(watch, watched, segment, here):
                parts += _of_stream(watch, watched, text, group, rows, at, some, numbers)
    if not parts:
        none = np.zeros(0, np.int64)
        return Values(none, none, none, np.zeros(0))
    stream, minute, bin_, value = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(minute, kind="stable")
    return Values(stream[order], minute[order], bin_[order], value[order])


def _apart(
    watch: Watch, watched: Watched, segment: tuple[NDArray[Any], NDArray[Any]] | None, here: NDArray[Any]
) -> list[tuple[str, NDArray[Any]]]:
    """The rows of each segment that is watched."""
    if segment is None:
        return [("", here)]
    names, code = segment
    known = [one.segment for one in watch.streams.values() if one.watched.head == watched.head]
    fresh = [str(names[at]) for at in np.unique(code[here])]
    numbers = {str(name): at for at, name in enumerate(names)}
    chosen = plan.segments(watched.monitor, list(dict.fromkeys(known)), fresh)
    order = here[np.argsort(code[here], kind="stable")]
    ends = np.searchsorted(code[order], np.arange(len(names) + 1))
    return [(text, order[ends[numbers[text]] : ends[numbers[text] + 1]]) for text in chosen if text in numbers]


def _of_stream(
    watch: Watch, watched: Watched, segment: str, group: Group, rows: Rows, at: int, some: NDArray[Any],
    numbers: dict[str, int],
) -> list[tuple[Ints, Ints, Ints, Floats]]:  # fmt: skip
    if watched.source.scale == "event":  # each answer is a 0; each signal a 1, of one unit and minute only once
        signal = group.family == "signal"
        some = some if signal else np.repeat(some, rows.count[at][some].astype(np.int64))
        mean = np.full(len(some), float(signal))
    else:
        mean = rows.total[at][some] / rows.count[at][some]
        name = np.uint64(zlib.crc32(watched.key("", segment).encode()) << 24)
        fresh = watch.seen.fresh(name, rows.unit[some], rows.window[some])
        some, mean = some[fresh], mean[fresh]
    minute = rows.minute[some].astype(np.int64)
    made = []
    for side in watched.sides:
        key = watched.key(side, segment)
        number = numbers.setdefault(key, len(numbers))
        watch.streams.setdefault(key, Stream(watched, side, segment))
        made.append((np.full(len(some), number), minute, bins(watched.source.scale, mean, side), mean))
    return made


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
            place[stream[shuffled]], told.bin[rows][shuffled], inject[~is_known], rng
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
