"""The edge as a whole: which route is answered where, whether it is ready, and how it ends."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.loop.edge import PLAIN, SIGNALS, create_edge, open_edge
from homeostat.store.folder import Folder
from homeostat.store.spool import envelope, segment
from tests.loop.serving import FixedClock, MemorySpool, Running, everybody, running_edge, serve, until
from tests.loop.test_proxy import FakeCore, says


def test_alive_and_ready_without_a_core(tmp_path: Path) -> None:
    with running_edge(tmp_path) as edge:
        assert json.loads(edge.send("GET", "/healthz")[2]) == {"status": "ok"}
        status, _, body = edge.send("GET", "/readyz")
        assert (status, json.loads(body)["status"], json.loads(body)["core"]) == (200, "degraded", "away")


@pytest.mark.parametrize(
    ("said", "status", "core_word"), [(b"200 OK", "ready", "ok"), (b"503 No", "degraded", "starting")]
)
def test_ready_with_a_core(
    tmp_path: Path, said: bytes, status: str, core_word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = FakeCore(tmp_path / "core.sock")
    core.behave = says(b"HTTP/1.1 " + said + b"\r\ncontent-length: 2\r\n\r\n{}")
    monkeypatch.setattr("homeostat.loop.edge._CORE_SECONDS", 60.0)  # it may take its time here
    with running_edge(tmp_path) as edge:
        answer = json.loads(edge.send("GET", "/readyz")[2])
        assert (answer["status"], answer["core"]) == (status, core_word)
    core.close()


@pytest.mark.parametrize("state", ["full", "broken"])
def test_not_ready_when_the_spool_does_not_take(tmp_path: Path, state: str) -> None:
    with running_edge(tmp_path) as edge:
        edge.spool.state, edge.spool.reason = state, "the disk refuses"
        status, _, body = edge.send("GET", "/readyz")
        assert (status, json.loads(body)["reason"]) == (503, "the disk refuses")


def test_figures_of_both_parts(tmp_path: Path) -> None:
    core = FakeCore(tmp_path / "core.sock")
    core.behave = says(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\ncore 1\n")
    with running_edge(tmp_path) as edge:
        edge.post("/v1/traces", b"")
        edge.post("/v1/traces", b"garbage")
        both = edge.send("GET", "/metrics")[2].decode()
        assert 'homeostat_edge_requests_total{route="traces",status="200"} 1\n' in both
        assert 'homeostat_edge_requests_total{route="traces",status="400"} 1\n' in both
        assert both.endswith("core 1\n")
        assert "core 1" not in edge.send("GET", "/metrics?part=edge")[2].decode()
    core.close()


def test_the_core_tells_its_figures_to_who_asked(tmp_path: Path) -> None:
    core = FakeCore(tmp_path / "core.sock")
    core.behave = says(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\ncore 1\n")
    shown = {"Authorization": "Bearer hs_x", "X-API-Key": "hs_y", "X-Homeostat-Project": "shop"}
    with running_edge(tmp_path) as edge:
        edge.send("GET", "/metrics", headers=shown | {"Cookie": "not theirs", "User-Agent": "prometheus"})
    lines = set(core.heads[0].lower().split(b"\r\n")[1:])
    assert lines == {b"host: localhost", b"connection: close", b"authorization: bearer hs_x", b"x-api-key: hs_y",
                     b"x-homeostat-project: shop"}  # fmt: skip
    core.close()


def test_a_bug_costs_the_sender_nothing(tmp_path: Path) -> None:
    """Exporters drop what was answered 500 and keep what was answered 503."""
    with running_edge(tmp_path) as edge:
        edge.spool.failure = ZeroDivisionError("a bug")
        spans = b"\x0a\x04\x12\x02\x12\x00"
        status, headers, _ = edge.post("/v1/traces", spans)
        assert (status, headers["retry-after"]) == (503, "1")
        assert 'status="503"} 1' in edge.send("GET", "/metrics?part=edge")[2].decode()
        edge.spool.failure = None
        assert edge.post("/v1/traces", spans)[0] == 200


def test_the_guard_stands_before_every_route(tmp_path: Path) -> None:
    def nobody(app: Any) -> Any:
        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

        return guarded

    spool = MemorySpool()
    app = create_edge(
        Settings(data=tmp_path), spool=spool, guard=nobody, clock=FixedClock(), core_socket=tmp_path / "core.sock"
    )
    with serve(app) as port:
        edge = Running(port, spool, FixedClock())
        for path in [
            *SIGNALS,
            *PLAIN,
            "/api/public/projects",
            "/metrics",
            "/healthz",
            "/readyz",
            "/api/v1/anything",
            "/",
        ]:
            for spelling in (path, path.rstrip("/") + "/"):
                assert edge.send("POST", spelling, b"{}")[0] == edge.send("GET", spelling)[0] == 401
    assert not spool.envelopes


def test_websockets_are_closed(tmp_path: Path) -> None:
    app = create_edge(
        Settings(data=tmp_path),
        spool=MemorySpool(),
        guard=everybody,
        clock=FixedClock(),
        core_socket=tmp_path / "core.sock",
    )
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(app({"type": "websocket", "path": "/v1/traces"}, receive, send))
    assert said == [{"type": "websocket.close", "code": 1008}]


def test_what_was_in_flight_is_answered_at_the_end(tmp_path: Path) -> None:
    answers: list[int] = []
    with running_edge(tmp_path) as edge:
        edge.spool.gate = threading.Event()
        sender = threading.Thread(
            target=lambda: answers.append(edge.post("/v1/traces", b"\x0a\x04\x12\x02\x12\x00")[0])
        )
        sender.start()
        until(lambda: b"inflight_requests 1\n" in edge.send("GET", "/metrics?part=edge")[2])
        threading.Timer(0.2, edge.spool.gate.set).start()
    sender.join(120)
    assert answers == [200]


def test_a_real_edge_over_a_data_directory(tmp_path: Path) -> None:
    """Guard, clock and spool of the real program: accepted is on disk, and sealed when it ends."""
    settings = Settings(data=tmp_path / "data", segment_seconds=60)
    Folder(settings.data).prepare()  # as `homeostat up` does
    with open_edge(settings) as app, serve(app) as port:
        edge = Running(port, MemorySpool(), FixedClock())
        assert edge.post("/v1/traces/", b"\x0a\x04\x12\x02\x12\x00")[0] == 200
        status, _, body = edge.post("/api/v1/signals", b'{"name":"thumbs","value":1,"user_id":"u"}', "application/json")
        assert status == 202, body
        assert edge.send("GET", "/healthz")[0] == 200
        assert edge.send("GET", "/api/v1/nothing-here")[0] == 404
    [sealed] = segment.sealed(tmp_path / "data" / "spool")
    records = list(envelope.decode(sealed.path.read_bytes()))
    assert [(r.envelope.part.name, r.envelope.items, r.envelope.project) for r in records] == [
        ("TRACES", 1, "default"),
        ("FACTS", 1, "default"),
    ]
