"""`/api/v1/datasets`: versions that never change, made from exchanges or from what is sent."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records.instant import iso, micros
from homeostat.registry import datasets as registry
from homeostat.registry.datasets import Shaping
from homeostat.registry.declined import Declined
from homeostat.store.ledger import datasets
from homeostat.store.ledger.datasets import Version
from homeostat.store.warehouse.questions import curate
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Core, Json, core_of, number_of, pairs_of, single, visitor_of, work
from homeostat.web.openapi import answers, query
from homeostat.web.steered import Name, Text, author_of, declined, page

router: Final = APIRouter(tags=["datasets"])
_VERSION: Final = query("version", "Which version; the newest without it.", {"type": "integer"})
_FORMATS: Final = ("jsonl", "chat", "preferences")
_ITEMS: Final = [
    _VERSION,
    query("after", "Items behind this number.", {"type": "integer"}),
    query("limit", "How many.", {"type": "integer", "default": 100, "maximum": 1000}),
]
_EXPORT: Final = [
    _VERSION,
    query("format", "jsonl: items as they are; chat: OpenAI's fine-tuning; preferences: pairs.", {"type": "string"}),
]


class NewVersion(BaseModel):
    """`items`, or `exchanges`: filters as `/api/v1/exchanges` takes them. `add`: to the newest version's items; what
    is asked there already takes the place of what was there."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    items: Annotated[list[dict[str, Any]], Field(max_length=10_000)] = []
    exchanges: dict[str, Any] | None = None
    good: bool | None = None
    add: bool = True
    note: Text = ""
    deduplicate: bool = True
    redact: bool = True
    balance: bool = False
    limit: Annotated[int, Field(ge=1, le=curate.MOST)] = 2_000


class Forgotten(BaseModel):
    """Whose exchanges go: a user's, or these."""

    model_config = ConfigDict(extra="forbid")
    user: Text = ""
    exchanges: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=10_000)] = []


@router.get("/api/v1/datasets")
async def list_datasets(request: Request) -> Response:
    """The newest version of each."""
    core, project = core_of(request), visitor_of(request).project
    return page([_json(each) for each in await work(request, lambda: datasets.newest(core.ledger, project))])


@router.post("/api/v1/datasets", status_code=201, responses=answers(400))
async def make_dataset(request: Request, wanted: NewVersion) -> Response:
    """The next version; the same items again are the version that is there (200)."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    if bool(wanted.items) == (wanted.exchanges is not None):
        raise Refused("Give items, or exchanges to take them from.")
    if wrong := registry.checked(wanted.items):
        return declined(wrong)

    def make() -> tuple[Version, bool] | Declined:
        items, lineage = _taken(core, project, wanted)
        lineage["good"] = wanted.good
        if wanted.good is not None:
            items = [{**item, "good": wanted.good} for item in items]
        told_newest_first = wanted.exchanges is not None
        shaping = Shaping(wanted.deduplicate, wanted.redact, wanted.balance, newest_first=told_newest_first)
        return registry.make(
            core.ledger, project, wanted.name, items, author, lineage=lineage, note=wanted.note, add=wanted.add,
            shaping=shaping,
        )  # fmt: skip

    made = await work(request, make)
    if isinstance(made, Declined):
        return declined(made)
    version, new = made
    return Json(_json(version), 201 if new else 200)


@router.post("/api/v1/datasets/forget", responses=answers(400))
async def forget_items(request: Request, wanted: Forgotten) -> Response:
    """Take what a person asked out of every version of every dataset. Items without an exchange are nobody's."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    if bool(wanted.user) == bool(wanted.exchanges):
        raise Refused("Give a user, or exchanges.")

    def forget() -> dict[str, int]:
        known = wanted.exchanges or curate.of_user(core.warehouse, project, core.clock.now(), wanted.user)
        return {"exchanges": len(known), "items": registry.forget(core.ledger, project, known, author)}

    return Json(await work(request, forget))


@router.get("/api/v1/datasets/{name}", responses=answers(404), openapi_extra={"parameters": [_VERSION]})
async def show_dataset(request: Request, name: str) -> Response:
    """A version: where its items came from, and which versions there are."""
    core, project = core_of(request), visitor_of(request).project
    version = number_of(pairs_of(request), "version", 0, 1, 2**31 - 1) or None

    def show() -> Any:
        found = registry.find(core.ledger, project, name, version)
        if isinstance(found, Declined):
            return found
        return _json(found) | {"versions": [_json(each) for each in datasets.versions(core.ledger, project, name)]}

    told = await work(request, show)
    return declined(told) if isinstance(told, Declined) else Json(told)


@router.get("/api/v1/datasets/{name:path}/items", responses=answers(404), openapi_extra={"parameters": _ITEMS})
async def show_items(request: Request, name: str) -> Response:
    """Items in their order."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    version = number_of(pairs, "version", 0, 1, 2**31 - 1) or None
    after, limit = number_of(pairs, "after", 0, 0, 2**31 - 1), number_of(pairs, "limit", 100, 1, 1000)

    def show() -> Any:
        found = registry.find(core.ledger, project, name, version)
        if isinstance(found, Declined):
            return found
        rows = datasets.items(core.ledger, project, name, found.version, after=after, limit=limit)
        last = rows[-1]["number"] if len(rows) == limit else None
        return {"name": name, "version": found.version, "items": rows, "next": last}

    told = await work(request, show)
    return declined(told) if isinstance(told, Declined) else Json(told)


@router.get("/api/v1/datasets/{name:path}/export", responses=answers(400, 404), openapi_extra={"parameters": _EXPORT})
async def export_dataset(request: Request, name: str) -> Response:
    """JSON lines: as they are, or as OpenAI's fine-tuning takes them. The header `x-homeostat-left-out` tells how many
    items stand in no line of that format."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    version = number_of(pairs, "version", 0, 1, 2**31 - 1) or None
    shape = single(pairs, "format") or "jsonl"
    if shape not in _FORMATS:
        raise Refused(f"format is one of {', '.join(_FORMATS)}.")

    def export() -> Any:
        found = registry.find(core.ledger, project, name, version)
        if isinstance(found, Declined):
            return found
        items = datasets.items(core.ledger, project, name, found.version)
        lines: Any = items
        if shape != "jsonl":
            lines = registry.chat_lines(items) if shape == "chat" else registry.preference_lines(items)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return found.version, text, registry.left_out(items, shape)

    told = await work(request, export)
    if isinstance(told, Declined):
        return declined(told)
    number, text, left_out = told
    headers = {
        "content-disposition": f'attachment; filename="{name}-{number}-{shape}.jsonl"',
        "x-homeostat-left-out": str(left_out),
    }
    return Response(text, media_type="application/jsonl", headers=headers)


def _taken(core: Core, project: str, wanted: NewVersion) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if wanted.exchanges is None:
        return wanted.items, {"from": "items"}
    try:
        found = curate.items(core.warehouse, project, core.clock.now(), wanted.exchanges, limit=wanted.limit)
    except ValueError as problem:
        raise Refused(str(problem)) from None
    return found, {"from": "exchanges", "filters": wanted.exchanges, "found": len(found)}


def _json(version: Version) -> dict[str, Any]:
    return {
        "name": version.name, "version": version.version, "items": version.items, "digest": version.digest,
        "lineage": dict(version.lineage), "note": version.note, "created": iso(micros(version.created)),
        "author": version.author, "withdrawn": version.withdrawn,
    }  # fmt: skip
