"""The edge's own part of steering: routing documents with long poll, and rollback when no core answers."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.loop.edge import create_edge
from homeostat.loop.steering import Steering
from homeostat.records import policy as policies
from homeostat.records.policy import Policy, reshaped
from homeostat.records.snapshot import Snapshot
from homeostat.records.visitor import SCOPES, Visitor
from homeostat.store import control, overrides
from homeostat.store.folder import Folder
from tests.loop.serving import FixedClock, MemorySpool, everybody, serve
from tests.loop.test_proxy import FakeCore, says

POLICY = Policy("default", 3, reshaped([], {"A": 0.9, "B": 0.1}), previous_good="A")


def publish(folder: Folder, policy: Policy = POLICY, version: int = 1, project: str = "tests") -> None:
    document = {
        "version": policy.version,
        "routes": {policy.route: policies.as_json(policy)},
        "releases": {"A": {"name": "A"}, "B": {"name": "B"}},
    }
    control.publish(folder.control, Snapshot(version, "now", {}, policies={project: document}))


@dataclass
class Running:
    """An edge over a control folder of its own."""

    port: int
    folder: Folder
    stopping: threading.Event

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                json.loads(text or "null"),
            )
        finally:
            connection.close()

    def roll_back(self, body: object = None, route: str = "default") -> tuple[int, Any]:
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.ask(f"/api/v1/policies/{route}/rollback", "POST", text)
        return status, answer


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Running]:
    folder = Folder(tmp_path)
    folder.prepare()
    control.pepper(folder.control)
    publish(folder)
    stopping = threading.Event()
    app = create_edge(
        Settings(data=tmp_path), spool=MemorySpool(), guard=everybody, clock=FixedClock(),
        core_socket=folder.core_socket, snapshot=control.Reader(folder.control), stopping=stopping.is_set,
    )  # fmt: skip
    with serve(app) as port:
        yield Running(port, folder, stopping)


def test_the_routing_document(edge: Running) -> None:
    status, headers, document = edge.ask("/api/v1/routing")
    assert (status, headers["etag"], document["version"]) == (200, '"3"', 3)
    assert document["routes"]["default"]["shares"] == {"A": 0.9, "B": 0.1}
    assert edge.ask("/api/v1/routing?after=3")[0] == 304
    assert edge.ask("/api/v1/routing?after=2")[0] == edge.ask("/api/v1/routing?after=99")[0] == 200
    assert edge.ask("/api/v1/routing", headers={"if-none-match": '"3"'})[0] == 304
    status, headers, document = edge.ask("/api/v1/routing", headers={"x-test-project": "other"})
    assert (status, document) == (200, {"version": 0, "routes": {}, "releases": {}})


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=x", "wait=-1", "wait=nan", f"after={'9' * 30}"])
def test_what_makes_no_sense_is_refused(edge: Running, query: str) -> None:
    status, _, answer = edge.ask(f"/api/v1/routing?{query}")
    assert (status, answer["error"]["code"]) == (400, "bad_request")


def test_who_waits_hears_of_the_next_change_and_of_nothing_else(edge: Running) -> None:
    begun = time.monotonic()
    assert edge.ask("/api/v1/routing?after=3&wait=0.3")[0] == 304
    assert time.monotonic() - begun >= 0.3
    heard: list[Any] = []
    waiter = threading.Thread(target=lambda: heard.append(edge.ask("/api/v1/routing?after=3&wait=30")))
    waiter.start()
    time.sleep(0.3)
    publish(edge.folder, version=2)
    time.sleep(0.5)
    assert heard == [], "published again, nothing changed"
    publish(edge.folder, replace(POLICY, version=4), 3)
    waiter.join(60)
    assert heard[0][0] == 200 and heard[0][2]["version"] == 4


def test_nobody_is_kept_waiting_by_a_server_that_ends(edge: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeostat.loop.steering.LONGEST_WAIT", 500.0)
    waiter = threading.Thread(target=edge.ask, args=("/api/v1/routing?after=3&wait=500",), daemon=True)
    waiter.start()
    time.sleep(0.3)
    edge.stopping.set()
    waiter.join(120)
    assert not waiter.is_alive()


def test_thousands_who_wait_cost_one_look(tmp_path: Path) -> None:
    """2,000 clients of 20 projects wait; the snapshot is looked at as if one did, and all hear of the change."""
    looks = 0
    documents = {f"p{number}": {"version": 1, "routes": {}, "releases": {}} for number in range(20)}
    snapshot = Snapshot(1, "now", {}, policies=documents)

    def look() -> Snapshot:
        nonlocal looks
        looks += 1
        return snapshot

    async def client(steering: Steering, number: int) -> int:
        scope = {
            "path": "/api/v1/routing", "headers": [], "query_string": b"after=1&wait=30",
            "homeostat.visitor": Visitor(f"p{number % 20}", SCOPES),
        }  # fmt: skip

        async def send(message: Any) -> None:
            return None

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        return await steering.routing(scope, receive, send)

    async def run() -> list[int]:
        nonlocal looks, snapshot
        steering = Steering(tmp_path, look, FixedClock(), None)  # type: ignore[arg-type]
        clients = [asyncio.create_task(client(steering, number)) for number in range(2000)]
        await asyncio.sleep(0.5)
        before = looks
        await asyncio.sleep(1.1)
        assert looks - before <= 7, "waiting costs a look in a fifth of a second, however many wait"
        snapshot = replace(snapshot, policies={name: {**each, "version": 2} for name, each in documents.items()})
        return await asyncio.gather(*clients)

    assert asyncio.run(run()) == [200] * 2000


def test_without_a_core_an_override_is_written_and_obeyed_at_once(edge: Running) -> None:
    status, answer = edge.roll_back({"reason": "rude"})
    assert (status, answer["to"], answer["override"], answer["changed"]) == (200, "A", True, True)
    document = edge.ask("/api/v1/routing")[2]
    assert (document["routes"]["default"]["shares"], document["version"]) == ({"A": 1.0}, 4)
    (held,) = overrides.listed(edge.folder.control)
    assert (held.against, held.steps[0].reason, held.steps[0].actor) == (3, "rude", "operator")
    again = edge.roll_back()
    assert (again[0], again[1]["changed"]) == (200, False)
    assert edge.roll_back({"to": "B"})[1]["policy"]["version"] == 5
    cold = control.Reader(edge.folder.control)()
    assert cold is not None and cold.policies["tests"]["routes"]["default"]["shares"] == {"B": 1.0}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"), (b"[]", 400, "bad_request"), ({"to": 1}, 400, "bad_request"),
        ({"why": "x"}, 400, "bad_request"), ({"to": "Z"}, 404, "not_found"), (b"x" * 20_000, 400, "bad_request"),
        (b'{"reason": "\\ud800"}', 400, "bad_request"), (b"[" * 10_000, 400, "bad_request"),
    ],
)  # fmt: skip
def test_what_is_no_rollback(edge: Running, body: object, status: int, code: str) -> None:
    told, answer = edge.roll_back(body)
    assert (told, answer["error"]["code"]) == (status, code)
    assert overrides.listed(edge.folder.control) == []


def test_a_route_without_a_policy(edge: Running) -> None:
    status, answer = edge.roll_back(route="mail")
    assert (status, answer["error"]["code"]) == (404, "not_found")


def test_a_full_disk_is_said(edge: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(overrides, "write", full)
    status, answer = edge.roll_back()
    assert (status, answer["error"]["code"]) == (503, "not_now")
    assert "No space" in answer["error"]["message"]


@pytest.mark.parametrize("said", [b"503 Busy", b"500 Broken"])
def test_a_core_that_cannot_is_as_good_as_none(edge: Running, said: bytes) -> None:
    core = FakeCore(edge.folder.core_socket)
    core.behave = says(b"HTTP/1.1 " + said + b"\r\ncontent-length: 2\r\n\r\n{}")
    status, answer = edge.roll_back()
    assert (status, answer["override"]) == (200, True)
    core.close()


@pytest.mark.parametrize("said", [b"200 OK", b"404 No", b"409 No", b"403 No"])
def test_what_the_core_says_counts(edge: Running, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeostat.loop.steering._CORE_SECONDS", 120.0)  # it may take its time here
    core = FakeCore(edge.folder.core_socket)
    core.behave = says(b"HTTP/1.1 " + said + b'\r\ncontent-length: 7\r\n\r\n{"a":1}')
    status, answer = edge.roll_back({"id": "mine", "to": "A"})
    assert (status, answer) == (int(said[:3]), {"a": 1})
    assert overrides.listed(edge.folder.control) == []
    core.close()
