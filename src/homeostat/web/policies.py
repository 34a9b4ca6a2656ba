"""`/api/v1/policies`: which releases serve a route. Changed by compare-and-set, obeyed within a second."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records.policy import Policy, Shadow, as_json, reshaped
from homeostat.records.rollback import BadRollback, asked
from homeostat.registry import names, steering
from homeostat.registry.away import Back, told_back
from homeostat.registry.declined import Declined
from homeostat.registry.proof import Proof
from homeostat.store.ledger import policies
from homeostat.store.ledger.policies import Kept, Version
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Json, core_of, number_of, pairs_of, visitor_of, work
from homeostat.web.openapi import answers, query
from homeostat.web.steered import Name, Text, at, author_of, declined, page, steer

router: Final = APIRouter(tags=["policies"])
_LIMIT: Final = query("limit", "How many versions of its history.", {"type": "integer", "default": 50, "maximum": 1000})
_IF_MATCH: Final = {
    "name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "The version that this replaces; or `version` in the body. 0: there must be none.",
}  # fmt: skip


class ShadowOf(BaseModel):
    """A release that gets a copy of a share of the requests."""

    model_config = ConfigDict(extra="forbid")
    release: Name
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


class NewPolicy(BaseModel):
    """The whole policy as it shall be; `previous_good` and `salt` stay as they are when they are left out."""

    model_config = ConfigDict(extra="forbid")
    shares: dict[Name, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(min_length=1, max_length=20)
    sticky: Literal["user", "session", "request"] = "user"
    pinned: dict[Name, Name] = Field({}, max_length=10_000)
    shadow: ShadowOf | None = None
    previous_good: Name = ""
    salt: Name | None = None
    reason: Text = ""
    version: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class Wanted(BaseModel):
    """`to`: the release that serves from now on; without it the last that was good. `id`: asked twice, done once."""

    model_config = ConfigDict(extra="forbid")
    to: str | None = None
    reason: str | None = None
    id: str | None = None


@router.get("/api/v1/policies")
async def list_policies(request: Request) -> Response:
    """Every route that has a policy."""
    core, project = core_of(request), visitor_of(request).project
    found = await work(request, lambda: list(policies.listed(core.ledger, project)))
    return page([_json(kept) for _, kept in found])


@router.get("/api/v1/policies/{route:path}", responses=answers(400, 404), openapi_extra={"parameters": [_LIMIT]})
async def show_policy(request: Request, route: str) -> Response:
    """A policy and its history, newest first."""
    core, project = core_of(request), visitor_of(request).project
    limit = number_of(pairs_of(request), "limit", 50, 1, 1000)
    kept = await work(request, lambda: policies.get(core.ledger, project, route))
    if kept is None:
        return declined(steering.no_policy(route))
    history = await work(request, lambda: policies.history(core.ledger, project, route, limit))
    answer = Json({**_json(kept), "history": [_version(each) for each in history]})
    answer.headers["etag"] = f'"{kept.policy.version}"'
    return answer


@router.put(
    "/api/v1/policies/{route:path}", responses=answers(400, 404, 409), openapi_extra={"parameters": [_IF_MATCH]}
)
async def put_policy(request: Request, route: str, wanted: NewPolicy) -> Response:
    """Change what a route obeys, if it is still the version that you have read. Else 409, with the current one."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    if wrong := names.bad_name("route", route, names.ROUTE):
        return declined(wrong)
    expected = _expected(request.headers.get("if-match", ""), wanted.version)
    policy = _policy(route, wanted)
    proof = Proof(core.settings.good_share, core.settings.good_hours)

    def put() -> Policy | Declined:
        return steering.put(core.ledger, project, policy, expected, author, proof=proof, keep_salt=wanted.salt is None)

    done = await work(request, lambda: steer(core, put))
    if isinstance(done, Declined):
        return declined(done)
    answer = Json(as_json(done), 201 if expected == 0 else 200)
    answer.headers["etag"] = f'"{done.version}"'
    return answer


@router.post("/api/v1/policies/{route:path}/rollback", responses=answers(400, 404, 409))
async def roll_back(request: Request, route: str, wanted: Wanted | None = None) -> Response:
    """Put the last good release back, on all of a route. Works with the core away too."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    said = (wanted or Wanted()).model_dump(exclude_none=True)
    times = {"at": author.at.isoformat(), "made": author.made.isoformat()}
    try:
        back = asked(said, id=uuid.uuid4().hex, actor=author.actor, **times)
    except BadRollback as problem:
        raise Refused(str(problem)) from None

    def roll() -> Back | Declined:
        return steering.roll_back(core.ledger, project, route, back)

    done = await work(request, lambda: steer(core, roll))
    return declined(done) if isinstance(done, Declined) else Json(told_back(done, override=False))


def _policy(route: str, wanted: NewPolicy) -> Policy:
    if names.bad_text(wanted.model_dump()):
        raise Refused("Texts are whole characters, without NUL.")
    try:
        pieces = reshaped((), wanted.shares)
    except (ValueError, OverflowError) as problem:
        raise Refused(str(problem)) from None
    shadow = Shadow(wanted.shadow.release, wanted.shadow.share) if wanted.shadow else None
    return Policy(
        route, 0, pieces, wanted.sticky, wanted.pinned, shadow, wanted.previous_good, wanted.salt or "",
        reason=wanted.reason,
    )  # fmt: skip


def _expected(header: str, body: int | None) -> int:
    """The version that a change replaces."""
    tag = header.removeprefix("W/").strip('"')
    if header and not (tag.isascii() and tag.isdecimal() and len(tag) < 10):
        raise Refused('If-Match is a version as the ETag says it: "7".')
    if not header and body is None:
        raise Refused("Say which version you replace: If-Match, or version in the body; 0: there must be none.")
    if header and body is not None and int(tag) != body:
        raise Refused("If-Match and version name different versions.")
    return int(tag) if header else int(body or 0)


def _json(kept: Kept) -> dict[str, Any]:
    return {**as_json(kept.policy), "proved": kept.proved or None}


def _version(version: Version) -> dict[str, Any]:
    return {**as_json(version.policy), "action": version.action, "at": at(version.at)}
