"""Simple thresholds, for those who want them: a value, a window, how many at least, for how long, and when it is over.

They promise nothing about false alarms: that is what the other kinds of monitors are for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from homeostat.act.monitors.columns import coverage
from homeostat.act.monitors.plan import BETWEEN, Watched
from homeostat.act.monitors.spans import MINUTE, span
from homeostat.act.monitors.watch import Standing, Watch
from homeostat.records.finding import Finding
from homeostat.records.instant import as_datetime
from homeostat.records.monitor import MOST_STREAMS, Monitor
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.measures import grammar
from homeostat.store.warehouse.questions.measures.question import Question, dimensions
from homeostat.store.warehouse.questions.measures.steps import SECOND, Step
from homeostat.store.warehouse.questions.ticks import SEPARATOR

#: Looks at a window in the time that it lasts, at most: every minute of two hours.
_LOOKS: Final = 120
#: Of a threshold nobody can say how often chance crosses it; what is said of it is in `words.surely`.
UNPROMISED: Final = 1.0
Point = Mapping[str, Any]


def question(monitor: Monitor, at: int, *, since: int = 0) -> Question:
    """What is asked at `at`: its window; or all windows that end behind `since`, a look apart. Refused: nobody can."""
    window = span(monitor.against["threshold"]["window"])
    chosen = filters.parse(monitor.where)
    apart = Step(looks(monitor) // SECOND, length=window // SECOND)
    return Question(
        monitor.project, grammar.parse([coverage(monitor.measure) or monitor.measure]),
        (since + looks(monitor) if since else at) - window, at, as_datetime(at), by=dimensions(monitor.by),
        every=apart if since else None,
        filters=replace(chosen, conditions=(*chosen.conditions, filters.GIVEN)),
    )  # fmt: skip


def looks(monitor: Monitor) -> int:
    """How far apart (µs) a rehearsal looks: every minute, as it does when it is on; at long windows less often."""
    window = span(monitor.against["threshold"]["window"])
    return max(1, -(-window // (_LOOKS * MINUTE))) * MINUTE


def crossed(watch: Watch, watched: Watched, points: Sequence[Point], at: int) -> list[Finding]:
    """What a window says: which segments have been beyond their line for long enough, as of `at`."""
    # As `Watched.key` has them: without breaks of lines.
    there = {SEPARATOR.join(str(each.get(name) or "") for name in watched.monitor.by).replace("\n", " "): each
             for each in points}  # fmt: skip
    side = watched.monitor.direction
    mine = f"{watched.head}{BETWEEN}{side}{BETWEEN}"
    stood = [key.removeprefix(mine) for key in watch.standing if key.startswith(mine)]
    found = [_look(watch.standing[mine + text], watched, text, there.get(text, {}), at) for text in stood]
    gone = [text for text in stood if text not in there and not watch.standing[mine + text].firing]
    for text in gone:
        del watch.standing[mine + text]
    # Where there are more segments than are watched, those that say the most; one that is watched stays.
    fresh = sorted((text for text in there if text not in stood), key=lambda text: -int(there[text].get("n") or 0))
    for text in fresh[: MOST_STREAMS - len(stood) + len(gone)]:
        found.append(_look(watch.standing.setdefault(mine + text, Standing()), watched, text, there[text], at))
    return [one for one in found if one is not None]


def _look(stood: Standing, watched: Watched, segment: str, point: Point, at: int) -> Finding | None:
    monitor, told = watched.monitor, watched.monitor.against["threshold"]
    value, n = point.get("value"), int(point.get("n") or 0)
    stood.units = n
    if value is None or n < told["min_n"]:
        # For a whole window nobody knew: what may come then is something new.
        if at - stood.seen >= span(told["window"]):
            stood.firing = 0
        stood.level, stood.last = 0.0, 0
        return None
    stood.seen = at
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
        reference=float(told["value"]), n=n, chance_per_month=UNPROMISED, severity=monitor.severity,
        segment=dict(zip(monitor.by, segment.split(SEPARATOR), strict=False)) if monitor.by else {},
        against="threshold", rung=watched.rung, evidence={"threshold": dict(told)},
    )  # fmt: skip
