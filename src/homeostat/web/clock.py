"""`POST /api/v1/clock`: moves the event clock, only where the server was started with `--clock world`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.records.instant import BadTime, iso, micros, parse
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Json, core_of, work
from homeostat.web.openapi import answers

router: Final = APIRouter(tags=["clock"])


class Move(BaseModel):
    """Where the clock goes: ISO 8601."""

    model_config = ConfigDict(extra="forbid")
    to: str = Field(max_length=64)
    wait: bool = True
    """Answer when everything accepted up to then is loaded; else at once: more of that time is still to be told."""


@router.post("/api/v1/clock", responses=answers(400))
async def move(request: Request, wanted: Move) -> Response:
    """Move the clock, and answer when everything accepted up to then is loaded, scored and watched."""
    core = core_of(request)
    try:
        to = micros(parse(wanted.to, core.clock.now()).astimezone(UTC))
    except BadTime as problem:
        raise Refused(str(problem)) from None

    def advance() -> datetime:
        try:
            core.advance(to * 1000, wait=wanted.wait)
        except ValueError as problem:
            raise Refused(str(problem), code="clock_refused") from None
        return core.clock.now()

    return Json({"now": iso(micros(await work(request, advance)))})
