"""`/api/v1/traces/{trace_id}` and `/api/v1/sessions/{id}`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records.exchange import as_json
from homeostat.records.instant import iso
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import said
from homeostat.store.warehouse.questions.related import trace_id as checked
from homeostat.store.warehouse.questions.sessions import session
from homeostat.store.warehouse.questions.traces import span_json, trace
from homeostat.web.asked import Json, core_of, visitor_of, work
from homeostat.web.errors import not_found
from homeostat.web.openapi import answers

router: Final = APIRouter(tags=["exchanges"])
_LONGEST_SESSION: Final = 4096


@router.get("/api/v1/traces/{trace_id}", responses=answers(404))
async def one_trace(request: Request, trace_id: str) -> Response:
    """Every span of a trace in time's order, with parents, raw attributes, and the exchanges it tells."""
    core, project, now = core_of(request), visitor_of(request).project, core_of(request).clock.now()
    wanted = checked(trace_id)
    if wanted is None:
        return not_found("trace", "A trace's id has 32 hex digits.")
    found = await work(request, lambda: _trace_json(core.warehouse, project, wanted, now))
    return Json(found) if found else not_found("trace")


@router.get("/api/v1/sessions/{id:path}", responses=answers(404))
async def one_session(request: Request, id: str) -> Response:
    """The answers of a session in their order, with totals and what was said about it."""
    core, project, now = core_of(request), visitor_of(request).project, core_of(request).clock.now()
    if len(id) > _LONGEST_SESSION:
        return not_found("session")
    found = await work(request, lambda: _session_json(core.warehouse, project, id, now))
    return Json(found) if found else not_found("session")


def _trace_json(warehouse: Warehouse, project: str, trace_id: str, now: datetime) -> dict[str, Any] | None:
    found = trace(warehouse, project, trace_id, now)
    if found is None:
        return None
    first = found.spans[0]["at_us"]
    last = max(span["at_us"] + max(0, span["end_ns"] - span["start_ns"]) // 1000 for span in found.spans)
    scores = said.scores(warehouse, project, now, found.exchanges)
    return {
        "trace_id": trace_id,
        "project": project,
        "at": iso(first),
        "duration_ms": (last - first) / 1000,
        "cut": found.cut,
        "spans": [span_json(span, trace_id) for span in found.spans],
        "exchanges": [as_json(*each) for each in zip(found.exchanges, scores, strict=True)],
        "signals": said.signals_of_trace(warehouse, project, now, trace_id, first),
    }


def _session_json(warehouse: Warehouse, project: str, session_id: str, now: datetime) -> dict[str, Any] | None:
    found = session(warehouse, project, session_id, now)
    if found is None:
        return None
    scores = said.scores(warehouse, project, now, found.answers)
    return {
        "session_id": session_id,
        "project": project,
        "totals": found.totals,
        "cut": found.totals["answers"] > len(found.answers),
        "items": [as_json(*each) for each in zip(found.answers, scores, strict=True)],
        "signals": said.signals_of_session(warehouse, project, now, session_id, found.answers),
    }
