"""Things that stopped: a scorer or judge that says nothing any more while answers go on coming.

No statistics: what always spoke and is silent for 200 answers and half an hour has stopped. One that speaks seldom (a
judge of a sample) gets twenty times its usual pause besides. After an outage of ours everything is given that half hour
anew: what came meanwhile is scored later than it is ticked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from homeostat.act.monitors.plan import BETWEEN, Group, Watched
from homeostat.act.monitors.watch import Standing, Watch
from homeostat.records.finding import OURS, Finding
from homeostat.records.monitor import Monitor
from homeostat.store.warehouse.questions.ticks import Rows

ANSWERS: Final = 200
PAUSE: Final = 1_800_000_000
_USUAL: Final = 20
#: Of a thing that stopped: chance does not do this.
RATE: Final = 1e-4
_TOTAL: Final = f"answers{BETWEEN}{BETWEEN}"
_REFUSED: Final = "refused "


def stopped(
    watch: Watch, chosen: Iterable[Watched], found: Sequence[tuple[Group, Rows]], project: str, at: int
) -> list[Finding]:
    """What fell silent in the piece of time that ends at `at`; what speaks again is forgotten."""
    total = watch.standing.setdefault(_TOTAL, Standing())
    total.units += _answers(found)
    spoke = _spoke(found)
    made = []
    for watched in chosen:
        name = watched.source.column.name
        if watched.source.family != "score" or watched.monitor.by or watched.monitor.where:
            continue
        heard = watch.standing.setdefault(f"silence {watched.monitor.measure}{BETWEEN}{BETWEEN}", Standing(seen=at))
        if spoke.get(watched.monitor.name, 0):
            heard.left, heard.seen, heard.firing = total.units, at, 0
            heard.units += spoke[watched.monitor.name]
        elif heard.units and not heard.firing and _long(heard, total.units, at, watch.resumed):
            heard.firing = at
            made.append(_finding(watched, name, project, heard, total.units - heard.left, at))
    return made


def refused(watch: Watch, problems: Mapping[str, str], project: str, at: int) -> list[Finding]:
    """Monitors that cannot be looked at (their name, and why): each is told once, and forgotten when it can."""
    now = {trouble(name) for name in problems}
    for key in [key for key in watch.standing if key.startswith(_REFUSED) and key not in now]:
        del watch.standing[key]
    fresh = [name for name in problems if trouble(name) not in watch.standing]
    for name in fresh:
        watch.standing[trouble(name)] = Standing(firing=at, seen=at)
    return [ours(f"monitor {name}", project, at, at, problems[name]) for name in fresh]


def trouble(name: str) -> str:
    """Under which key it stands that a monitor cannot be looked at."""
    return f"{_REFUSED}{name}{BETWEEN}{BETWEEN}"


def ours(part: str, project: str, since: int, at: int, why: str) -> Finding:
    """A part of Homeostat itself that stopped."""
    return Finding(
        project=project, monitor=part.partition(" ")[2] or part, monitor_version=0, measure=f"{OURS}{part}", at=at,
        direction="down", onset=since, onset_low=since, onset_high=at, value=None, low=None, high=None, reference=None,
        n=0, chance_per_month=RATE, severity="warning" if " " in part else "critical", against="silence",
        evidence={"why": why} if why else {},
    )  # fmt: skip


def _long(heard: Standing, answers: int, at: int, resumed: int) -> bool:
    usual = _USUAL * answers / max(1, heard.units)
    return answers - heard.left >= ANSWERS + usual and at - max(heard.seen, resumed) >= PAUSE


def _answers(found: Sequence[tuple[Group, Rows]]) -> int:
    """Calls that did not fail: of others there is nothing to say."""
    for group, rows in found:
        if group.family == "fact" and not group.by and len(rows):
            failed = [rows.total[at].sum() for at, each in enumerate(group.watched) if _of_errors(each.monitor)]
            return int(rows.count.max(axis=0).sum() - max(failed, default=0))
    return 0


def _of_errors(monitor: Monitor) -> bool:
    return monitor.measure == "share(status=error)" and not monitor.where


def _spoke(found: Sequence[tuple[Group, Rows]]) -> dict[str, int]:
    return {
        watched.monitor.name: int(rows.count[at].sum())
        for group, rows in found if group.family == "score" and len(rows)
        for at, watched in enumerate(group.watched)
    }  # fmt: skip


def _finding(watched: Watched, name: str, project: str, heard: Standing, answers: int, at: int) -> Finding:
    return Finding(
        project=project, monitor=watched.monitor.name, monitor_version=watched.monitor.version,
        measure=f"coverage(score.{name})", at=at, direction="down", onset=heard.seen, onset_low=heard.seen,
        onset_high=at, value=None, low=None, high=None, reference=None, n=answers, chance_per_month=RATE,
        severity="warning", against="silence", rung=watched.rung,
        evidence={"answers_since": answers, "scores_before": heard.units},
    )  # fmt: skip
