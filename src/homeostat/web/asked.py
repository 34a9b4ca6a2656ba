"""What every route needs: the core, who is asking, and threads for work that would block."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from homeostat.config import Settings
from homeostat.doors.guard import VISITOR
from homeostat.records.instant import BadTime, parse
from homeostat.records.visitor import Visitor
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.refused import Refused

Result = TypeVar("Result")
MAX_QUERY: Final = 16_384
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)


class EventClock(Protocol):
    """The event clock."""

    def now(self) -> datetime:
        """This moment, for decisions about data."""


class Core(Protocol):
    """What the API needs of the core process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def folder(self) -> Folder: ...
    @property
    def warehouse(self) -> Warehouse: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def clock(self) -> EventClock: ...

    def state(self) -> dict[str, Any]:
        """Is everything alive?"""

    def publish(self) -> None:
        """Tell the edges what changed about keys and projects."""

    def advance(self, to_ns: int, *, wait: bool) -> None:
        """Move the world clock; `wait`: return when everything up to then is loaded."""


class Gone(Exception):
    """The client left before its answer was ready."""


class Json(Response):
    """JSON that never holds NaN (it is null) and always says UTF-8."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


def core_of(request: Request) -> Core:
    """The core behind this application."""
    core: Core = request.app.state.core
    return core


def visitor_of(request: Request) -> Visitor:
    """Who is asking. Without a visitor a route that needs one answers nothing at all."""
    visitor = request.scope.get(VISITOR)
    if not isinstance(visitor, Visitor):
        raise PermissionError("a route was reached without passing the guard")
    return visitor


def pairs_of(request: Request) -> list[tuple[str, str]]:
    """The query parameters, in their order."""
    if len(request.scope["query_string"]) > MAX_QUERY:
        raise Refused(f"The query is longer than {MAX_QUERY} bytes.")
    return request.query_params.multi_items()


def single(pairs: list[tuple[str, str]], name: str) -> str:
    """The value of a parameter that may come once; empty when it is not there."""
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise Refused(f"{name} can be given once.")
    return values[0] if values else ""


def only(pairs: list[tuple[str, str]], *known: str) -> None:
    """A list that cannot be narrowed by something says so; it does not answer with everything."""
    for name, _ in pairs:
        if name not in known:
            hint = f"Known: {', '.join(known)}."
            raise Refused(f"There is no filter {name[:80]}.", code="unknown_filter", hint=hint)


def number_of(pairs: list[tuple[str, str]], name: str, default: int, low: int, high: int) -> int:
    """A whole number within its limits."""
    text = single(pairs, name)
    if not text:
        return default
    if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise Refused(f"{name} is a whole number from {low} to {high}.")
    return int(text)


def time_of(pairs: list[tuple[str, str]], name: str, now: datetime) -> datetime | None:
    """A point in time, None when it is not given."""
    text = single(pairs, name)
    if not text:
        return None
    try:
        return parse(text, now)
    except BadTime as error:
        raise Refused(f"{name} is not a time.", hint=str(error)) from None


async def work(request: Request, job: Callable[[], Result]) -> Result:
    """Do something that blocks in a thread; give up waiting when the client leaves."""
    results: list[Result] = []
    problems: list[Exception] = []
    async with anyio.create_task_group() as group:

        async def until_gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(until_gone)
        try:
            results.append(await in_thread(request, job))
        except Exception as problem:  # carried out of the group as it is, not wrapped into one
            problems.append(problem)
        group.cancel_scope.cancel()
    if problems:
        raise problems[0]
    if not results:
        raise Gone
    return results[0]


async def in_thread(request: Request, job: Callable[[], Result]) -> Result:
    """Do something that blocks in one of the few threads that there are for it."""
    limiter: anyio.CapacityLimiter = request.app.state.threads
    return await anyio.to_thread.run_sync(job, limiter=limiter, abandon_on_cancel=True)
