"""`/api/v1/verdicts`: what came of actions."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records import words
from homeostat.records.verdict import as_json
from homeostat.store.ledger import verdicts
from homeostat.web.asked import Json, core_of, number_of, pairs_of, visitor_of, work
from homeostat.web.openapi import answers, query

router: Final = APIRouter(tags=["verdicts"])
_LIST: Final = [
    query("action", "Only those about this action.", {"type": "integer"}),
    query("cursor", "`next` of the page before.", {"type": "string"}),
    query("limit", "How many.", {"type": "integer", "default": 100, "maximum": 1000}),
]


@router.get("/api/v1/verdicts", responses=answers(400), openapi_extra={"parameters": _LIST})
async def list_verdicts(request: Request) -> Response:
    """Newest first: outcome, estimate with its interval, the kind of evidence, and what may be claimed."""
    core, project, pairs = core_of(request), visitor_of(request).project, pairs_of(request)
    limit = number_of(pairs, "limit", 100, 1, 1000)
    action = number_of(pairs, "action", 0, 1, 2**31 - 1) or None
    before = number_of(pairs, "cursor", 0, 1, 2**31 - 1) or None

    def found() -> dict[str, Any]:
        kept = verdicts.listed(core.ledger, project, action=action, before=before, limit=limit + 1)
        items = [{"id": number, **as_json(each), "said": words.verdict(each)} for number, each in kept[:limit]]
        return {"items": items, "next": str(kept[limit - 1][0]) if len(kept) > limit else None}

    return Json(await work(request, found))
