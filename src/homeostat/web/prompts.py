"""`/api/v1/prompts`: templates, their versions and labels."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records.template import variables
from homeostat.registry import prompts as registry
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, labels, prompts
from homeostat.store.ledger.prompts import Prompt
from homeostat.web.asked import Json, core_of, pairs_of, single, visitor_of, work
from homeostat.web.openapi import answers, query
from homeostat.web.steered import Name, Text, at, author_of, declined, page

router: Final = APIRouter(tags=["prompts"])
_VERSION: Final = query("version", "A version's number or label; the newest without it.", {"type": "string"})
_DIFF: Final = [query(name, says, {"type": "string"}) for name, says in (
    ("name", "The prompt."), ("from", "A version's number or label."), ("to", "Another one's."),
)]  # fmt: skip


class NewPrompt(BaseModel):
    """A template with `{{name}}` variables."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    template: Annotated[str, Field(min_length=1, max_length=registry.LONGEST)]
    note: Text = ""


class NewLabel(BaseModel):
    """Where a label goes."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    label: Name
    version: Annotated[int, Field(ge=1, lt=2**31)]


@router.get("/api/v1/prompts")
async def list_prompts(request: Request) -> Response:
    """The newest version of each prompt."""
    core, project = core_of(request), visitor_of(request).project

    def listed() -> list[dict[str, Any]]:
        marks = _labels(core.ledger, project)
        return [_json(each, marks) for each in prompts.newest(core.ledger, project)]

    return page(await work(request, listed))


@router.post("/api/v1/prompts", status_code=201, responses=answers(400))
async def make_prompt(request: Request, wanted: NewPrompt) -> Response:
    """The next version of a prompt; the text of the newest one again is that one (200)."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    made = await work(
        request,
        lambda: registry.make(core.ledger, project, wanted.name, wanted.template, author, note=wanted.note),
    )
    if isinstance(made, Declined):
        return declined(made)
    prompt, new = made
    return Json(_json(prompt, _labels(core.ledger, project)), 201 if new else 200)


@router.get("/api/v1/prompts/diff", responses=answers(400, 404), openapi_extra={"parameters": _DIFF})
async def diff_prompts(request: Request) -> Response:
    """Lines and variables that changed between two versions."""
    core, project = core_of(request), visitor_of(request).project
    name, old, new = (single(pairs_of(request), each) for each in ("name", "from", "to"))
    told = await work(request, lambda: registry.diff(core.ledger, project, name, old, new))
    return declined(told) if isinstance(told, Declined) else Json(told)


@router.post("/api/v1/prompts/labels", responses=answers(400, 404))
async def label_prompt(request: Request, wanted: NewLabel) -> Response:
    """Move a label to a version."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    done = await work(
        request,
        lambda: registry.label(core.ledger, project, wanted.name, wanted.label, wanted.version, author),
    )
    return declined(done) if isinstance(done, Declined) else Json(_json(done, _labels(core.ledger, project)))


@router.get("/api/v1/prompts/{name}", responses=answers(404), openapi_extra={"parameters": [_VERSION]})
async def show_prompt(request: Request, name: str) -> Response:
    """One version, and which others there are."""
    core, project = core_of(request), visitor_of(request).project
    version = single(pairs_of(request), "version") or None

    def show() -> Prompt | Declined:
        return registry.find(core.ledger, project, name, version)

    found = await work(request, show)
    if isinstance(found, Declined):
        return declined(found)
    marks = _labels(core.ledger, project)
    others = await work(request, lambda: prompts.versions(core.ledger, project, name))
    versions = [{key: value for key, value in _json(each, marks).items() if key != "template"} for each in others]
    return Json({**_json(found, marks), "versions": versions})


def _labels(ledger: Ledger, project: str) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for label in labels.listed(ledger, project, "prompt"):
        found.setdefault((label.name, label.target), []).append(label.label)
    return found


def _json(prompt: Prompt, marks: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    return {
        "name": prompt.name,
        "version": prompt.version,
        "labels": marks.get((prompt.name, str(prompt.version)), []),
        "template": prompt.template,
        "variables": variables(prompt.template),
        "note": prompt.note,
        "created": at(prompt.created),
        "author": prompt.author,
    }
