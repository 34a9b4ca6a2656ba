"""`/api/v1/measures`: numbers over exchanges, by any dimension and step of time, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records.instant import as_datetime, iso, micros
from homeostat.store.ledger import Ledger, marks
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.measures import Question, ask, grammar, steps
from homeostat.store.warehouse.questions.measures.question import KINDS, Kind, dimensions
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Json, core_of, pairs_of, single, time_of, visitor_of, work
from homeostat.web.openapi import FILTERS, answers, query

RESERVED: Final = ("measure", "by", "every", "tz", "from", "to", "kind")
DEFAULT_WINDOW: Final = timedelta(days=1)
MAX_WINDOW: Final = timedelta(days=3700)
router: Final = APIRouter(tags=["measures"])

_PARAMETERS: Final = [
    query(
        "measure",
        "`count`, `p95(latency)`, `mean(score.relevance)`, `share(signal.thumbs=-1)`; several with commas.",
        {"type": "string"},
    ),
    query("by", "Dimensions to tell apart: `model,release`, `attribute.<key>`.", {"type": "string"}),
    query("every", "Step of time: `5m`, `1h`, `1d`, `1w`; one point for everything without it.", {"type": "string"}),
    query("tz", "Where days begin, as `Europe/Berlin`; UTC without it.", {"type": "string"}),
    query(
        "kind",
        "Answers, calls to models, or both (tokens and cost are then those of the calls).",
        {"type": "string", "enum": [*KINDS], "default": "answer"},
    ),
    *FILTERS,
]


@router.get("/api/v1/measures", responses=answers(400), openapi_extra={"parameters": _PARAMETERS})
async def measured(request: Request) -> Response:
    """Points with `value`, `low` and `high` (95 %) and `n`, what was counted. No value is made up: null says why."""
    core = core_of(request)
    question = asked(request, core.clock.now())
    points = await work(request, lambda: _points(core.warehouse, core.ledger, question))
    every = f"{question.every.seconds}s" if question.every else None
    return Json({"from": iso(question.start), "to": iso(question.end), "every": every, "points": points})


def asked(request: Request, now: datetime) -> Question:
    """What the query parameters ask for. The project comes from the visitor, never from them."""
    pairs = pairs_of(request)
    kind = single(pairs, "kind") or "answer"
    if kind not in KINDS:
        raise Refused(f"kind is one of {', '.join(KINDS)}.")
    until = time_of(pairs, "to", now) or now
    since = time_of(pairs, "from", now) or until - DEFAULT_WINDOW
    if not since < until <= since + MAX_WINDOW:
        raise Refused("from must lie before to, at most ten years.", code="bad_time")
    low, high = micros(since), micros(until)
    return Question(
        project=visitor_of(request).project,
        measures=grammar.parse(value for key, value in pairs if key == "measure"),
        start=low,
        end=high,
        now=now,
        by=dimensions(value for key, value in pairs if key == "by"),
        every=steps.parse(single(pairs, "every"), single(pairs, "tz"), low, high),
        kind=cast(Kind, kind),
        filters=filters.parse(pairs, RESERVED),
    )


def _points(warehouse: Warehouse, ledger: Ledger, question: Question) -> list[dict[str, Any]]:
    def dirty() -> Iterable[tuple[datetime, int]]:
        first = as_datetime(question.start).replace(minute=0, second=0, microsecond=0)
        last = as_datetime(question.end).astimezone(UTC)
        return marks.dirty(ledger, question.project, first, last)

    return ask(warehouse, question, dirty)
