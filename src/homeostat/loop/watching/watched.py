"""Which monitors a project has, how they stand, and what one of them would have said of history."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from homeostat.act.monitors import counting, defaults, plan, silence, thresholds, ticking
from homeostat.act.monitors.detectors import LEAST
from homeostat.act.monitors.plan import Watched
from homeostat.act.monitors.spans import span
from homeostat.act.monitors.watch import Standing, Watch, standings
from homeostat.analyze.inference.budget import severity
from homeostat.loop.scoring.kinds import BadScorer, runnable
from homeostat.records.instant import iso, micros
from homeostat.records.monitor import ORDER, Monitor, Standings, as_json
from homeostat.store.ledger import Ledger, scorers, streams
from homeostat.store.ledger import monitors as rows_of
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import ticks
from homeostat.store.warehouse.questions.measures.ask import ask
from homeostat.store.warehouse.questions.measures.question import Point
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.ticks import MINUTE, Piece

Names = tuple[list[str], list[str]]
_DAY: Final = 86_400_000_000
#: Evidence from which on a stream is said to be pending.
PENDING: Final = 0.1
_MOST_FIRINGS: Final = 100
#: So much of the windows of a simple threshold (µs) is asked for at once.
_STRETCH: Final = _DAY // 4


def monitors(ledger: Ledger, project: str, names: Names) -> list[Monitor]:
    """The default set, with what people made in place of those of the same name. `names`: see `ticks.names`."""
    made = {one.name: one for one in rows_of.current(ledger, project)}
    signals, others = names
    known = rungs(ledger, project)
    judges = [name for name, rung in known.items() if rung == "judge"]
    default = defaults.monitors(project, {*known, *others}, signals, judges)
    return list(({one.name: one for one in default} | made).values())


def rungs(ledger: Ledger, project: str) -> dict[str, str]:
    """The rung of every score that the project makes itself."""
    found = {}
    for one in scorers.current(ledger, project):
        with contextlib.suppress(BadScorer):
            if one.state == "on":
                found[one.name] = str(runnable(one).rung)
    return found


def possible(ledger: Ledger, project: str, chosen: Iterable[Monitor]) -> tuple[list[Watched], dict[str, str]]:
    """Those that are on and can be ticked; and why others cannot."""
    known = rungs(ledger, project)
    found, problems = [], {}
    for monitor in chosen:
        if monitor.state != "on":
            continue
        try:
            found.append(plan.watch(monitor, known))
        except Refused as refused:
            problems[monitor.name] = refused.message
    return found, problems


def listed(ledger: Ledger, warehouse: Warehouse, project: str, now: int) -> list[dict[str, Any]]:
    """Every monitor as the API tells it, with how it stands."""
    chosen = monitors(ledger, project, ticks.names(warehouse, project, now))
    kept = streams.look(ledger, project)
    standing = standings(kept.standing) if kept else {}
    return [told(monitor, standing) for monitor in chosen]


def told(monitor: Monitor, standing: Mapping[str, Standing]) -> dict[str, Any]:
    """One monitor with how it stands."""
    stands = stand(monitor, standing)
    return as_json(monitor) | {
        "default": monitor.version == 0,
        "standing": {
            "state": stands.state, "since": iso(stands.since) if stands.since else None, "streams": stands.streams,
            "units": stands.units, "evidence": round(stands.evidence, 6), "where": dict(stands.where),
        },
    }  # fmt: skip


def stand(monitor: Monitor, standing: Mapping[str, Standing]) -> Standings:
    """Of all its streams, told by the one that comes first in `ORDER`."""
    head = f"{monitor.name}@{monitor.version} {monitor.measure}{plan.BETWEEN}"
    mine = {key: one for key, one in standing.items() if key.startswith(head)}
    refused = standing.get(silence.trouble(monitor.name))
    if refused is not None:
        return Standings("dead", refused.firing, len(mine), refused.units)
    silent = standing.get(f"silence {monitor.measure}{plan.BETWEEN}{plan.BETWEEN}")
    if silent is not None and silent.firing:
        return Standings("dead", silent.firing, len(mine), silent.units)
    least = monitor.against["threshold"]["min_n"] if monitor.kind == "threshold" else 0
    found = [(_crossed(one, least) if least else _state(one), key, one) for key, one in mine.items()]
    if not found:
        return Standings("no data", 0, 0, 0)
    state, key, first = min(found, key=lambda each: (ORDER.index(each[0]), -each[2].level))
    segment = plan.segment_of(monitor, key.split(plan.BETWEEN)[2])
    units = max(one.units for one in mine.values())
    return Standings(state, first.firing or 0, len(mine), units, min(first.level, 1e6), segment)


def _state(one: Standing) -> Any:
    if one.firing:
        return "firing"
    if one.units < LEAST:
        return "not enough data" if one.units else "no data"
    return "pending" if one.level >= PENDING else "ok"


def _crossed(one: Standing, least: float) -> Any:
    """Of a simple threshold that looks at so many at least."""
    if one.firing:
        return "firing"
    if one.units < least:
        return "not enough data" if one.units else "no data"
    return "pending" if one.last else "ok"


def rehearsed(
    ledger: Ledger, warehouse: Warehouse, monitor: Monitor, start: int, end: int, false_alarms: float
) -> dict[str, Any]:
    """When it would have fired between two moments (µs), with the part of the budget that it would get."""
    if monitor.kind == "threshold":
        return _crossings(ledger, warehouse, monitor, start, end)
    others = monitors(ledger, monitor.project, ticks.names(warehouse, monitor.project, end))
    weight = sum(one.budget for one in others if one.state == "on" and one.name != monitor.name)
    budget = ticking.monthly(false_alarms)
    mine = replace(budget, per_month=false_alarms * monitor.budget / (monitor.budget + weight))
    watch = Watch(ticked=start)
    chosen = [plan.watch(monitor, rungs(ledger, monitor.project))]
    firings: list[dict[str, Any]] = []
    units = 0
    for day in range(start // MINUTE * MINUTE, end, _DAY):
        until = min(end, day + _DAY)
        found = []
        for group in plan.groups(chosen):
            piece = Piece(day if group.family == "signal" else 0, until if group.family == "signal" else end, day)
            rows = ticks.rows(
                warehouse, monitor.project, group.family, group.columns, piece, by=group.by, unit=group.unit, since=day,
                before=until, each=group.family != "signal",
            )  # fmt: skip
            found.append((group, rows))
        values = counting.values(watch, found)
        units += len(values.stream)
        for alarm in ticking.tick(watch, values, mine, until):
            rate = severity(budget, max(1.0, alarm.level)).per_month
            segment = plan.segment_of(monitor, alarm.stream.segment)
            firings.append(
                {"at": iso(alarm.at), "direction": alarm.stream.side, "segment": segment, "chance_per_month": rate}
            )
    return {
        "from": iso(start), "to": iso(end), "values": units, "streams": len(watch.streams), "fired": len(firings),
        "firings": firings[:_MOST_FIRINGS], "standing": told(monitor, watch.standing)["standing"],
    }  # fmt: skip


def _crossings(ledger: Ledger, warehouse: Warehouse, monitor: Monitor, start: int, end: int) -> dict[str, Any]:
    """Of a simple threshold: look after look, as it looks when it is on."""
    watch, watched = Watch(), plan.watch(monitor, rungs(ledger, monitor.project))
    window, apart = span(monitor.against["threshold"]["window"]), thresholds.looks(monitor)
    start, end = start // apart * apart, end // apart * apart
    made, units, counted, streams_seen = [], 0, start, set[str]()
    stretch = -(-max(window, _STRETCH) // apart) * apart
    for since in range(start, end, stretch):
        until = min(end, since + stretch)
        seen: dict[int, list[Point]] = {}
        for point in ask(warehouse, thresholds.question(monitor, until, since=since), None):
            seen.setdefault(micros(datetime.fromisoformat(point["at"])) + window, []).append(point)
        for at in range(since + apart, until + 1, apart):
            made += thresholds.crossed(watch, watched, seen.get(at, []), at)
            streams_seen |= set(watch.standing)
            if at >= counted + window:  # windows that lie beside each other, so that nobody is counted twice
                units, counted = units + sum(int(point["n"] or 0) for point in seen.get(at, [])), at
    firings = [
        {"at": iso(each.at), "direction": each.direction, "segment": dict(each.segment), "chance_per_month": None}
        for each in made
    ]
    return {
        "from": iso(start), "to": iso(end), "values": units, "streams": len(streams_seen), "fired": len(made),
        "firings": firings[:_MOST_FIRINGS], "standing": told(monitor, watch.standing)["standing"],
    }  # fmt: skip


def one(ledger: Ledger, warehouse: Warehouse, project: str, name: str, now: int) -> Monitor | None:
    """A monitor by its name, of the default set too."""
    chosen: Sequence[Monitor] = monitors(ledger, project, ticks.names(warehouse, project, now))
    return next((each for each in chosen if each.name == name), None)
