"""The one door of edge and core: denies by default. See design/0002-doors.md."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from homeostat.config import Settings
from homeostat.doors import refusals
from homeostat.doors.credentials import Credentials, Seen, look
from homeostat.doors.hosts import Hosts, same_page
from homeostat.doors.refusals import Refusal
from homeostat.doors.routes import TABLE, Family, Route, Table
from homeostat.records.snapshot import Snapshot
from homeostat.records.visitor import Visitor

Request = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Request, Receive, Send], Awaitable[None]]

VISITOR: Final = "homeostat.visitor"
ROUTE: Final = "homeostat.route"


class Guard:
    """ASGI middleware. What passes has `scope[VISITOR]` (None on public routes) and `scope[ROUTE]`."""

    def __init__(
        self,
        app: App,
        *,
        snapshot: Callable[[], Snapshot | None],
        settings: Settings,
        table: Table = TABLE,
        now: Callable[[], float] = time.time,
        core_alive: Callable[[], bool] = lambda: True,
        tell_used: Callable[[Mapping[str, float]], None] = lambda used: None,
    ) -> None:
        """`now`: machine clock. `core_alive`: while it says no, keys that were never seen are answered 503, not 401.

        `tell_used`: called every 20 s at most, with the ids of all keys seen and when each last was (unix seconds).
        """
        self._app = app
        self._table = table
        self._hosts = Hosts(settings)
        self._credentials = Credentials(snapshot, settings, now=now, core_alive=core_alive, tell_used=tell_used)

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        if kind != "http":
            # No route is a websocket. Closing before accepting is the protocol's 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        seen = look(scope["headers"])
        route = self._table.match(scope["method"], scope["path"])
        verdict = self._judge(scope, seen, route)
        if isinstance(verdict, Refusal):
            await _refuse(verdict, _family(route, scope["path"]), seen.content_type, send)
            return
        scope[VISITOR] = verdict
        scope[ROUTE] = route
        await self._app(scope, receive, send)

    def _judge(self, scope: Request, seen: Seen, route: Route | None) -> Visitor | Refusal | None:
        if not self._hosts.allows(seen.host):
            return refusals.WRONG_HOST
        if route is not None and route.need == "public":
            return None
        if not same_page(seen.origin, seen.site, seen.host):
            return refusals.FOREIGN_PAGE
        visitor = self._credentials.judge(seen)
        if isinstance(visitor, Refusal):
            return visitor
        if route is None:
            methods = self._table.methods(scope["path"])
            return refusals.wrong_method(methods) if methods else refusals.NOT_FOUND
        if route.need == "operator":
            return visitor if visitor.operator else refusals.OPERATOR_ONLY
        return visitor if route.need in visitor.scopes else refusals.lacks(route.need)


class UnsafeBind(PermissionError):
    """These settings would let strangers in; the message says what to change."""


def refuse_unsafe_bind(settings: Settings, have_keys: bool = True) -> None:
    """Raises `UnsafeBind` when the server must not start with these settings."""
    if settings.loopback:
        return
    where = f"Listening on {settings.host or 'every address'} lets other machines in."
    if settings.auth != "required":
        first = "" if have_keys else " Nobody has a key yet: make one first with 'homeostat key create'."
        raise UnsafeBind(f"{where} Set auth=required (HOMEOSTAT_AUTH=required), or listen on 127.0.0.1.{first}")
    if not settings.behind_proxy:
        raise UnsafeBind(
            f"{where} Keys would cross the network in the clear: put a proxy that ends TLS in front and say so with "
            "behind_proxy=true (HOMEOSTAT_BEHIND_PROXY=true), or listen on 127.0.0.1."
        )
    if settings.clock == "world":
        raise UnsafeBind(f"{where} Whoever has a key could set the clock: clock=world works on 127.0.0.1 only.")


def _family(route: Route | None, path: str) -> Family:
    """A wrong method on an OTLP path is still an OTLP client."""
    if route is not None:
        return route.family
    return "otlp" if TABLE.match("POST", path) in _OTLP else "plain"


_OTLP: Final = frozenset(route for route in TABLE.routes if route.family == "otlp")


async def _refuse(refusal: Refusal, family: Family, content_type: bytes, send: Send) -> None:
    kind, body = refusals.written(refusal, family, content_type)
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
