"""`/api/v1/scorers`: which scorers a project has, what they did lately, and what they would say."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.loop.scoring import anchors, history, overview, quality, trial
from homeostat.loop.scoring.allowance import Allowance
from homeostat.loop.scoring.asking import Asker
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.fetching import way_out
from homeostat.loop.scoring.history import Stretch
from homeostat.loop.scoring.judging import Judging
from homeostat.loop.scoring.kinds import NO_JUDGE, BadScorer, Runnable, current, kinds, needs, runnable, today
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import BadTime, as_datetime, micros, parse
from homeostat.store import control
from homeostat.store.ledger import scorers
from homeostat.store.ledger.scorers import Configured
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.fields import FIELDS
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Core, Json, core_of, pairs_of, single, time_of, visitor_of, work
from homeostat.web.errors import error
from homeostat.web.openapi import answers, query
from homeostat.web.steered import at, author_of, page

router: Final = APIRouter(tags=["scorers"])
_QUALITY: Final = [
    query("people", "Name of their scores (rung human); the scorer's own without it.", {"type": "string"}),
    query("by", "A dimension to tell apart: `model`, `release`.", {"type": "string"}),
    query("from", "ISO 8601, or how long before now; 30d without it.", {"type": "string"}),
    query("to", "ISO 8601, or how long before now.", {"type": "string"}),
]
ScorerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Short = Annotated[str, Field(max_length=1000)]


class Wanted(BaseModel):
    """A scorer: its kind, and what of it is special. `filters` as the lists take them: [["model", "gpt-4o"]]."""

    model_config = ConfigDict(extra="forbid")
    kind: Short
    settings: dict[Short, Any] = Field({}, max_length=40)
    unit: Literal["exchange", "trace", "session"] = "exchange"
    filters: list[tuple[Short, Short]] = Field([], max_length=40)
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


class NewScorer(Wanted):
    """A scorer to have; a name that is there already gets a new version."""

    name: ScorerName


class Trial(Wanted):
    """A scorer to try; nothing of it is stored."""

    name: ScorerName = "trial"
    limit: Annotated[int, Field(ge=1, le=trial.MOST)] = 20


class Change(BaseModel):
    """Pause it, or let it go on."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["on", "paused"]


class Past(BaseModel):
    """A stretch of history. Without `start` only the estimate is told."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    since: Annotated[str, Field(alias="from", max_length=100)] = "24h"
    to: Annotated[str, Field(max_length=100)] = ""
    start: bool = False


@router.get("/api/v1/scorers")
async def list_scorers(request: Request) -> Response:
    """Every scorer with its coverage of 24 hours beside its mean, and whether it fell silent."""
    tools, project = tools_of(request), visitor_of(request).project

    def listed() -> list[dict[str, Any]]:
        _ensure(tools, project)
        return [overview.told(each) for each in overview.scorers_of(tools, project)]

    return page(await work(request, listed))


@router.get("/api/v1/scorers/kinds")
async def list_kinds(request: Request) -> Response:
    """What a scorer can be: its rung, what it measures, what it misses, its settings."""
    return page([{"kind": name} | about for name, about in (await work(request, kinds)).items()])


@router.post("/api/v1/scorers", status_code=201, responses=answers(400))
async def put_scorer(request: Request, wanted: NewScorer) -> Response:
    """Have a scorer. Other settings than those of its newest version are a new version (201); the same are it (200)."""
    tools, project, author = tools_of(request), visitor_of(request).project, author_of(request)
    works = _runnable(project, wanted)

    def put() -> tuple[Configured, bool]:
        _ensure(tools, project)
        before = {each.scorer for each in scorers.current(tools.ledger, project)}
        made = scorers.put(tools.ledger, today(works.configured), at=author.at, author=author.actor)
        return made, made.scorer not in before

    made, new = await work(request, put)
    return Json(_json(made) | {"needs": needs(works, core_of(request).settings)}, 201 if new else 200)


@router.post("/api/v1/scorers/test", responses=answers(400))
async def try_scorer(request: Request, wanted: Trial) -> Response:
    """What would it have said of the newest exchanges? Nothing is stored; a judge is asked about 20 at most."""
    tools, project, judging = tools_of(request), visitor_of(request).project, judging_of(request)
    works = _runnable(project, wanted)
    try:
        told = await work(request, lambda: trial.trial(tools, project, works, judging, limit=wanted.limit))
    except trial.NoJudge as problem:
        raise Refused(str(problem), code="no_judge") from None
    return Json(told)


@router.get("/api/v1/scorers/{name}", responses=answers(404))
async def show_scorer(request: Request, name: str) -> Response:
    """One scorer, its versions, and the stretches of history that it was let loose on."""
    tools, project = tools_of(request), visitor_of(request).project

    def show() -> dict[str, Any] | None:
        found = [each for each in overview.scorers_of(tools, project) if each.configured.name == name]
        if not found:
            return None
        versions = [
            _json(each) | {"created": at(created), "author": author}
            for each, created, author in scorers.versions(tools.ledger, project, name)
        ]
        why = history.stands(found[0].configured, core_of(request).settings)
        past = history.listed(tools.ledger, project, found[0].configured, why)
        drift = anchors.drift(tools.ledger, project, found[0].configured.scorer)
        said = {"versions": versions, "history": past, "drift": None if drift is None else drift.told()}
        return overview.told(found[0]) | said

    told = await work(request, show)
    return Json(told) if told else _unknown()


@router.get("/api/v1/scorers/{name:path}/quality", responses=answers(400, 404), openapi_extra={"parameters": _QUALITY})
async def show_quality(request: Request, name: str) -> Response:
    """Agreement with people where they judged too, by segment if wanted; what sways it; drift on its anchors."""
    tools, project, pairs = tools_of(request), visitor_of(request).project, pairs_of(request)
    now = core_of(request).clock.now()
    until = time_of(pairs, "to", now) or now
    since = time_of(pairs, "from", now) or until - timedelta(days=30)
    by, people = single(pairs, "by"), single(pairs, "people")
    if by and (by not in FIELDS or FIELDS[by].type != "text"):
        known = ", ".join(name for name, field in FIELDS.items() if field.type == "text")
        raise Refused(f"There is no dimension {by[:80]!r} here.", hint=f"Known: {known}.")

    def show() -> dict[str, Any] | None:
        found = [each for each in scorers.current(tools.ledger, project) if each.name == name]
        if not found:
            return None
        return quality.quality(
            tools, project, _working(found[0]), people=people, by=by, low=micros(since), high=micros(until) + 1
        )

    told = await work(request, show)
    return Json(told) if told else _unknown()


@router.patch("/api/v1/scorers/{name}", responses=answers(400, 404))
async def change_scorer(request: Request, name: str, change: Change) -> Response:
    """Pause a scorer, or let it go on. What it missed meanwhile is history."""
    tools, project, author = tools_of(request), visitor_of(request).project, author_of(request)
    done = await work(
        request,
        lambda: scorers.set_state(tools.ledger, project, name, change.state, at=author.at, author=author.actor),
    )
    return Json(_json(done)) if done else _unknown()


@router.post("/api/v1/scorers/{name:path}/backfill", responses=answers(400, 404))
async def score_history(request: Request, name: str, wanted: Past) -> Response:
    """Score the past by the newest version: first the estimate, and with `start` the job (202), which resumes."""
    tools, project, judging = tools_of(request), visitor_of(request).project, judging_of(request)
    now = core_of(request).clock.now()
    low, high = _times(wanted, now)

    def begin() -> dict[str, Any] | None:
        found = [each for each in scorers.current(tools.ledger, project) if each.name == name]
        if not found:
            return None
        stretch = Stretch(found[0].scorer, low, high)
        cost = Allowance(judging.settings.scoring_cpu).cost
        told = history.estimate(tools, project, _working(found[0]), stretch, judging, cost)
        why = history.stands(found[0], judging.settings)
        if wanted.start and why:
            raise Refused(why, code="no_judge" if why == NO_JUDGE else "bad_state")
        if wanted.start:
            history.begin(tools.ledger, project, stretch, told["exchanges"])
        return {"scorer": stretch.scorer, "started": wanted.start, "estimate": told}

    told = await work(request, begin)
    return Json(told, 202 if wanted.start else 200) if told else _unknown()


def tools_of(request: Request) -> Tools:
    """What the scorers' rooms work with, for this moment."""
    core = core_of(request)
    return Tools(core.warehouse, core.ledger, micros(core.clock.now()), _shelves(request, core))


def judging_of(request: Request) -> Judging:
    """The judges as questions of people ask them; kept, so that limits hold over all of them."""
    core = core_of(request)
    kept: Judging | None = getattr(request.app.state, "judging", None)
    if kept is None:
        secret = control.secret(core.folder.control, "judging", lambda: os.urandom(32))
        kept = request.app.state.judging = Judging(core.settings, Asker(core.settings, secret))
    return kept


def _shelves(request: Request, core: Core) -> Shelves:
    kept: Shelves | None = getattr(request.app.state, "shelves", None)
    if kept is None:
        kept = request.app.state.shelves = Shelves(core.settings.documents, way_out(core.settings.documents_allow))
    return kept


def _ensure(tools: Tools, project: str) -> None:
    """A project that nobody looked at yet has the default set; scorers are as their code judges today."""
    current(tools.ledger, project, at=as_datetime(tools.now))


def _runnable(project: str, wanted: NewScorer | Trial) -> Runnable:
    settings = wanted.settings | ({"unit": wanted.unit} if wanted.unit != "exchange" else {})
    filters.parse(wanted.filters)
    configured = Configured(project, wanted.name, 0, wanted.kind, settings, tuple(wanted.filters), wanted.share)
    return _working(configured)


def _working(configured: Configured) -> Runnable:
    try:
        return runnable(configured)
    except BadScorer as problem:
        raise Refused(str(problem), code="bad_scorer") from None


def _times(wanted: Past, now: datetime) -> tuple[int, int]:
    try:
        since, until = parse(wanted.since, now), parse(wanted.to, now) if wanted.to else now
    except BadTime as problem:
        raise Refused("from or to is not a time.", hint=str(problem)) from None
    if not since < until <= now:
        raise Refused("from must lie before to, and to not in the future.", code="bad_time")
    return micros(since), micros(until)


def _json(configured: Configured) -> dict[str, Any]:
    settings = dict(configured.settings)
    unit = settings.pop("unit", "exchange")
    return {
        "name": configured.name, "version": configured.version, "scorer": configured.scorer, "kind": configured.kind,
        "unit": unit, "state": configured.state, "share": configured.share, "settings": settings,
        "filters": [list(pair) for pair in configured.filters],
    }  # fmt: skip


def _unknown() -> Json:
    return error(404, "not_found", "There is no scorer of this name.", "GET /api/v1/scorers lists them.")
