"""Every error in one shape: `{"error": {"code", "message", "hint"?}}`. Never a traceback."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from homeostat.store.ledger import LedgerError
from homeostat.store.warehouse.codes import not_now, unreadable
from homeostat.store.warehouse.questions.refused import EngineError, Refused, from_engine
from homeostat.web.asked import Gone, Json

log: Final = logging.getLogger("homeostat.web")
_CODES: Final = {404: "not_found", 405: "wrong_method", 413: "too_large", 415: "wrong_type", 503: "busy"}


def error(status: int, code: str, message: str, hint: str = "", headers: dict[str, str] | None = None) -> Json:
    """An answer that says no."""
    said = {"code": code, "message": message} | ({"hint": hint} if hint else {})
    return Json({"error": said}, status, headers=headers)


def not_found(what: str, hint: str = "") -> Json:
    """There is no such thing, or it belongs to somebody else: both look the same."""
    return error(404, "not_found", f"There is no {what} of this id.", hint)


def install(app: FastAPI) -> None:
    """Answer what routes raise."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(LedgerError, _ledger)
    app.add_exception_handler(EngineError, _engine)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Gone, _gone)
    for transient in (OSError, MemoryError, OperationalError):
        app.add_exception_handler(transient, _not_now)
    for broken in (PermissionError, Exception):
        app.add_exception_handler(broken, _broken)


async def _refused(_: Request, problem: Exception) -> Json:
    assert isinstance(problem, Refused)
    return error(400, problem.code, problem.message, problem.hint)


async def _ledger(_: Request, problem: Exception) -> Json:
    return error(400, "refused", str(problem))


async def _engine(request: Request, problem: Exception) -> Json:
    assert isinstance(problem, EngineError)
    refused = from_engine(problem)
    if refused:
        return await _refused(request, refused)
    return await (_not_now if not_now(problem) or unreadable(problem) else _broken)(request, problem)


async def _invalid(_: Request, problem: Exception) -> Json:
    assert isinstance(problem, RequestValidationError)
    first = problem.errors()[0] if problem.errors() else {}
    where = ".".join(str(part) for part in first.get("loc", ()))
    return error(400, "bad_request", f"{where}: {first.get('msg', 'not as expected')}"[:300])


async def _http(_: Request, problem: Exception) -> Json:
    assert isinstance(problem, HTTPException)
    headers = dict(problem.headers) if problem.headers else None
    return error(problem.status_code, _CODES.get(problem.status_code, "error"), str(problem.detail), headers=headers)


async def _gone(_: Request, __: Exception) -> Json:
    return error(499, "gone", "The client left.")


async def _not_now(request: Request, problem: Exception) -> Json:
    """A full disk, a busy ledger: nothing is wrong with the question, and it may be asked again."""
    log.warning("%s %s cannot be answered now: %s", request.method, request.url.path, problem)
    hint = "Ask again in a second; homeostat doctor says more."
    return error(503, "not_now", "A store does not answer at the moment.", hint, {"retry-after": "1"})


async def _broken(request: Request, problem: Exception) -> Json:
    """Our fault: the log has everything under the reference, the client only the reference."""
    reference = secrets.token_hex(4)
    log.error("%s %s failed, reference %s", request.method, request.url.path, reference, exc_info=problem)
    return error(500, "internal", "Something broke here.", f"The server's log says more under {reference}.")
