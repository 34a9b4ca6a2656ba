"""Every scorer of a project and what it did lately: coverage beside the mean, and whether it fell silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeostat.loop.scoring.kinds import BadScorer, Runnable, runnable
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import iso, micros
from homeostat.store.ledger import scorers
from homeostat.store.ledger.scorers import Configured
from homeostat.store.warehouse.questions import coverage, filters
from homeostat.store.warehouse.questions.coverage import Done, Its

WINDOW: Final = 86_400_000_000
#: So long without a score while exchanges came is silence; what came a moment ago is still on its way.
_HOUR: Final = 3_600_000_000
_ON_ITS_WAY: Final = 300_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One scorer, what does its work (None and why: nothing does), and what it did."""

    configured: Configured
    works: Runnable | None
    problem: str
    done: Done
    silent: bool


def scorers_of(tools: Tools, project: str, window: int = WINDOW) -> list[Seen]:
    """By name, with what they did of the exchanges of this window (µs)."""
    configured = scorers.current(tools.ledger, project)
    working = [_works(each) for each in configured]
    asked = [
        Its(each.scorer, filters.parse(each.filters), each.share, works.unit if works else "exchange")
        for each, (works, _) in zip(configured, working, strict=True)
    ]
    found = coverage.done(
        tools.warehouse, project, asked, start=tools.now - window, until=tools.now,
        lately=(tools.now - _HOUR, tools.now - _ON_ITS_WAY),
    )  # fmt: skip
    created = {each.name: _created(tools, each) for each in configured}
    seen = []
    for each, (works, problem) in zip(configured, working, strict=True):
        done = found[each.scorer]
        young = created[each.name] > tools.now - _HOUR
        said_nothing = done.last is None or done.last < tools.now - _HOUR
        silent = each.state == "on" and done.waiting > 0 and said_nothing and not young
        seen.append(Seen(each, works, problem, done, silent))
    return seen


def silent(tools: Tools, project: str) -> list[str]:
    """Versions that have said nothing for an hour while exchanges came."""
    return [each.configured.scorer for each in scorers_of(tools, project, _HOUR) if each.silent]


def told(seen: Seen) -> dict[str, Any]:
    """One of them as the API says it."""
    configured, done, works = seen.configured, seen.done, seen.works
    settings = dict(configured.settings)
    unit = settings.pop("unit", "exchange")
    return {
        "name": configured.name, "version": configured.version, "scorer": configured.scorer, "kind": configured.kind,
        "rung": works.rung if works else None, "dimension": works.dimension if works else None, "unit": unit,
        "state": configured.state, "share": configured.share,
        "filters": [list(pair) for pair in configured.filters], "settings": settings,
        "window_hours": WINDOW // _HOUR, "taken": done.taken, "scored": done.scored, "unscored": done.unscored,
        "coverage": _rounded(done.coverage), "mean": _rounded(done.mean), "low": _rounded(done.low),
        "high": _rounded(done.high), "last_score": None if done.last is None else iso(done.last),
        "silent": seen.silent, "problem": seen.problem or None,
    }  # fmt: skip


def _works(configured: Configured) -> tuple[Runnable | None, str]:
    try:
        return runnable(configured), ""
    except BadScorer as error:
        return None, str(error)


def _created(tools: Tools, configured: Configured) -> int:
    made: datetime = scorers.versions(tools.ledger, configured.project, configured.name)[0][1]
    return micros(made)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
