"""Simple thresholds, for those who want them: a value, a window, how many at least, for how long, and when it is over.

Looked at after every tick. They promise nothing about false alarms: that is what the other kinds of monitors are for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from homeostat.act.monitors.plan import Watched
from homeostat.act.monitors.reading import span
from homeostat.act.monitors.watch import Standing, Watch
from homeostat.loop.watching.context import Context
from homeostat.records.finding import Finding
from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.measures import grammar
from homeostat.store.warehouse.questions.measures.ask import ask
from homeostat.store.warehouse.questions.measures.question import Question, dimensions
from homeostat.store.warehouse.questions.ticks import SEPARATOR

#: Of a threshold nobody can say how often chance crosses it; what is said of it is in `words.surely`.
UNPROMISED: Final = 1.0


def crossed(context: Context, watch: Watch, chosen: Iterable[Watched], at: int) -> list[Finding]:
    """Thresholds that were crossed, for long enough, at `at`."""
    found = []
    for watched in chosen:
        if watched.monitor.kind == "threshold":
            for point in _points(context, watched, at):
                made = _one(watch, watched, point, at)
                found += [made] if made is not None else []
    return found


def _points(context: Context, watched: Watched, at: int) -> list[dict[str, Any]]:
    monitor = watched.monitor
    start = at - span(monitor.against["threshold"]["window"])
    question = Question(
        monitor.project, grammar.parse([monitor.measure]), start, at, as_datetime(at),
        by=dimensions(monitor.by), filters=filters.parse(monitor.where),
    )  # fmt: skip
    return ask(context.warehouse, question, None)


def _one(watch: Watch, watched: Watched, point: dict[str, Any], at: int) -> Finding | None:
    monitor, told = watched.monitor, watched.monitor.against["threshold"]
    segment = {name: str(point.get(name) or "") for name in monitor.by}
    key = watched.key(monitor.direction, SEPARATOR.join(segment.values()))
    stood = watch.standing.setdefault(key, Standing())
    value, n = point.get("value"), int(point.get("n") or 0)
    stood.units, stood.seen = n, at
    if value is None or n < told["min_n"]:
        stood.level, stood.last = 0.0, 0
        return None
    up = monitor.direction == "up"
    line = float(told.get("clear", told["value"]) if stood.firing else told["value"])
    beyond = value > line if up else value < line
    stood.level = float(beyond)
    if not beyond:
        stood.firing = stood.last = 0
        return None
    stood.last = stood.last or at
    if stood.firing or at - stood.last < span(told["for"]):
        return None
    stood.firing = at
    return Finding(
        project=monitor.project, monitor=monitor.name, monitor_version=monitor.version, measure=monitor.measure, at=at,
        direction="up" if up else "down", onset=stood.last, onset_low=stood.last - span(told["window"]),
        onset_high=stood.last, value=value, low=point.get("low"), high=point.get("high"),
        reference=float(told["value"]), n=n, chance_per_month=UNPROMISED, severity=monitor.severity, segment=segment,
        against="threshold", rung=watched.rung, evidence={"threshold": dict(told)},
    )  # fmt: skip
