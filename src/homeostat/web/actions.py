"""`/api/v1/actions`: what was done, what is proposed, and what each expects. Nothing is done without an expectation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.act import acting
from homeostat.act.remedies import REMEDIES, remedy
from homeostat.loop.watching import evidence
from homeostat.loop.watching.carrying_out import carried_out, effects, steered
from homeostat.loop.watching.replaying import MOST, tried
from homeostat.records import words
from homeostat.records.action import ANSWERS, Action, Expectation, as_json
from homeostat.records.instant import BadTime, micros, parse
from homeostat.records.verdict import as_json as verdict_json
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, guards, incidents, verdicts
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.verdicts import measurable
from homeostat.web.asked import Core, Json, core_of, number_of, pairs_of, single, visitor_of, work
from homeostat.web.openapi import answers, query
from homeostat.web.steered import Name, author_of, declined, page

router: Final = APIRouter(tags=["actions"])
_STATES: Final = ("proposed", "approved", "doing", "done", "failed", "undoing", "undone", "declined")
_LIST: Final = [
    query("incident", "Only those about this incident.", {"type": "integer"}),
    query("state", f"{', '.join(_STATES)}; several with commas. Empty: all.", {"type": "string"}),
    query("cursor", "`next` of the page before.", {"type": "string"}),
    query("limit", "How many.", {"type": "integer", "default": 100, "maximum": 1000}),
]
_AHEAD: Final = {"m": 60, "h": 3600, "d": 86_400}


class Expects(BaseModel):
    """What must be seen, and until when (`by`: ISO 8601, or how long from now: 24h)."""

    model_config = ConfigDict(extra="forbid")
    measure: Annotated[str, Field(min_length=1, max_length=300)]
    direction: Literal["down", "up"]
    at_least: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    by: Annotated[str, Field(min_length=1, max_length=40)] = "24h"
    control: Literal["holdback", "canary", "before", ""] = "before"
    where: Annotated[dict[Name, Name], Field(max_length=10)] = {}
    low: Annotated[float, Field(allow_inf_nan=False)] | None = None
    high: Annotated[float, Field(allow_inf_nan=False)] | None = None


class NewAction(BaseModel):
    """What is to be done, why, and what it expects. `approve`: do it now; `dry_run`: only say what would change."""

    model_config = ConfigDict(extra="forbid")
    remedy: Name
    parameters: dict[str, Any] = {}
    expects: Expects
    why: Annotated[str, Field(min_length=1, max_length=2_000)]
    incident: Annotated[int, Field(ge=0, lt=2**31)] = 0
    answer: Annotated[str, Field(max_length=40)] = ""
    approve: bool = False
    dry_run: bool = False


class Changed(BaseModel):
    """Other parameters of what is only proposed."""

    model_config = ConfigDict(extra="forbid")
    parameters: dict[str, Any]


class Replay(BaseModel):
    """How many questions, and from where: the incident's own, or a dataset's."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20
    dataset: Name = ""


class Said(BaseModel):
    """A person's reason."""

    model_config = ConfigDict(extra="forbid")
    why: Annotated[str, Field(max_length=2_000)] = ""


@router.get("/api/v1/actions", responses=answers(400), openapi_extra={"parameters": _LIST})
async def list_actions(request: Request) -> Response:
    """Newest first."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    limit = number_of(pairs, "limit", 100, 1, 1000)
    incident = number_of(pairs, "incident", 0, 1, 2**31 - 1) or None
    before = number_of(pairs, "cursor", 0, 1, 2**31 - 1) or None
    states: Any = [state.strip() for state in single(pairs, "state").split(",") if state.strip()] or None
    if states and not set(states) <= set(_STATES):
        raise Refused(f"state is some of {', '.join(_STATES)}.")

    def found() -> dict[str, Any]:
        kept = actions.listed(core.ledger, project, incident=incident, states=states, before=before, limit=limit + 1)
        items = [_item(core, each) for each in kept[:limit]]
        return {"items": items, "next": str(kept[limit - 1].id) if len(kept) > limit else None}

    return Json(await work(request, found))


@router.post("/api/v1/actions", status_code=201, responses=answers(400, 404, 409))
async def make_action(request: Request, wanted: NewAction) -> Response:
    """Propose an action by hand, or with `approve` do it. Every action says what it expects."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    action = _action(core, project, wanted)

    def make() -> Any:
        if wanted.incident and incidents.get(core.ledger, project, wanted.incident) is None:
            return Declined("not_found", f"There is no incident {wanted.incident}.", "homeostat incident ls")
        if wanted.dry_run:
            return _preview(core, action, author)
        if wanted.approve and isinstance(shown := _preview(core, action, author), Declined):
            return shown
        made = acting.propose(core.ledger, action, author)
        if isinstance(made, Declined) or not wanted.approve:
            return made
        agreed = acting.approve(core.ledger, project, made.id, author, why=wanted.why)
        return agreed if isinstance(agreed, Declined) else _done(core, agreed, author)

    done = await work(request, make)
    if isinstance(done, Declined):
        return declined(done)
    return Json({"preview": done}, 200) if wanted.dry_run else Json(_item(core, done), 201)


@router.get("/api/v1/actions/remedies")
async def list_remedies(request: Request) -> Response:
    """What can be done, with its parameters."""
    told = []
    for name, plugin in REMEDIES.items():
        first = str(plugin.__doc__).partition("\n\n")[0]
        fields = [field for field in plugin.__dataclass_fields__ if field not in ("answer", "steps", "inside")]
        told.append({"name": name, "answer": plugin.answer or None, "says": first, "parameters": fields})
    return page(told)


@router.get("/api/v1/actions/{id}", responses=answers(404))
async def show_action(request: Request, id: str) -> Response:
    """One, with its verdicts; what is only proposed says what it would change."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)

    def found() -> Any:
        action = _found(core, project, id)
        if isinstance(action, Declined):
            return action
        told = _item(core, action)
        told["verdicts"] = [
            verdict_json(each) | {"said": words.verdict(each)}
            for _, each in verdicts.listed(core.ledger, project, action=action.id)
        ]
        if action.state == "proposed":
            shown = _preview(core, action, author)
            told["preview"] = {"cannot": shown.message, "hint": shown.hint} if isinstance(shown, Declined) else shown
        return told

    done = await work(request, found)
    return declined(done) if isinstance(done, Declined) else Json(done)


@router.patch("/api/v1/actions/{id}", responses=answers(400, 404, 409))
async def change_action(request: Request, id: str, wanted: Changed) -> Response:
    """Fill in what a proposed action lacks: the text of a prompt, the words of a guard."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    return await _answered(
        request, core, lambda: acting.give(core.ledger, project, _number(id), wanted.parameters, author)
    )


@router.post("/api/v1/actions/{id:path}/approve", responses=answers(400, 404, 409))
async def approve_action(request: Request, id: str, said: Said | None = None) -> Response:
    """Yes: do it."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)

    def approve() -> Action | Declined:
        action = _found(core, project, id)
        if isinstance(action, Declined):
            return action
        shown = _preview(core, action, author) if action.state == "proposed" else None
        if isinstance(shown, Declined):
            return shown
        agreed = acting.approve(core.ledger, project, action.id, author, why=(said or Said()).why)
        return agreed if isinstance(agreed, Declined) else _done(core, agreed, author)

    return await _answered(request, core, approve)


@router.post("/api/v1/actions/{id:path}/replay", responses=answers(400, 404))
async def replay_action(request: Request, id: str, wanted: Replay | None = None) -> Response:
    """Try a changed prompt on the failing questions, or on a dataset: both prompts answer, the measure's scorer judges.
    It calls the route's model twice for each question."""
    core, project, author, asked = core_of(request), visitor_of(request).project, author_of(request), wanted or Replay()

    def replay() -> Any:
        action = _found(core, project, id)
        if isinstance(action, Declined):
            return action
        return tried(core, action, author.at, limit=asked.limit, dataset=asked.dataset)

    told = await work(request, replay)
    if isinstance(told, Declined):
        return declined(told)
    said, pairs = told
    shown = [{"input": pair.input, "old": pair.old, "new": pair.new, "worth": pair.worth} for pair in pairs]
    return Json({**verdict_json(said), "said": words.verdict(said), "pairs": shown})


@router.post("/api/v1/actions/{id:path}/decline", responses=answers(404, 409))
async def decline_action(request: Request, id: str, said: Said | None = None) -> Response:
    """No."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    why = (said or Said()).why
    return await _answered(request, core, lambda: acting.decline(core.ledger, project, _number(id), author, why=why))


@router.post("/api/v1/actions/{id:path}/undo", responses=answers(404, 409))
async def undo_action(request: Request, id: str, said: Said | None = None) -> Response:
    """As it was before."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)

    def undo() -> Action | Declined:
        told = effects(core, project, author.actor, author.at)
        done: Action | Declined = steered(
            core, lambda: acting.undo(told, project, _number(id), why=(said or Said()).why)
        )
        if not isinstance(done, Declined) and done.state == "done":
            return Declined("conflict", done.error or "It could not be undone.")
        return done

    return await _answered(request, core, undo)


@router.get("/api/v1/guards")
async def list_guards(request: Request) -> Response:
    """What the gateway refuses or replaces. Guards are switched by actions of the remedy `block`."""
    core, project = core_of(request), visitor_of(request).project
    found = await work(request, lambda: guards.listed(core.ledger, project))
    return page([
        {"name": kept.name, "version": kept.version, "state": kept.state, **kept.document,
         "changed": kept.changed.isoformat(), "author": kept.author}
        for kept in found
    ])  # fmt: skip


async def _answered(request: Request, core: Core, change: Any) -> Response:
    done = await work(request, change)
    return declined(done) if isinstance(done, Declined) else Json(_item(core, done))


def _item(core: Core, action: Action) -> dict[str, Any]:
    last = verdicts.latest(core.ledger, action.project, action.id)
    return as_json(action) | {
        "said": words.action(action), "expectation": words.expectation(action.expects),
        "tried": words.tried(action.result.get("tried") or {}),
        "verdict": None if last is None else last.outcome,
    }  # fmt: skip


def _found(core: Core, project: str, id: str) -> Action | Declined:
    number = _number(id)
    found = actions.get(core.ledger, project, number)
    return found or Declined("not_found", f"There is no action {id[:20]}.", "homeostat action ls")


def _number(id: str) -> int:
    return int(id) if id.isascii() and id.isdecimal() and len(id) < 10 else 0


def _preview(core: Core, action: Action, author: Author) -> Any:
    found = remedy(action.remedy, action.parameters)
    if isinstance(found, Declined):
        return found
    return found.preview(effects(core, action.project, author.actor, author.at), action)


def _done(core: Core, action: Action, author: Author) -> Action:
    return carried_out(core, effects(core, action.project, author.actor, author.at), action)


def _action(core: Core, project: str, wanted: NewAction) -> Action:
    plugin = REMEDIES.get(wanted.remedy)
    answer = wanted.answer or (plugin.answer if plugin else "")
    if plugin is not None and not answer:
        raise Refused(f"Say which answer it is: one of {', '.join(ANSWERS)}.")
    said = wanted.expects
    measurable(said.measure)
    evidence.chosen(said.measure, said.where)
    expects = Expectation(
        said.measure, said.direction, said.at_least, _ahead(said.by, core.clock.now()),
        "switchback" if wanted.remedy == "switchback" else said.control,
        dict(said.where), said.low, said.high,
    )  # fmt: skip
    return Action(
        0, project, wanted.remedy, answer, wanted.parameters, expects, "proposed", "", wanted.why, wanted.incident
    )


def _ahead(text: str, now: datetime) -> int:
    """`24h` is in a day; else a point in time."""
    if text[:-1].isdecimal() and text.isascii() and text[-1] in _AHEAD and len(text) < 8:
        return micros(now) + int(text[:-1]) * _AHEAD[text[-1]] * 1_000_000
    try:
        return micros(parse(text, now))
    except BadTime as problem:
        raise Refused("by is not a time.", hint=str(problem)) from None
