"""The edge: the one door of the server. It takes data to the spool, and hands everything else to the core.

It opens neither engine nor ledger, so it lives when the core does not.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from homeostat.config import Settings
from homeostat.doors.answers import Receive, Refused, Scope, Send, refused_plainly, send_json
from homeostat.doors.body import Doorstep
from homeostat.doors.guard import Guard
from homeostat.gateway.app import Gateway
from homeostat.loop.clock import Clock, event_clock
from homeostat.loop.proxy import Core
from homeostat.loop.steering import Steering
from homeostat.observe.otlp.intake import Intake
from homeostat.observe.plain.intake import PlainIntake
from homeostat.records.snapshot import Snapshot
from homeostat.store import control
from homeostat.store.folder import Folder
from homeostat.store.spool.envelope import Envelope
from homeostat.store.spool.room import KEEP_FREE
from homeostat.store.spool.segment import Waiting
from homeostat.store.spool.writer import SpoolWriter

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[int]]
Published = Callable[[], Snapshot | None]

#: Where SDKs of several houses send OTLP.
SIGNALS: Final = {
    f"{root}/v1/{name}": name for root in ("", "/otel", "/api/public/otel") for name in ("traces", "logs", "metrics")
}
PLAIN: Final = {
    "/api/v1/signals": "signals",
    "/api/v1/scores": "scores",
    "/api/v1/exchanges": "exchanges",
    "/api/public/scores": "langfuse_scores",
    "/api/public/ingestion": "ingestion",
}
log: Final = logging.getLogger("homeostat.edge")
_DAY_NS: Final = 86_400 * 10**9
_MOST_ROOM: Final = 20_000_000_000
_DRAIN_SECONDS: Final = 30.0
_CORE_SECONDS: Final = 1.0


class Spool(Protocol):
    """What the edge needs of the spool's writer."""

    async def append(self, envelope: Envelope) -> None:
        """Return when the envelope is durable."""

    @property
    def state(self) -> str:
        """`ok`, `warn`, `full` or `broken`."""

    @property
    def reason(self) -> str:
        """Why it is broken."""

    def waiting(self) -> Waiting:
        """What waits for the loader."""


class Edge:
    """Routes of the edge. `guarded` in front of it says who may come in."""

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        clock: Clock,
        core: Core,
        *,
        snapshot: Published = lambda: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        keep_ns = settings.retention_days * _DAY_NS
        self.step = Doorstep(
            body_limit=settings.body_limit, inflight_limit=settings.inflight_limit, body_timeout=settings.body_timeout
        )
        self.draining = False
        self._spool = spool
        self._core = core
        self._counts: Counter[tuple[str, int]] = Counter()
        self._otlp = Intake(spool, self.step, clock.now_ns, keep_ns)
        self._plain = PlainIntake(spool, self.step, clock.now_ns, keep_ns, settings.text_limit)
        self.gateway = Gateway(settings, snapshot=snapshot, spool=spool, step=self.step, now_ns=clock.now_ns)
        self._steering = Steering(Folder(settings.data.resolve()).control, snapshot, clock, core, stopping)
        self._own: dict[str, Handler] = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        kind = SIGNALS.get(path)
        if kind is not None:
            self._counts[kind, await self._otlp.take(kind, scope, receive, send)] += 1
            return
        kind, handler = self._handler(path, scope["method"])
        self._counts[kind, await handler(scope, receive, send)] += 1

    def _handler(self, path: str, method: str) -> tuple[str, Handler]:
        plain = PLAIN.get(path) if method == "POST" else "projects" if path == "/api/public/projects" else None
        if plain is not None:
            return plain, lambda scope, receive, send: self._plain.take(plain, scope, receive, send)
        if self.gateway.serves(method, path):
            return "gateway", self.gateway
        own = self._steering.handler(method, path) or (self._own.get(path) if method in ("GET", "HEAD") else None)
        return ("own", own) if own else ("core", self._core.forward)

    def failed(self) -> None:
        """Count a bug."""
        self._counts["internal", 503] += 1

    async def drain(self) -> None:
        """Say not-ready, wait until the requests in flight are answered, and store what was captured of them."""
        self.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.step.quiet()
        await self.gateway.close()

    async def _healthz(self, scope: Scope, receive: Receive, send: Send) -> int:
        await send_json(send, 200, {"status": "ok"})
        return 200

    async def _readyz(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Ready means: what is sent now is kept. Without the core it still is, and questions wait: degraded."""
        spool = self._spool.state
        status, _ = await self._core.fetch("/readyz", _CORE_SECONDS)
        core = "ok" if status == 200 else "starting" if status else "away"
        ready = not self.draining and spool in ("ok", "warn")
        word = "ready" if ready and core == "ok" else "degraded" if ready else "not_ready"
        answer = {"status": word, "spool": spool, "core": core, "draining": self.draining}
        if self._spool.reason:
            answer["reason"] = self._spool.reason
        await send_json(send, 200 if ready else 503, answer)
        return 200 if ready else 503

    async def _metrics(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Figures of the edge, and the core's behind them unless only one part is asked for."""
        text = self._figures().encode()
        if b"part=edge" not in scope.get("query_string", b""):
            status, body = await self._core.fetch("/metrics", 5 * _CORE_SECONDS, scope["headers"])
            text += body if status == 200 else b""
        headers = [(b"content-type", b"text/plain; version=0.0.4"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})
        return 200

    def _figures(self) -> str:
        waiting = self._spool.waiting()
        lines = [
            "# HELP homeostat_edge_requests_total Requests by route and status; 0: the client left.",
            "# TYPE homeostat_edge_requests_total counter",
            *(
                f'homeostat_edge_requests_total{{route="{route}",status="{status}"}} {count}'
                for (route, status), count in sorted(self._counts.items())
            ),
        ]
        for name, kind, meaning, value in (
            ("inflight_requests", "gauge", "Requests whose body is being read or stored.", self.step.requests),
            ("inflight_bytes", "gauge", "Bytes of their bodies.", self.step.bytes),
            ("spool_waiting_bytes", "gauge", "Bytes that wait for the loader.", waiting.bytes),
            ("spool_waiting_items", "gauge", "Items that wait for the loader.", waiting.items),
            ("spool_ok", "gauge", "1: the spool takes data.", int(self._spool.state in ("ok", "warn"))),
            *self.gateway.figures(),
        ):
            full = f"homeostat_edge_{name}"
            lines += (f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", f"{full} {value}")
        return "\n".join(lines) + "\n"


def create_edge(
    settings: Settings,
    *,
    spool: Spool,
    guard: Callable[[App], App],
    clock: Clock,
    core_socket: Path,
    snapshot: Published = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> App:
    """The edge as an ASGI app. `guard` wraps the routes and puts a visitor into the scope of whoever may come in."""
    edge = Edge(settings, spool, clock, Core(core_socket, settings.body_limit), snapshot=snapshot, stopping=stopping)
    guarded = guard(edge)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path[-1:] == "/" and (path[:-1] in SIGNALS or path[:-1] in PLAIN):
                scope["path"] = path[:-1]  # exporters do not follow redirects: both spellings are the same place
            await _last_resort(guarded, edge, scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(edge, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    return app


@contextmanager
def open_edge(settings: Settings, stopping: Callable[[], bool] = lambda: False) -> Iterator[App]:
    """The edge over a data directory, its spool open until the end of the context.

    `stopping`: says when the server ends, so that nobody is kept waiting for news.
    """
    folder = Folder(settings.data.resolve())
    folder.check_format()
    # Large bodies are checked in threads: what waits for the interpreter beside them gets it soon.
    sys.setswitchinterval(0.001)
    core = Core(folder.core_socket, settings.body_limit)
    snapshot = control.Reader(folder.control)

    def guard(app: App) -> App:
        tell = partial(control.tell_used, folder.control)
        return Guard(app, snapshot=snapshot, settings=settings, core_alive=core.alive, tell_used=tell)

    spool = SpoolWriter(
        folder.spool,
        segment_bytes=settings.segment_bytes,
        segment_seconds=settings.segment_seconds,
        room=settings.spool_bytes or partial(_room, folder.spool),
        keep_free=_keep_free(folder.root),
        queue_bytes=settings.inflight_limit,
        sync=settings.spool_sync,
    )
    try:
        yield create_edge(
            settings,
            spool=spool,
            guard=guard,
            clock=event_clock(settings.clock, folder.clock),
            core_socket=folder.core_socket,
            snapshot=snapshot,
            stopping=stopping,
        )
    finally:
        spool.close()


def _room(folder: Path) -> int:
    """Room of the spool when nobody chose it: a fifth of the free disk, 20 GB at most."""
    return min(_MOST_ROOM, shutil.disk_usage(folder).free // 5)


def _keep_free(folder: Path) -> int:
    """Room that we leave to engine and ledger: they go on while data is refused. A twentieth of a small disk."""
    return min(KEEP_FREE, shutil.disk_usage(folder).total // 20)


async def _last_resort(guarded: App, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
    """A bug of ours must not cost the sender its data: exporters send again after 503 and drop after 500."""
    try:
        await guarded(scope, receive, send)
    except Exception:
        log.exception("unexpected failure on %s %s", scope["method"], scope["path"])
        edge.failed()
        with suppress(RuntimeError):  # the answer had begun
            await refused_plainly(send, Refused(503, "Something failed here. Send it again.", "internal"))


async def _lifespan(edge: Edge, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await edge.drain()
    await send({"type": "lifespan.shutdown.complete"})
