"""`/api/v1/incidents`: what is wrong, since when, why, what was done and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from homeostat.act import incidents as changing
from homeostat.records import action as actions_of
from homeostat.records import finding as findings_of
from homeostat.records import incident as incidents_of
from homeostat.records import verdict as verdicts_of
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.finding import Finding
from homeostat.records.incident import Incident
from homeostat.records.instant import BadTime, iso, micros, parse
from homeostat.records.story import story
from homeostat.records.verdict import Verdict
from homeostat.registry import names
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, findings, incidents, verdicts
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Json, core_of, number_of, pairs_of, single, time_of, visitor_of, work
from homeostat.web.errors import not_found
from homeostat.web.openapi import answers, query
from homeostat.web.steered import Name, Text, author_of, declined

router: Final = APIRouter(tags=["incidents"])
_STATES: Final = ("open", "acknowledged", "closed")
_SEVERITIES: Final = ("watch", "warning", "critical")
_LIST: Final = [
    query("state", "open, acknowledged, closed; several with commas. Empty: all.", {"type": "string"}),
    query("severity", "watch, warning, critical; several with commas. Empty: all.", {"type": "string"}),
    query("since", "Opened then or later: ISO 8601, or how long before now: 7d.", {"type": "string"}),
    query("cursor", "`next` of the page before.", {"type": "string"}),
    query("limit", "How many.", {"type": "integer", "default": 100, "maximum": 1000}),
]
_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A page of text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


class _No(Exception):
    """It cannot be done: what was changed on the way to here is taken back."""

    def __init__(self, no: Declined) -> None:
        self.no = no


class Changed(BaseModel):
    """What a person says about an incident; what is left out stays. `state`: `acknowledged`, `closed` (say why in
    `reason`) or `open` (again). `silenced_until`: ISO 8601, or for how long from now (4h); empty: speak again."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["open", "acknowledged", "closed"] | None = None
    reason: Text = ""
    owner: Name | None = None
    silenced_until: Annotated[str, Field(max_length=40)] | None = None


class NewComment(BaseModel):
    """A person's words."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class Other(BaseModel):
    """The incident that is the same thing."""

    model_config = ConfigDict(extra="forbid")
    incident: Annotated[int, Field(ge=1, lt=2**31)]


class Parts(BaseModel):
    """The findings that are something else."""

    model_config = ConfigDict(extra="forbid")
    findings: Annotated[list[Annotated[int, Field(ge=1, lt=2**31)]], Field(min_length=1, max_length=1000)]


@router.get("/api/v1/incidents", responses=answers(400), openapi_extra={"parameters": _LIST})
async def list_incidents(request: Request) -> Response:
    """Newest first, each with the sentence that says what is wrong."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    limit = number_of(pairs, "limit", 100, 1, 1000)
    since = time_of(pairs, "since", core.clock.now())
    chosen: dict[str, Any] = {
        "states": _some(single(pairs, "state"), "state", _STATES),
        "severities": _some(single(pairs, "severity"), "severity", _SEVERITIES),
        "since": micros(since) if since else 0,
        "before": number_of(pairs, "cursor", 0, 1, 2**31 - 1),
    }

    def found() -> dict[str, Any]:
        kept = incidents.listed(core.ledger, project, limit=limit + 1, **chosen)
        items = [_item(core.ledger, each) for each in kept[:limit]]
        return {"items": items, "next": str(kept[limit - 1].id) if len(kept) > limit else None}

    return Json(await work(request, found))


@router.get("/api/v1/incidents/{id}", responses=answers(404))
async def show_incident(request: Request, id: str) -> Response:
    """One, with its findings, what was done and what came of it."""
    core, project = core_of(request), visitor_of(request).project
    found = await work(request, lambda: _whole(core.ledger, project, _number(id)))
    return not_found("incident") if found is None else Json(found)


@router.get("/api/v1/incidents/{id:path}/story", responses={**_TEXT, **answers(404)})
async def tell_story(request: Request, id: str) -> Response:
    """The same as a page of text, as the terminal prints it."""
    core, project = core_of(request), visitor_of(request).project
    found = await work(request, lambda: _parts(core.ledger, project, _number(id)))
    return not_found("incident") if found is None else PlainTextResponse(story(*found))


@router.patch("/api/v1/incidents/{id}", responses=answers(400, 404, 409))
async def change_incident(request: Request, id: str, wanted: Changed) -> Response:
    """Acknowledge, silence, give to somebody, close with a reason, open again."""
    core, author = core_of(request), author_of(request)
    _check_text(wanted.model_dump())
    until = _until(wanted.silenced_until, author)

    def change(ledger: Ledger, project: str, number: int) -> Incident | Declined | None:
        return _changed(ledger, project, number, wanted, until, author)

    return await _done(request, core.ledger, id, author, "change", wanted.model_dump(exclude_unset=True), change)


@router.post("/api/v1/incidents/{id:path}/comments", responses=answers(400, 404))
async def comment_incident(request: Request, id: str, wanted: NewComment) -> Response:
    """Say something about it."""
    core, author = core_of(request), author_of(request)
    _check_text(wanted.model_dump())

    def change(ledger: Ledger, project: str, number: int) -> Incident | None:
        return changing.comment(ledger, project, number, wanted.text, by=author.actor, at=micros(author.at))

    return await _done(request, core.ledger, id, author, "comment", wanted.model_dump(), change)


@router.post("/api/v1/incidents/{id:path}/merge", responses=answers(400, 404, 409))
async def merge_incidents(request: Request, id: str, wanted: Other) -> Response:
    """Another incident is the same thing: its findings and actions come here, its proposals are declined, and it is
    closed."""
    core, author = core_of(request), author_of(request)

    def change(ledger: Ledger, project: str, number: int) -> Incident | Declined:
        return changing.merge(ledger, project, number, wanted.incident, by=author.actor, at=micros(author.at))

    return await _done(request, core.ledger, id, author, "merge", wanted.model_dump(), change)


@router.post("/api/v1/incidents/{id:path}/split", responses=answers(400, 404, 409))
async def split_incident(request: Request, id: str, wanted: Parts) -> Response:
    """Some of its findings are something else: they become an incident of their own, which is the answer."""
    core, author = core_of(request), author_of(request)

    def change(ledger: Ledger, project: str, number: int) -> Incident | None:
        return changing.split(ledger, project, number, wanted.findings, by=author.actor, at=micros(author.at))

    return await _done(request, core.ledger, id, author, "split", wanted.model_dump(), change)


async def _done(
    request: Request, ledger: Ledger, id: str, author: Author, what: str, said: dict[str, Any],
    change: Callable[[Ledger, str, int], Incident | Declined | None],
) -> Response:  # fmt: skip
    """Change it, with its audit entry, or say why not."""
    project, number = visitor_of(request).project, _number(id)

    def run() -> dict[str, Any] | None:
        with ledger.begin():
            if incidents.get(ledger, project, number) is None:
                return None
            after = change(ledger, project, number)
            if after is None:
                no = f"This cannot be done with incident {number} as it is now."
                raise _No(Declined("conflict", no, "Read it again."))
            if isinstance(after, Declined):
                raise _No(after)
            author.wrote(ledger, project, f"incident.{what}", str(number), after=said)
            return _item(ledger, after)

    try:
        answer = await work(request, run)
    except _No as refused:
        return declined(refused.no)
    return not_found("incident") if answer is None else Json(answer)


def _changed(
    ledger: Ledger, project: str, number: int, wanted: Changed, until: int | None, author: Author
) -> Incident | Declined | None:
    by: dict[str, Any] = {"by": author.actor, "at": micros(author.at)}
    after = incidents.get(ledger, project, number)
    # Silence first, and close last: who closes in silence wakes nobody.
    if until and after is not None and after.state == "closed" and wanted.state != "open":
        return Declined(
            "conflict", f"Incident {number} is closed: there is nothing to silence.", "Open it again first."
        )
    if until is not None:
        after = changing.silence(ledger, project, number, until=until, **by)
    if wanted.owner is not None:
        after = changing.own(ledger, project, number, owner=wanted.owner, **by)
    if wanted.state == "acknowledged":
        after = changing.acknowledge(ledger, project, number, **by)
        return after if after is not None and after.state == "acknowledged" else None
    if wanted.state == "closed":
        return changing.close(ledger, project, number, why=wanted.reason, **by)
    if wanted.state == "open":
        return changing.reopen(ledger, project, number, why=wanted.reason, **by)
    return after


def told(incident: Incident, found: list[Finding]) -> dict[str, Any]:
    """An incident as the API says it: times as numbers, as the records have them, and as texts."""
    said = incidents_of.as_json(incident)
    times = {
        f"{name}_at": iso(at) if (at := getattr(incident, name)) else None for name in ("opened", "onset", "closed")
    }
    return said | times | {"title": words.title(incident, found), "standing": words.state(incident)}


def _item(ledger: Ledger, incident: Incident) -> dict[str, Any]:
    return told(incident, findings.get(ledger, incident.project, list(incident.findings)))


def _parts(
    ledger: Ledger, project: str, number: int
) -> tuple[Incident, list[Finding], list[Action], dict[int, list[Verdict]]] | None:
    with ledger.read():
        incident = incidents.get(ledger, project, number)
        if incident is None:
            return None
        found = findings.get(ledger, project, list(incident.findings))
        done = sorted(actions.listed(ledger, project, incident=number), key=lambda each: each.id)
        came = {each.id: [one for _, one in verdicts.listed(ledger, project, action=each.id)] for each in done}
    return incident, found, done, came


def _whole(ledger: Ledger, project: str, number: int) -> dict[str, Any] | None:
    parts = _parts(ledger, project, number)
    if parts is None:
        return None
    incident, found, done, came = parts
    return told(incident, found) | {
        "seen": [findings_of.as_json(each) | {"sentence": words.finding(each)} for each in found],
        "actions": [actions_of.as_json(each) | {"sentence": words.action(each)} for each in done],
        "verdicts": [
            verdicts_of.as_json(one) | {"sentence": words.verdict(one)} for each in done for one in came[each.id]
        ],
    }


def _number(id: str) -> int:
    return int(id) if id.isascii() and id.isdecimal() and len(id) < 10 else 0


def _some(text: str, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(part for part in text.split(",") if part)
    if not set(chosen) <= set(known):
        raise Refused(f"{name} is one or more of {', '.join(known)}.")
    return chosen


def _until(text: str | None, author: Author) -> int | None:
    if text is None:
        return None
    if not text:
        return 0
    try:
        # A span is from now on here; everywhere else in the API it is before now.
        return micros(parse(text, author.at, ahead=True))
    except BadTime as problem:
        raise Refused("silenced_until is not a time.", hint=str(problem)) from None


def _check_text(said: dict[str, Any]) -> None:
    if names.bad_text(said):
        raise Refused("Texts are whole characters, without NUL.")
