"""`/api/v1/audit`: who changed what in a project, when. Nothing can be changed or deleted here."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from homeostat.store.ledger import audit
from homeostat.store.ledger.audit import Entry
from homeostat.web.asked import Json, core_of, number_of, only, pairs_of, visitor_of, work
from homeostat.web.openapi import answers, query
from homeostat.web.steered import at

router: Final = APIRouter(tags=["audit"])
_MOST: Final = 999_999_999
_PARAMETERS: Final = [
    query("limit", "How many.", {"type": "integer", "default": 100, "maximum": 1000}),
    query("cursor", "What `next` of the page before said.", {"type": "string"}),
]


@router.get("/api/v1/audit", responses=answers(400), openapi_extra={"parameters": _PARAMETERS})
async def list_entries(request: Request) -> Response:
    """Newest first."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    only(pairs, "limit", "cursor")
    limit = number_of(pairs, "limit", 100, 1, 1000)
    before = number_of(pairs, "cursor", 0, 0, _MOST) or None
    found = await work(request, lambda: audit.entries(core.ledger, project=project, before=before, limit=limit + 1))
    more = str(found[limit - 1].number) if len(found) > limit else ""
    return Json({"items": [_json(entry) for entry in found[:limit]], "next": more})


def _json(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": at(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "before": _value(entry.before),
        "after": _value(entry.after),
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
