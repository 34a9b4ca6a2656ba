"""One piece of time of a project: values in, alarms out, minute by minute. Pure; the caller keeps what comes of it.

Detectors of one value after the other go on in parts of a minute: evidence comes and goes, and what was sure in the
middle of a minute counts. Those that compare sides of a minute, or hours, go on once a minute. An alarm is told when
its minute is over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors import detectors, lumps, plan
from homeostat.act.monitors.counting import Values
from homeostat.act.monitors.plan import Watched
from homeostat.act.monitors.seasons import CELLS, cell
from homeostat.act.monitors.spans import DAY, span
from homeostat.act.monitors.watch import TOLD, Alarm, Standing, Watch
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.budget import MONTH, Budget, Purpose, shares
from homeostat.analyze.inference.conformal import Bag
from homeostat.analyze.inference.detector import close
from homeostat.store.warehouse.questions.ticks import MINUTE, STEPS

#: A stream that fired fires no more when so many units went by without another alarm, and so much time (µs).
CALM_UNITS: Final = 400
CALM: Final = 7_200_000_000
_SEED: Final = 20_261_121
_STEP: Final = MINUTE // STEPS
#: Kinds of detectors that go on in parts of a minute.
_OFTEN: Final = ("sampled", "known")


def tick(
    watch: Watch, told: Values, budget: Budget, until: int, *, changes: Sequence[int] = (), again: bool = False
) -> list[Alarm]:
    """Every minute up to `until` (µs), in order; the watch afterwards stands there. `again`: with those of streams that
    fire already, and of which less was told than may be by now.

    `changes`: when something was changed that may change answers (µs): where worse is likelier to begin, more of the
    budget is laid.
    """
    rows_of = _Placed.of(watch)
    alarms: list[Alarm] = []
    step = _steps(told, rows_of)
    order = np.argsort(step, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(step[order])) + 1) if len(step) else []
    begin = watch.ticked // _STEP or (int(step[order[0]]) if len(step) else until // _STEP)
    often, seldom = _Laid(begin), _Laid(begin // STEPS * STEPS)
    for rows in pieces:
        now, each = int(step[rows[0]]), budget.ticks_per_month * STEPS
        lump = _lump(watch, changes, now)
        parts = often.part(now, each, lump), seldom.part(now, each, lump, spent=now % STEPS == STEPS - 1)
        inject = _inject(watch, rows_of.keys, budget) * np.where(rows_of.often, *parts)
        alarms += _step(watch, told, rows, rows_of, inject, now)
    watch.sampled = watch.sampled.met(told.alike[rows_of.method == "sampled"])
    watch.ticked = until
    watch.seen.forget(until // 3_600_000_000 - 1)
    watch.turns.forget(until // 3_600_000_000 - 1)
    watch.sampled = watch.sampled.lined(lambda key: watch.streams[key].watched.source.scale == "number")
    return [one for one in alarms if again or not one.again]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Which detector ticks each stream, and as which of its rows."""

    keys: list[str]
    method: NDArray[Any]
    place: Ints

    @property
    def often(self) -> NDArray[np.bool_]:
        """Which of them go on in parts of a minute."""
        return np.isin(self.method.astype(str), _OFTEN)

    @classmethod
    def of(cls, watch: Watch) -> _Placed:
        """Of the streams of a watch, whose detectors get room for them."""
        keys = list(watch.streams)
        method = np.array([watch.streams[key].watched.method for key in keys], dtype=object)
        place = np.zeros(len(keys), np.int64)
        for each in np.unique(method.astype(str)).tolist():
            place[method == each] = np.arange(int((method == each).sum()))
        mine = {name: [key for key, one in zip(keys, method, strict=True) if one == name] for name in set(method)}
        watch.sampled = watch.sampled.having(mine.get("sampled", []))
        watch.known = watch.known.having(mine.get("known", []))
        watch.paired = watch.paired.having(mine.get("paired", []))
        seasons = [CELLS[_season(watch, key)] for key in mine.get("seasonal", [])]
        watch.seasonal = watch.seasonal.having(mine.get("seasonal", []), max(seasons, default=1))
        return cls(keys, method, place)


@dataclass(slots=True)
class _Laid:
    """What part of a month's budget is laid, by the time that has passed since it was laid last."""

    begin: int
    lumps: float = 0.0

    def part(self, now: int, each: int, lump: float, *, spent: bool = True) -> float:
        """Up to the end of this step, `each` of which a month has; `spent`: it is laid now."""
        self.lumps += lump
        found = (1 - lumps.RESERVE) * max(1, now + 1 - self.begin) / each + self.lumps
        if spent:
            self.begin, self.lumps = now + 1, 0.0
        return found


def _steps(told: Values, placed: _Placed) -> Ints:
    """The part of a minute in which each value counts."""
    found: Ints = np.where(placed.often[told.stream], told.step, told.step // STEPS * STEPS + STEPS - 1)
    return found


def _step(
    watch: Watch, told: Values, rows: NDArray[Any], placed: _Placed, inject: Floats, now: int
) -> list[Alarm]:  # fmt: skip
    minute, keys, stream = now // STEPS, placed.keys, told.stream[rows]
    count = np.bincount(stream[(placed.method[stream] != "paired") | (told.stratum[rows] == 0)], minlength=len(keys))
    rng = np.random.default_rng([_SEED, now])
    level = np.zeros(len(keys))
    alarm = np.zeros(len(keys), dtype=bool)
    for method, ticked in _TICKED.items():
        mine = np.flatnonzero(placed.method[stream] == method)
        if len(mine):
            if method in ("sampled", "seasonal"):
                mine = rng.permutation(mine)
            here = placed.method == method
            given = _Minute(minute, placed.place[stream[mine]], rows[mine], told, inject[here], rng)
            level[here], alarm[here] = ticked(watch, given)
    return _stood(watch, keys, count, level, alarm, (minute + 1) * MINUTE)


@dataclass(frozen=True, slots=True)
class _Minute:
    """What one kind of detector is ticked with."""

    minute: int
    stream: Ints
    rows: Ints
    values: Values
    inject: Floats
    rng: np.random.Generator


def _tick_sampled(watch: Watch, given: _Minute) -> tuple[Floats, NDArray[Any]]:
    held, told = watch.sampled, given.values
    watch.sampled, tick_ = held.ticked(
        given.stream, told.bin[given.rows], given.inject, given.rng, stratum=told.stratum[given.rows]
    )
    firing = _firing(watch, held.keys)
    if firing.any():  # what arrives while a stream fires must not become what is usual
        counts = watch.sampled.bag.counts.copy()
        counts[firing] = held.bag.counts[firing]
        watch.sampled = replace(watch.sampled, bag=Bag(counts))
    return tick_.level, tick_.alarm


def _tick_seasonal(watch: Watch, given: _Minute) -> tuple[Floats, NDArray[Any]]:
    days = [_days(watch.streams[key].watched) for key in watch.seasonal.keys]
    held = watch.seasonal.forgotten(given.minute // 60, np.array(days), _SEED)
    cells = np.array([int(cell(_season(watch, key), given.minute)) for key in held.keys], np.int64)
    after, tick_ = held.ticked(cells, given.stream, given.values.bin[given.rows], given.inject, given.rng)
    firing = _firing(watch, held.keys)
    if firing.any():
        counts = after.counts.copy()
        counts[firing] = held.counts[firing]
        after = replace(after, counts=counts)
    watch.seasonal = after
    return tick_.level, tick_.alarm


def _tick_known(watch: Watch, given: _Minute) -> tuple[Floats, NDArray[Any]]:
    value = np.clip(given.values.value[given.rows], 0, 1)
    watch.known, tick_ = watch.known.ticked(_against(watch), given.stream, value, given.inject)
    return tick_.level, tick_.alarm


def _tick_paired(watch: Watch, given: _Minute) -> tuple[Floats, NDArray[Any]]:
    told, rows = given.values, given.rows
    watch.paired, tick_ = watch.paired.ticked(
        given.minute, given.stream, told.bin[rows], told.stratum[rows], given.inject
    )
    return tick_.level, tick_.alarm


_TICKED: Final[Mapping[plan.Method, Callable[[Watch, _Minute], tuple[Floats, NDArray[Any]]]]] = {
    "sampled": _tick_sampled, "seasonal": _tick_seasonal, "known": _tick_known, "paired": _tick_paired,
}  # fmt: skip


def _firing(watch: Watch, keys: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([watch.standing.get(key, _NEW).firing > 0 for key in keys], dtype=bool)


def _season(watch: Watch, key: str) -> str:
    return str(watch.streams[key].watched.monitor.against["season"])


def _days(watched: Watched) -> float:
    """Of the window of a reference; 0: it has none."""
    window = watched.monitor.against["reference"]
    return 0.0 if window == "all" else span(window) / DAY


def learn(watch: Watch, told: Values, heads: Collection[str]) -> None:
    """History from before streams were watched becomes what is usual for them: for those of monitors with seasons."""
    placed = _Placed.of(watch)
    mine = [
        one.watched.method == "seasonal" and one.watched.head in heads
        for one in (watch.streams[key] for key in placed.keys)
    ]
    here = np.flatnonzero(np.array(mine, dtype=bool)[told.stream])
    cells = np.zeros(len(here), np.int64)
    for stream in np.unique(told.stream[here]).tolist():
        of = told.stream[here] == stream
        cells[of] = cell(_season(watch, placed.keys[stream]), told.step[here][of] // STEPS)
    watch.seasonal = watch.seasonal.learned(placed.place[told.stream[here]], cells, told.bin[here])


def _again(watch: Watch, key: str, stood: Standing, at: int) -> bool:
    """What was too small to be told, or to be critical, may have grown: looked at after one minute, two, four, ..."""
    passed = [(moment - stood.firing) // MINUTE for moment in (stood.last, at)]
    grown = passed[1].bit_length() > passed[0].bit_length()
    return grown and stood.told < TOLD.index(watch.streams[key].watched.monitor.severity)


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


def _lump(watch: Watch, changes: Sequence[int], now: int) -> float:
    """While all streams still learn, nothing is laid and nothing spent."""
    if not changes or not (watch.sampled.ready.any() or watch.seasonal.ready.any()):
        return 0.0
    watch.lumps, part = lumps.laid(watch.lumps, changes, (now + 1) * _STEP)
    return part


def _inject(watch: Watch, keys: Sequence[str], budget: Budget) -> Floats:
    """What each stream may spend in a month: those that have nothing to say yet leave their part to the others."""
    ready = dict(zip(watch.sampled.keys, watch.sampled.ready.tolist(), strict=True))
    ready |= dict(zip(watch.seasonal.keys, watch.seasonal.ready.tolist(), strict=True))
    live = [key for key in keys if ready.get(key, True)]
    if not live:
        return np.zeros(len(keys))
    purposes: list[Purpose] = ["segment" if watch.streams[key].watched.monitor.by else "primary" for key in live]
    mine = shares(budget, purposes, weights=[watch.streams[key].watched.monitor.budget for key in live])
    by_key = dict(zip(live, mine.tolist(), strict=True))
    return np.array([by_key.get(key, 0.0) for key in keys])


def _stood(watch: Watch, keys: Sequence[str], count: Ints, level: Floats, alarm: NDArray[Any], at: int) -> list[Alarm]:
    """Bookkeeping of a part of a minute; the alarms of streams that did not fire before, or may have grown."""
    found = []
    for number in np.flatnonzero((count > 0) | alarm).tolist():
        key = keys[number]
        stood = watch.standing.setdefault(key, Standing())
        stood.units += int(count[number])
        stood.level, stood.seen = float(level[number]), at
        if alarm[number]:
            if not stood.firing:
                found.append(Alarm(watch.streams[key], key, at, float(level[number]), stood.units))
                stood.firing, stood.told = at, 0
            elif _again(watch, key, stood, at):
                found.append(Alarm(watch.streams[key], key, at, float(level[number]), stood.units, again=True))
            stood.last, stood.left = at, CALM_UNITS
        elif stood.firing:
            stood.left -= int(count[number])
            if stood.left <= 0 and at - stood.last >= CALM:
                stood.firing = 0
                _closed(watch, key)
    return found


def _closed(watch: Watch, key: str) -> None:
    name = watch.streams[key].watched.method
    held = getattr(watch, name)
    setattr(watch, name, replace(held, detector=close(held.detector, [held.keys.index(key)])))


def monthly(false_alarms: float) -> Budget:
    """The budget of a project, ticked once a minute."""
    return Budget(false_alarms, MONTH)
