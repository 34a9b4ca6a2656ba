"""`/api/v1/exchanges`, and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from homeostat.observe.exact.messages import messages
from homeostat.observe.plain.ids import exchange_of, span_of
from homeostat.records.exchange import ExchangeId, as_json, whole_json
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import filters, said
from homeostat.store.warehouse.questions.exchanges import KINDS, MAX_LIMIT, Ask, Page, Place, page
from homeostat.store.warehouse.questions.one import Found, one
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.traces import traces_of
from homeostat.store.warehouse.splice import restore
from homeostat.web.asked import Json, core_of, number_of, pairs_of, single, time_of, visitor_of, work
from homeostat.web.errors import error, not_found
from homeostat.web.openapi import FILTERS, answers, query

RESERVED: Final = ("kind", "limit", "cursor", "from", "to", "format")
#: So many exchanges that share an id are named.
_SHOWN: Final = 5
router: Final = APIRouter(tags=["exchanges"])

_LIST: Final = [
    query("kind", "Answers, calls to models, or both.", {"type": "string", "enum": [*KINDS], "default": "answer"}),
    query("limit", "Exchanges a page.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50}),
    query("cursor", "`next` of the page before.", {"type": "string"}),
    *FILTERS,
]


@router.get("/api/v1/exchanges", responses=answers(400), openapi_extra={"parameters": _LIST})
async def listed(request: Request) -> Response:
    """Exchanges, newest first, with previews of their texts. Pass `next` back as `cursor`."""
    core = core_of(request)
    ask = asked(request, core.clock.now())
    return Json(await work(request, lambda: _page_json(core.warehouse, ask, core.settings.question_seconds)))


@router.get("/api/v1/exchanges/{id}", responses=answers(404, 409))
async def single_exchange(request: Request, id: str) -> Response:
    """One exchange, whole. The id of any span that tells it will do, and the id of your own that it was sent with."""
    core, project, now = core_of(request), visitor_of(request).project, core_of(request).clock.now()
    found = await work(request, lambda: _meant(core.warehouse, project, id, now))
    if len(found) > 1:
        several = ", ".join(str(each.exchange.id) for each in found[:_SHOWN])
        how_many = str(len(found)) if len(found) <= _SHOWN else f"More than {_SHOWN}"
        return error(409, "ambiguous", f"{how_many} exchanges have this id.", f"Ask for one of them: {several}.")
    if not found:
        hint = "An exchange's id is <trace id>-<span id> (32 and 16 hex digits), or the id that you sent it with."
        return not_found("exchange", hint)
    return Json(await work(request, lambda: _whole_json(core.warehouse, project, found[0], now)))


def asked(request: Request, now: datetime) -> Ask:
    """What the query parameters ask for. The project comes from the visitor, never from them."""
    pairs = pairs_of(request)
    kind = single(pairs, "kind") or "answer"
    if kind not in KINDS:
        raise Refused(f"kind is one of {', '.join(KINDS)}.")
    cursor = single(pairs, "cursor")
    return Ask(
        project=visitor_of(request).project,
        now=now,
        filters=filters.parse(pairs, RESERVED),
        kind=kind,
        since=time_of(pairs, "from", now),
        until=time_of(pairs, "to", now),
        limit=number_of(pairs, "limit", 50, 1, MAX_LIMIT),
        cursor=Place.parse(cursor) if cursor else None,
    )


def _page_json(warehouse: Warehouse, ask: Ask, seconds: float) -> dict[str, Any]:
    found: Page = page(warehouse, ask, seconds=seconds)
    scores = said.scores(warehouse, ask.project, ask.now, found.items)
    signals = said.signals(warehouse, ask.project, ask.now, found.items)
    items = [as_json(*each) for each in zip(found.items, scores, signals, strict=True)]
    return {"items": items, "next": str(found.next) if found.next else None}


def _meant(warehouse: Warehouse, project: str, text: str, now: datetime) -> list[Found]:
    """The exchange of an id; of an id that is the client's own all that were sent with it, in whatever trace."""
    named = ExchangeId.parse(text)
    if named is not None:
        found = one(warehouse, project, named, now)
        return [found] if found else []
    (trace, span), own = exchange_of(text, project), span_of(text, project)
    ids = [ExchangeId(trace, span or own)]
    ids += [ExchangeId(each, own) for each in traces_of(warehouse, project, own, _SHOWN + 1)]
    every = (one(warehouse, project, each, now) for each in dict.fromkeys(ids))
    return [*{found.exchange.id: found for found in every if found}.values()]


def _whole_json(warehouse: Warehouse, project: str, found: Found, now: datetime) -> dict[str, Any]:
    (scores,) = said.scores(warehouse, project, now, [found.exchange], whole=True)
    (signals,) = said.signals(warehouse, project, now, [found.exchange], whole=True)
    return whole_json(found.exchange, found.whole, messages=_messages(found), scores=scores, signals=signals)


def _messages(found: Found) -> list[dict[str, Any]]:
    """The conversation as the first of its spans tells it that does; else its plain texts."""
    told = told_messages(found)
    if told:
        return told
    plain = (("user", found.whole.input), ("assistant", found.whole.output))
    return [{"role": role, "content": text} for role, text in plain if text]


def told_messages(found: Found) -> list[dict[str, Any]]:
    """The conversation as the first of its spans tells it that does."""
    return next(filter(None, map(_told, found.members)), [])


def _told(span: Mapping[str, Any]) -> list[dict[str, Any]]:
    attributes = restore(span["attributes"], span["input"], span["output"])
    return messages(attributes, dict(span["attributes_json"]), span["events"])
