"""An edge on a real socket of this process, over a spool in memory or on disk."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from homeostat.config import Settings
from homeostat.loop.clock import to_datetime
from homeostat.loop.edge import App, create_edge
from homeostat.records.visitor import SCOPES, Visitor
from homeostat.store.spool.envelope import Envelope
from homeostat.store.spool.segment import Waiting

#: The instant at which tests happen: shortly after the times in the recorded requests.
NOW_NS = 1_772_000_100 * 10**9


class FixedClock:
    """An event clock that stands where the test puts it."""

    def __init__(self, ns: int = NOW_NS) -> None:
        self.ns = ns

    def now_ns(self) -> int:
        return self.ns

    def now(self) -> Any:
        return to_datetime(self.ns)


@dataclass
class MemorySpool:
    """Keeps envelopes; fails or waits when it is told to."""

    envelopes: list[Envelope] = field(default_factory=list)
    failure: Exception | None = None
    gate: threading.Event | None = None
    state: str = "ok"
    reason: str = ""

    async def append(self, envelope: Envelope) -> None:
        if self.gate is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.gate.wait, 120)
        if self.failure is not None:
            raise self.failure
        self.envelopes.append(envelope)

    def waiting(self) -> Waiting:
        return Waiting(0, sum(envelope.items for envelope in self.envelopes), 0, 0)


def everybody(app: App) -> App:
    """A guard that lets everybody in, to the project that a header names."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        project = dict(scope["headers"]).get(b"x-test-project", b"tests").decode()
        scope["homeostat.visitor"] = Visitor(project, SCOPES)
        await app(scope, receive, send)

    return guarded


@contextlib.contextmanager
def serve(app: App, http: Any = "httptools") -> Iterator[int]:
    """Serve on a free port until the end of the context."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=http,
        access_log=False,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=60,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(120)
        listener.close()
        assert not thread.is_alive()


@dataclass
class Running:
    """An edge that runs, and what is behind it."""

    port: int
    spool: MemorySpool
    clock: FixedClock

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=hasattr(body, "__next__"))
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(
        self, path: str, body: bytes, kind: str = "application/x-protobuf", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        sent = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, body, sent)


@contextlib.contextmanager
def running_edge(tmp_path: Path, **settings: Any) -> Iterator[Running]:
    """An edge over a spool in memory, its core at `tmp_path/core.sock`."""
    spool, clock = MemorySpool(), FixedClock()
    chosen = Settings(data=tmp_path, **settings)
    app = create_edge(chosen, spool=spool, guard=everybody, clock=clock, core_socket=tmp_path / "core.sock")
    with serve(app) as port:
        yield Running(port, spool, clock)


def within_a_second(condition: Any) -> None:
    """Wait for what an edge must know a second later at the latest.

    It looks five times a second, by its own clock, when it is asked: after so many questions, with so much between
    them, a second has gone by there as well, and a machine that is busy or stands still makes it no shorter.
    """
    for _ in range(50):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it was asked for a second, and did not know")


def until(condition: Any, seconds: float = 120.0) -> None:
    """Wait for something that must come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
