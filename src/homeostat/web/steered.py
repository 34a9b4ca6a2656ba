"""What the routes share that steer: who changes, under which lock, and how the registry's no is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field
from starlette.requests import Request

from homeostat.records.instant import iso, micros
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store import overrides
from homeostat.web.asked import Core, Json, core_of, visitor_of
from homeostat.web.errors import error

Result = TypeVar("Result")
Text = Annotated[str, Field(max_length=1000)]
Name = Annotated[str, Field(max_length=200)]
_STATUS: Final = {"not_found": 404, "conflict": 409, "bad_request": 400}


def author_of(request: Request) -> Author:
    """Who changes something, on both clocks."""
    visitor = visitor_of(request)
    actor = visitor.key_id or ("operator" if visitor.operator else "unknown")
    return Author(actor, core_of(request).clock.now(), datetime.now(UTC))


def declined(no: Declined) -> Json:
    """The registry's no as an answer; with what is there instead, when somebody was quicker."""
    answer = error(_STATUS[no.code], no.code, no.message, no.hint)
    if no.current is None:
        return answer
    said = {"code": no.code, "message": no.message} | ({"hint": no.hint} if no.hint else {})
    return Json({"error": said, "current": no.current}, answer.status_code)


def steer(core: Core, change: Callable[[], Result]) -> Result:
    """Change what routes obey, and publish it before anybody hears that it was done.

    Rollbacks that were made past us count first: who read the policy before them must not win against them.
    """
    folder = core.folder.control
    with overrides.locked(folder):
        taken = steering.take_over(core.ledger, folder)
        done = change()
        if taken or not isinstance(done, Declined):
            core.publish()
        return done


def at(when: datetime) -> str:
    """A time as the API says it."""
    return iso(micros(when))


def page(items: list[dict[str, Any]]) -> Json:
    """A list."""
    return Json({"items": items})
