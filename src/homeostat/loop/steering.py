"""What steers, answered by the edge itself: the routing document, and rollback with or without a core."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import msgspec

from homeostat.doors.answers import Receive, Refused, Scope, Send, refused_plainly, send_json
from homeostat.doors.guard import VISITOR
from homeostat.records.rollback import BadRollback, Rollback, asked
from homeostat.records.snapshot import Snapshot
from homeostat.records.visitor import Visitor
from homeostat.registry import away
from homeostat.registry.declined import Declined
from homeostat.store import control

Handler = Callable[[Scope, Receive, Send], Awaitable[int]]

ROUTING: Final = "/api/v1/routing"
POLICIES: Final = "/api/v1/policies/"
ROLLBACK: Final = "/rollback"
LONGEST_WAIT: Final = 30.0
MOST_WAITING: Final = 20_000
_LOOK_SECONDS: Final = 0.2
_CORE_SECONDS: Final = 0.8
_MOST_BYTES: Final = 16 << 10
_EMPTY: Final[Mapping[str, Any]] = {"version": 0, "routes": {}, "releases": {}}


class Clock(Protocol):
    """The event clock."""

    def now(self) -> datetime:
        """This moment, for decisions about data."""


class Core(Protocol):
    """The core as seen from the edge."""

    async def ask(
        self, method: str, path: str, seconds: float, *, headers: list[tuple[bytes, bytes]], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Its answer; status 0: none in time."""


class Steering:
    """Two routes of the edge. `stopping`: says when the server ends, so that nobody waits for news any longer."""

    def __init__(
        self,
        folder: Path,
        snapshot: Callable[[], Snapshot | None],
        clock: Clock,
        core: Core,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = folder
        self._snapshot = snapshot
        self._clock = clock
        self._core = core
        self._stopping = stopping
        self._written: dict[str, tuple[Mapping[str, Any], bytes]] = {}
        self._news = asyncio.Event()
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None

    def handler(self, method: str, path: str) -> Handler | None:
        """Who answers this here; None: it is not ours."""
        if path == ROUTING and method in ("GET", "HEAD"):
            return self.routing
        if method == "POST" and path.startswith(POLICIES) and path.endswith(ROLLBACK):
            return self.rollback
        return None

    async def routing(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The project's routing document, or 304 when it is still the version that the client has."""
        project = _visitor(scope).project
        try:
            has, wait = _has(scope)
        except ValueError:
            message = f"after is a version, wait is seconds (at most {LONGEST_WAIT:g} count)."
            await refused_plainly(send, Refused(400, message))
            return 400
        if has is not None and wait > 0 and self._waiting < MOST_WAITING:
            await self._wait(project, has, wait)
        document = self._document(project)
        version = document["version"]
        headers = [(b"etag", b'"%d"' % version), (b"cache-control", b"no-cache")]
        if has == version:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return 304
        body = self._text(project, document)
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return 200

    async def rollback(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The core does it when it answers; else an override does, and the core learns of it when it is back."""
        visitor = _visitor(scope)
        route = scope["path"][len(POLICIES) : -len(ROLLBACK)]
        try:
            wanted = self._wanted(visitor, await _body(receive))
        except BadRollback as problem:
            await refused_plainly(send, Refused(400, str(problem)))
            return 400
        told = json.dumps({"id": wanted.id, "to": wanted.to, "reason": wanted.reason}).encode()
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        status, body = await self._core.ask("POST", path, _CORE_SECONDS, headers=scope["headers"], body=told)
        if 0 < status < 500:
            self._refresh()
            kind = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": kind})
            await send({"type": "http.response.body", "body": body})
            return status
        return await self._without_core(visitor.project, route, wanted, send)

    async def _without_core(self, project: str, route: str, wanted: Rollback, send: Send) -> int:
        try:
            done = await asyncio.to_thread(away.roll_back, self._folder, project, route, wanted)
        except OSError as error:
            message = f"The core is away, and the override cannot be written ({error.strerror})."
            await refused_plainly(send, Refused(503, message, "not_now"))
            return 503
        self._refresh()
        if isinstance(done, Declined):
            status = 404 if done.code == "not_found" else 409
            await refused_plainly(send, Refused(status, done.message, done.code), hint=done.hint)
            return status
        await send_json(send, 200, away.told_back(done, override=True))
        return 200

    def _wanted(self, visitor: Visitor, body: bytes) -> Rollback:
        actor = visitor.key_id or "operator"
        made = datetime.now(UTC).isoformat()
        try:
            said = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError):
            raise BadRollback("The body is not JSON.") from None
        return asked(said, id=uuid.uuid4().hex, actor=actor, at=self._clock.now().isoformat(), made=made)

    def _document(self, project: str) -> Mapping[str, Any]:
        snapshot = self._snapshot()
        found: Mapping[str, Any] = snapshot.policies.get(project, _EMPTY) if snapshot else _EMPTY
        return found

    def _text(self, project: str, document: Mapping[str, Any]) -> bytes:
        """Written once per document, however many ask for it."""
        known = self._written.get(project)
        if known is None or known[0] is not document:
            known = self._written[project] = (document, msgspec.json.encode(document))
        return known[1]

    def _refresh(self) -> None:
        """Obey what has just been written, without waiting for the next look."""
        if isinstance(self._snapshot, control.Reader):
            self._snapshot.refresh()

    async def _wait(self, project: str, has: int, seconds: float) -> None:
        """Return when the document has another version, or after so many seconds."""
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, LONGEST_WAIT)):
                    while self._document(project)["version"] == has and not self._stopping():
                        await self._news.wait()
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        """One look for everybody who waits; nobody waits: nobody looks."""
        last = self._snapshot()
        while self._waiting:
            await asyncio.sleep(_LOOK_SECONDS)
            now = self._snapshot()
            if now is not last or self._stopping():
                last = now
                news, self._news = self._news, asyncio.Event()
                news.set()


def _visitor(scope: Scope) -> Visitor:
    visitor = scope.get(VISITOR)
    if not isinstance(visitor, Visitor):
        raise PermissionError("a route was reached without passing the guard")
    return visitor


def _has(scope: Scope) -> tuple[int | None, float]:
    """(version that the client has, seconds it waits for another). ValueError: that makes no sense."""
    asked_for = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    tag = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"").decode("latin-1")
    tag = tag.removeprefix("W/").strip('"')
    after = asked_for.get("after", [tag if tag.isdecimal() and len(tag) < 19 else ""])[-1]
    wait = float(asked_for.get("wait", ["0"])[-1])
    if (after and not (after.isascii() and after.isdecimal() and len(after) < 19)) or not wait >= 0:
        raise ValueError(after)
    return (int(after) if after else None), wait


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRollback("The request was cut off.")
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > _MOST_BYTES:
            raise BadRollback(f"The body is larger than {_MOST_BYTES} bytes.")
        if not message.get("more_body"):
            return body
