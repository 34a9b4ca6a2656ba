"""The gateway's routes: takes a request in, finds who serves it, gives the answer, hands the call to capture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from homeostat.config import Settings
from homeostat.doors.answers import Gone, Receive, Refused, Scope, Send
from homeostat.doors.body import Claim, Doorstep, read_body
from homeostat.gateway import generate, guards, relay
from homeostat.gateway.apis import APIS, BY_ROUTE, MODELS, Api, failure
from homeostat.gateway.call import Call
from homeostat.gateway.capture import Capture, Spool
from homeostat.gateway.limits import Limits
from homeostat.gateway.proxy import Failure, Proxy
from homeostat.gateway.routing import Asked, Plan, Routes, asked
from homeostat.gateway.shadow import Shadows
from homeostat.gateway.trace import place
from homeostat.gateway.upstream import Client
from homeostat.gateway.upstreams import read
from homeostat.records.snapshot import Snapshot

PATHS: Final = frozenset((api.method, api.path) for api in APIS)
_MODEL: Final = "/v1/models/"
#: Calls this short are not watched for a client that leaves: they are over before it could matter.
_WATCH_AFTER: Final = 0.1


class Gateway:
    """Serves the gateway's routes."""

    def __init__(
        self,
        settings: Settings,
        *,
        snapshot: Callable[[], Snapshot | None],
        spool: Spool,
        step: Doorstep,
        now_ns: Callable[[], int],
    ) -> None:
        self._client = Client(settings.gateway_connect_timeout)
        self._proxy = Proxy(settings, read(settings), self._client)
        self._routes = Routes(snapshot)
        self._step = step
        self._now_ns = now_ns
        self._deadline = settings.gateway_deadline
        self._model = settings.upstream_model
        self._limits = Limits(snapshot, lambda: now_ns() / 1e9)
        self.capture = Capture(spool, now_ns=now_ns, settings=settings, spent=self._limits.spent)
        self._shadows = Shadows(self._proxy, self.capture)

    def serves(self, method: str, path: str) -> bool:
        """Is this one of its routes?"""
        return (method, path) in PATHS or (method == "GET" and _is_model(path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer one request; returns the status that was sent, 0 when the client left."""
        api = BY_ROUTE.get((scope["method"], scope["path"]), MODELS)
        try:
            if api.captured:
                self._limits.admit(scope["homeostat.visitor"].key_id)
            with Claim(self._step) as claim:
                raw = await self._body(api, scope, receive, claim)
                return await self._serve(self._call(api, scope, raw), receive, send)
        except Gone:
            return 0
        except Refused as refusal:
            return await _refused(api, refusal, send)

    def figures(self) -> list[tuple[str, str, str, int]]:
        """(name, type, meaning, value) for `/metrics`."""
        return [
            ("capture_dropped_total", "counter", "Calls whose exchange was lost.", self.capture.dropped),
            ("capture_waiting_bytes", "gauge", "Bytes of calls that wait to be stored.", self.capture.waiting),
            ("gateway_connections", "gauge", "Open connections to upstreams.", self._client.open_connections()),
            ("shadow_dropped_total", "counter", "Shadow calls left out: too many at once.", self._shadows.dropped),
        ]

    async def close(self) -> None:
        """Store what was captured; nothing is served any more."""
        await self.capture.close()
        self._client.close()

    async def _body(self, api: Api, scope: Scope, receive: Receive, claim: Claim) -> bytes:
        if api.method == "GET":
            return b""
        length = b""
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = value
            elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise Refused(415, "Send the request without Content-Encoding.")
        return await read_body(receive, claim, self._step, length)

    def _call(self, api: Api, scope: Scope, raw: bytes) -> Call:
        visitor, headers = scope["homeostat.visitor"], scope["headers"]
        parent = next((value for name, value in headers if name == b"traceparent"), b"")
        where = place(parent)
        if api.method == "GET":
            ask, plan = Asked(readable=False), Plan("")
        else:
            ask = asked(headers, raw)
            plan = self._routes.plan(visitor.project, ask, where.trace_id.hex())
        if api.family == "plain":
            raw = generate.checked(raw, self._model)
        return Call(
            api=api, path=_target(scope["path"]), project=visitor.project, key=visitor.key_id, place=where, ask=ask,
            plan=plan, headers=headers, body=raw, started_ns=self._now_ns(),
            deadline=asyncio.get_running_loop().time() + self._deadline,
        )  # fmt: skip

    async def _serve(self, call: Call, receive: Receive, send: Send) -> int:
        """Ask and answer, for as long as the client is there."""
        watch = _Watch(receive, at_once=call.ask.stream)
        try:
            return await self._answer(call, send)
        except asyncio.CancelledError:
            if watch.left:
                call.outcome = "client_closed"
                return 0
            call.failed("shutdown: The gateway was stopped.")
            raise
        finally:
            watch.end()
            self._shadows.begin(call)
            if call.api.captured:
                self.capture.put(call)

    async def _answer(self, call: Call, send: Send) -> int:
        stopped = guards.of_question(call) if call.plan.guards else None
        if stopped is not None:
            return await guards.withhold(call, stopped, send)
        result = await self._proxy.ask(call)
        if isinstance(result, Failure):
            return await relay.refuse(call, result, send)
        looking = guards.of_answers(call) if call.plan.guards and result.status < 400 else []
        try:
            if looking:
                return await guards.give(call, result, looking, send)
            return await relay.give(call, result, send)
        finally:
            result.close()


def _is_model(path: str) -> bool:
    """One model: a single segment behind the list's path."""
    name = path.removeprefix(_MODEL)
    return name != path and "/" not in name and name.strip(".") != ""


def _target(path: str) -> str:
    """The path for the upstream. A model's id comes decoded; it must not become anything but one segment again."""
    return _MODEL + quote(path.removeprefix(_MODEL), safe="") if path.startswith(_MODEL) else path


class _Watch:
    """Ends the current task when its client leaves. A task of its own that starts late: most calls need none."""

    def __init__(self, receive: Receive, *, at_once: bool) -> None:
        self.left = False
        self._receive = receive
        self._serving = asyncio.current_task()
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(0 if at_once else _WATCH_AFTER, self._begin)

    def end(self) -> None:
        """The call is over."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        message: Any = await self._receive()
        if message["type"] == "http.disconnect" and self._serving is not None:
            self.left = True
            self._serving.cancel()


async def _refused(api: Api, refusal: Refused, send: Send) -> int:
    text = failure(api.family, refusal.status, refusal.code, refusal.message)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text)), *refusal.headers]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
    return refusal.status
