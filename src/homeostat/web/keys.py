"""`/api/v1/keys` and `/api/v1/projects`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.doors import keys as made
from homeostat.observe import prices
from homeostat.records import limits
from homeostat.records.visitor import Scope, Visitor
from homeostat.store import control
from homeostat.store.ledger import keys, projects
from homeostat.store.ledger.keys import Key
from homeostat.store.ledger.projects import Project
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Core, Json, core_of, visitor_of, work
from homeostat.web.errors import error, not_found
from homeostat.web.openapi import answers

router: Final = APIRouter(tags=["keys and projects"])

ProjectName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class NewKey(BaseModel):
    """What a new key is for, and what it opens."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field("", max_length=200)
    scopes: list[Scope] = Field(["ingest"], min_length=1, max_length=4)
    project: ProjectName = "default"
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class NewProject(BaseModel):
    """A project to have."""

    model_config = ConfigDict(extra="forbid")
    name: ProjectName


class Changes(BaseModel):
    """Settings of a project to change; null takes one away."""

    model_config = ConfigDict(extra="forbid")
    settings: dict[Annotated[str, Field(min_length=1, max_length=100)], Any] = Field(max_length=100)


def _machine_now() -> datetime:
    """Keys expire by the machine clock, whatever the event clock says."""
    return datetime.now(UTC)


def _actor(visitor: Visitor) -> str:
    return visitor.key_id or ("operator" if visitor.operator else "unknown")


def _may_see(visitor: Visitor) -> str | None:
    """The project whose keys and settings a visitor may see; None: of all."""
    return None if visitor.operator else visitor.project


@router.get("/api/v1/keys")
async def list_keys(request: Request) -> Response:
    """Every key of the project (the operator sees all), without its secret."""
    core, visitor = core_of(request), visitor_of(request)
    found = await work(request, lambda: keys.listed(core.ledger, _may_see(visitor)))
    return Json({"items": [_key_json(key) for key in found]})


@router.post("/api/v1/keys", status_code=201, responses=answers(400))
async def make_key(request: Request, wanted: NewKey) -> Response:
    """Make a key. It is shown once, here."""
    core, visitor = core_of(request), visitor_of(request)
    return Json(await work(request, lambda: _make(core, visitor, wanted)), 201)


def _make(core: Core, visitor: Visitor, wanted: NewKey) -> dict[str, Any]:
    key = made.make(control.pepper(core.folder.control))
    now = _machine_now()
    expires = now + timedelta(days=wanted.days) if wanted.days else None
    keys.create(
        core.ledger, id=key.id, hash=key.hash, project=wanted.project, scopes=wanted.scopes, at=now,
        actor=_actor(visitor), name=wanted.name, expires=expires,
    )  # fmt: skip
    core.publish()
    return {
        "id": key.id,
        "key": key.text,
        "name": wanted.name,
        "project": wanted.project,
        "scopes": sorted(set(wanted.scopes)),
        "expires": _iso(expires),
    }


@router.delete("/api/v1/keys/{id}", status_code=204, responses=answers(404))
async def revoke_key(request: Request, id: str) -> Response:
    """Shut a key out, within a second."""
    core, visitor = core_of(request), visitor_of(request)

    def revoke() -> bool:
        there = keys.revoke(core.ledger, id, project=_may_see(visitor), at=_machine_now(), actor=_actor(visitor))
        if there:
            core.publish()
        return there

    return Response(status_code=204) if await work(request, revoke) else not_found("key")


@router.get("/api/v1/projects")
async def list_projects(request: Request) -> Response:
    """The projects that the visitor may see, with their settings."""
    core, only = core_of(request), _may_see(visitor_of(request))
    found = await work(request, lambda: projects.listed(core.ledger))
    return Json({"items": [_project_json(each) for each in found if only is None or each.name == only]})


@router.post("/api/v1/projects", status_code=201, responses=answers(400))
async def make_project(request: Request, wanted: NewProject) -> Response:
    """Have a project of that name."""
    core, visitor = core_of(request), visitor_of(request)

    def make() -> bool:
        new = projects.ensure(core.ledger, wanted.name, at=_machine_now(), actor=_actor(visitor))
        core.publish()
        return new

    new = await work(request, make)
    return Json({"name": wanted.name, "new": new}, 201 if new else 200)


@router.patch("/api/v1/projects/{name}", responses=answers(400, 404))
async def change_project(request: Request, name: str, changes: Changes) -> Response:
    """Change settings of a project, such as its own prices."""
    core, visitor = core_of(request), visitor_of(request)
    only = _may_see(visitor)
    if (only is not None and name != only) or await work(request, lambda: projects.get(core.ledger, name)) is None:
        return error(404, "not_found", "There is no project of this name.")
    try:
        prices.check(changes.settings.get("prices") or {})
        limits.check(changes.settings.get("limits") or {})
    except (prices.BadPrices, limits.BadLimits) as problem:
        raise Refused(str(problem)) from None
    at, actor = _machine_now(), _actor(visitor)

    def choose() -> Mapping[str, Any]:
        after = projects.choose(core.ledger, name, changes.settings, at=at, actor=actor)
        core.publish()
        return after

    after = await work(request, choose)
    return Json({"name": name, "settings": dict(after)})


def _key_json(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "project": key.project,
        "scopes": sorted(key.scopes),
        "created": _iso(key.created),
        "last_used": _iso(key.last_used),
        "expires": _iso(key.expires),
        "revoked": _iso(key.revoked),
    }


def _project_json(project: Project) -> dict[str, Any]:
    return {"name": project.name, "created": _iso(project.created), "settings": dict(project.settings)}


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
