"""`/api/v1/monitors`: what is watched, how it stands, and what a monitor would have said of history."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.act.monitors import reading
from homeostat.act.monitors.reading import BadMonitor
from homeostat.loop.watching import watched
from homeostat.records import comparison, finding
from homeostat.records.instant import BadTime, iso, micros, parse
from homeostat.records.monitor import as_json
from homeostat.store.ledger import comparisons, findings, monitors
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Json, core_of, visitor_of, work
from homeostat.web.errors import error
from homeostat.web.openapi import answers
from homeostat.web.steered import at, author_of, page

router: Final = APIRouter(tags=["monitors"])
_LONGEST: Final = 92 * 86_400_000_000


class Change(BaseModel):
    """Pause it, or let it go on."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["on", "paused"]


class Rehearsal(BaseModel):
    """A monitor and a stretch of history."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    monitor: dict[str, Any] = Field(max_length=40)
    since: Annotated[str, Field(alias="from", max_length=100)] = "30d"
    to: Annotated[str, Field(max_length=100)] = ""


@router.get("/api/v1/monitors")
async def list_monitors(request: Request) -> Response:
    """Every monitor, the default set too, with how it stands after the last tick."""
    core, project = core_of(request), visitor_of(request).project
    now = micros(core.clock.now())
    return page(await work(request, lambda: watched.listed(core.ledger, core.warehouse, project, now)))


@router.post("/api/v1/monitors", status_code=201, responses=answers(400))
async def put_monitors(request: Request, wanted: Annotated[Any, Body()]) -> Response:
    """Have monitors: one, a list, or what a file says. One that says something else than before is a new version."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    made = _read(wanted, project)

    def put() -> list[dict[str, Any]]:
        with core.ledger.begin():
            return [as_json(monitors.put(core.ledger, one, at=author.at, author=author.actor)) for one in made]

    return Json({"items": await work(request, put), "next": None}, 201)


@router.post("/api/v1/monitors/test", responses=answers(400))
async def test_monitor(request: Request, wanted: Rehearsal) -> Response:
    """When would it have fired? Nothing is stored."""
    core, project = core_of(request), visitor_of(request).project
    [made] = _read([wanted.monitor], project)
    if made.kind == "release":
        raise Refused("A monitor against a release cannot be rehearsed: no two served then.", code="bad_monitor")
    try:
        end = micros(parse(wanted.to, core.clock.now())) if wanted.to else micros(core.clock.now())
        start = micros(parse(wanted.since, core.clock.now()))
    except BadTime as problem:
        raise Refused(str(problem), code="bad_time") from None
    if not start < end <= start + _LONGEST:
        raise Refused("from lies before to, at most 92 days.", code="bad_time")
    share = core.settings.false_alarms_per_month
    told = await work(request, lambda: watched.rehearsed(core.ledger, core.warehouse, made, start, end, share))
    return Json(told)


@router.get("/api/v1/monitors/{name}", responses=answers(404))
async def show_monitor(request: Request, name: str) -> Response:
    """One monitor with its versions and its last findings."""
    core, project = core_of(request), visitor_of(request).project
    now = micros(core.clock.now())

    def show() -> dict[str, Any] | None:
        found = [one for one in watched.listed(core.ledger, core.warehouse, project, now) if one["name"] == name]
        if not found:
            return None
        versions = [
            as_json(one) | {"created": at(created), "author": author}
            for one, created, author in monitors.versions(core.ledger, project, name)
        ]
        last = findings.newest(core.ledger, project, 20, monitor=name)
        return found[0] | {"versions": versions, "findings": [_finding(one) for one in last]}

    told = await work(request, show)
    return Json(told) if told else _unknown()


@router.patch("/api/v1/monitors/{name}", responses=answers(400, 404))
async def change_monitor(request: Request, name: str, change: Change) -> Response:
    """Pause a monitor, or let it go on; also one of the default set."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    now = micros(core.clock.now())

    def put() -> dict[str, Any] | None:
        found = watched.one(core.ledger, core.warehouse, project, name, now)
        if found is None:
            return None
        return as_json(monitors.set_state(core.ledger, found, change.state, at=author.at, author=author.actor))

    told = await work(request, put)
    return Json(told) if told else _unknown()


@router.get("/api/v1/findings")
async def list_findings(request: Request) -> Response:
    """What was found last, newest first."""
    core, project = core_of(request), visitor_of(request).project
    return page(await work(request, lambda: [_finding(one) for one in findings.newest(core.ledger, project, 100)]))


@router.get("/api/v1/comparisons")
async def list_comparisons(request: Request) -> Response:
    """How releases that serve a route together compare, as of the last tick."""
    core, project = core_of(request), visitor_of(request).project

    def listed() -> list[dict[str, Any]]:
        return [
            comparison.as_json(one) | {"since": iso(one.since), "at": iso(one.at)}
            for one in comparisons.latest(core.ledger, project)
        ]

    return page(await work(request, listed))


def _unknown() -> Response:
    return error(404, "not_found", "There is no monitor of this name.", "GET /api/v1/monitors lists them.")


def _finding(one: finding.Finding) -> dict[str, Any]:
    times = {name: iso(getattr(one, name)) for name in ("at", "onset", "onset_low", "onset_high")}
    return finding.as_json(one) | times


def _read(wanted: Any, project: str) -> list[Any]:
    try:
        return reading.monitors(wanted, project)
    except BadMonitor as problem:
        raise Refused(str(problem), code="bad_monitor") from None
