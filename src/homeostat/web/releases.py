"""`/api/v1/releases`: what can answer; made once, never changed."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records import release as releases_of
from homeostat.records.release import Release
from homeostat.registry import releases as registry
from homeostat.registry import timeline
from homeostat.registry.declined import Declined
from homeostat.registry.names import PREVIOUS_GOOD
from homeostat.store.ledger import Ledger, labels, releases
from homeostat.store.ledger.releases import Kept
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Core, Json, core_of, number_of, pairs_of, single, time_of, visitor_of, work
from homeostat.web.openapi import answers, query
from homeostat.web.steered import Name, Text, at, author_of, declined, page, steer

router: Final = APIRouter(tags=["releases"])
_IMPLICIT: Final = query(
    "implicit", "Only those that were seen in traffic, or only announced ones.", {"type": "boolean"}
)
_DIFF: Final = [query(name, says, {"type": "string"}) for name, says in (
    ("from", "A release's name or label."), ("to", "Another one's."),
)]  # fmt: skip
_TIMELINE: Final = [
    query("from", "ISO 8601, or how long before now: 7d.", {"type": "string"}),
    query("to", "The same.", {"type": "string"}),
    query("limit", "How many.", {"type": "integer", "default": 100, "maximum": 1000}),
]


class PromptOf(BaseModel):
    """A prompt by version or label; the newest version without either."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    label: Name = ""


class Example(BaseModel):
    """A few-shot message."""

    model_config = ConfigDict(extra="forbid")
    role: Name
    content: str


class NewRelease(BaseModel):
    """A release; what is left out leaves the request as it came."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    model: Name = ""
    model_version: Name = ""
    endpoint: Name = ""
    prompt: PromptOf | None = None
    system: str = ""
    examples: list[Example] = Field([], max_length=100)
    parameters: dict[Name, Any] = Field({}, max_length=100)
    fallbacks: list[Name] = Field([], max_length=registry.MOST_FALLBACKS)
    note: Text = ""

    def release(self) -> Release:
        """As the registry takes it."""
        prompt = self.prompt
        return Release(
            name=self.name, model=self.model, model_version=self.model_version, endpoint=self.endpoint,
            prompt_name=prompt.name if prompt else "", prompt_version=(prompt.version or 0) if prompt else 0,
            system=self.system, examples=tuple(example.model_dump() for example in self.examples),
            parameters=self.parameters, fallbacks=tuple(self.fallbacks),
        )  # fmt: skip


class NewLabel(BaseModel):
    """Where a label goes. `route`: for `previous-good` only, the one route that it is about."""

    model_config = ConfigDict(extra="forbid")
    release: Name
    label: Name
    route: Name = ""


@router.get("/api/v1/releases", responses=answers(400), openapi_extra={"parameters": [_IMPLICIT]})
async def list_releases(request: Request) -> Response:
    """Newest first."""
    core, project = core_of(request), visitor_of(request).project
    asked = single(pairs_of(request), "implicit")
    if asked not in ("", "true", "false"):
        raise Refused("implicit is true or false.")
    implicit = {"true": True, "false": False}.get(asked)

    def listed() -> list[dict[str, Any]]:
        marks = _labels(core.ledger, project)
        return [_json(kept, marks) for kept in releases.listed(core.ledger, project, implicit=implicit)]

    return page(await work(request, listed))


@router.post("/api/v1/releases", status_code=201, responses=answers(400, 404, 409))
async def make_release(request: Request, wanted: NewRelease) -> Response:
    """Make a release. The same again is the same one (200); another content needs another name (409)."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    label = wanted.prompt.label if wanted.prompt else ""
    made = await work(
        request,
        lambda: registry.make(core.ledger, project, wanted.release(), author, prompt_label=label, note=wanted.note),
    )
    if isinstance(made, Declined):
        return declined(made)
    kept, new = made
    return Json(_json(kept, _labels(core.ledger, project)), 201 if new else 200)


@router.get("/api/v1/releases/diff", responses=answers(400, 404), openapi_extra={"parameters": _DIFF})
async def diff_releases(request: Request) -> Response:
    """Fields that are different; of the system prompt its lines."""
    core, project = core_of(request), visitor_of(request).project
    old, new = (single(pairs_of(request), each) for each in ("from", "to"))
    told = await work(request, lambda: registry.diff(core.ledger, project, old, new))
    return declined(told) if isinstance(told, Declined) else Json(told)


@router.get("/api/v1/releases/timeline", responses=answers(400), openapi_extra={"parameters": _TIMELINE})
async def show_timeline(request: Request) -> Response:
    """What changed when: releases made or only seen in traffic, policies put and rolled back; newest first."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    now = core.clock.now()
    since, until = time_of(pairs, "from", now), time_of(pairs, "to", now)
    limit = number_of(pairs, "limit", 100, 1, 1000)
    found = await work(request, lambda: timeline.events(core.ledger, project, since=since, until=until, limit=limit))
    return page([{"at": at(when), **event} for when, event in found])


@router.post("/api/v1/releases/labels", responses=answers(400, 404, 409))
async def label_release(request: Request, wanted: NewLabel) -> Response:
    """Move a label. `previous-good` is what a rollback puts back, on every route that the release has served."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    if wanted.route and wanted.label != PREVIOUS_GOOD:
        raise Refused(f"route goes with the label {PREVIOUS_GOOD} only.")

    def label() -> list[str] | Declined:
        return registry.label(core.ledger, project, wanted.release, wanted.label, author, route=wanted.route)

    done = await work(request, lambda: steer(core, label) if wanted.label == PREVIOUS_GOOD else label())
    if isinstance(done, Declined):
        return declined(done)
    return Json({"release": wanted.release, "label": wanted.label, "routes": done})


@router.get("/api/v1/releases/{name}", responses=answers(404))
async def show_release(request: Request, name: str) -> Response:
    """One by name or label."""
    core, project = core_of(request), visitor_of(request).project
    found = await work(request, lambda: _shown(core, project, name))
    return declined(found) if isinstance(found, Declined) else Json(found)


def _shown(core: Core, project: str, name: str) -> dict[str, Any] | Declined:
    found = registry.find(core.ledger, project, name)
    return found if isinstance(found, Declined) else _json(found, _labels(core.ledger, project))


def _labels(ledger: Ledger, project: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in labels.listed(ledger, project, "release"):
        found.setdefault(label.target, []).append(label.label)
    return found


def _json(kept: Kept, marks: dict[str, list[str]]) -> dict[str, Any]:
    return {
        **releases_of.as_json(kept.release),
        "digest": kept.release.digest,
        "labels": marks.get(kept.release.name, []),
        "note": kept.note,
        "created": at(kept.created),
        "author": kept.author,
    }
