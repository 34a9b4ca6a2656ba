"""P12 and T6: production calls flow, whatever else is down, warm or cold; only unknown and revoked keys do not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.fake import Fake
from tests.live.disks import disk, read_only
from tests.live.harness import Server, serving
from tests.live.test_acting import BEGIN, move
from tests.live.test_rollback import command, obeys, prepared, without_core
from tests.loop.serving import until

pytestmark = pytest.mark.live
UNSEEN = "hs_" + "B" * 12 + "_" + "A" * 43 + "_56b8acdc"


@pytest.fixture
def provider() -> Iterator[Fake]:
    one = Fake().start()
    yield one
    one.stop()


def call(server: Server, *, key: str = "", stream: bool = False) -> tuple[int, bytes]:
    body = json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    return server.request("POST", "/v1/chat/completions", body, headers)


def flows(server: Server, count: int = 20, **how: Any) -> None:
    """Every call works, streamed or not."""
    for number in range(count):
        status, answer = call(server, stream=number % 2 == 1, **how)
        assert status == 200, answer
        assert b"quick" in answer


def says(server: Server, path: str, word: bytes) -> bool:
    with contextlib.suppress(OSError):
        return word in server.request("GET", path, timeout=10)[1]
    return False


@contextlib.contextmanager
def only_edge(data: Path, **settings: str) -> Iterator[Server]:
    """A gateway and nothing else: no core was ever started beside it."""
    server = Server(data, settings={"role": "gateway", **settings}).start(wait=False)
    try:
        until(lambda: says(server, "/healthz", b"ok"))
        yield server
    finally:
        server.stop()


def test_with_the_core_killed_again_and_again(tmp_path: Path, provider: Fake) -> None:
    with serving(tmp_path / "data", upstream=provider.url) as server:
        flows(server, 4)
        with without_core(server):
            flows(server)
            assert server.get("/readyz")[1]["status"] == "degraded"
        server.wait_ready()
        assert server.drain()["stored"] == 24


def test_with_the_core_stopped_where_it_stands(tmp_path: Path, provider: Fake) -> None:
    """Alive by its process, dead by what it does: worse than away."""
    with serving(tmp_path / "data", upstream=provider.url) as server:
        flows(server, 2)
        core = server.children()["core"].pid
        os.kill(core, signal.SIGSTOP)
        try:
            flows(server)
        finally:
            os.kill(core, signal.SIGCONT)
        assert server.drain()["stored"] == 22


def test_a_fresh_directory_without_a_core(tmp_path: Path, provider: Fake) -> None:
    with only_edge(tmp_path / "data", upstream=provider.url) as server:
        assert "core" not in server.children()
        flows(server)
    with serving(tmp_path / "data", upstream=provider.url) as server:
        assert server.drain()["stored"] == 20, "what it captured is loaded by the first core"


def test_a_cold_start_without_a_core_obeys_the_last_policy_and_knows_the_keys(tmp_path: Path, provider: Fake) -> None:
    """On the world clock, which stands: no minute and no day begins in between."""
    keys = {}
    with serving(tmp_path / "data", upstream=provider.url, clock="world") as server:
        move(server, BEGIN)
        for name in ("good", "revoked", "limited", "spender"):
            keys[name] = server.post("/api/v1/keys", {"name": name, "scopes": ["gateway"]})[1]
        status, _ = server.request("DELETE", f"/api/v1/keys/{keys['revoked']['id']}")
        assert status in (200, 204)
        limits = {
            keys["limited"]["id"]: {"requests_per_minute": 3, "tokens_per_day": 100_000},
            keys["spender"]["id"]: {"usd_per_day": 0.5},
        }
        a_token_a_dollar = {"*": {"input": 1e6, "output": 1e6}}
        body = json.dumps({"settings": {"limits": limits, "prices": a_token_a_dollar}}).encode()
        headers = {"content-type": "application/json"}
        assert server.request("PATCH", "/api/v1/projects/default", body, headers)[0] == 200
        prepared(server)
        obeys(server, {"A": 0.9, "B": 0.1})
        command(server, "rollback", "--to", "B")
        obeys(server, {"B": 1.0})
        assert call(server, key=keys["spender"]["key"])[0] == 200, "what it will cost is not known yet"
        move(server, BEGIN + timedelta(seconds=1), wait=False)
        until(lambda: call(server, key=keys["spender"]["key"])[0] == 429)
    with only_edge(tmp_path / "data", upstream=provider.url, auth="required", clock="world") as server:
        status, answer = call(server, key=keys["spender"]["key"])
        assert (status, b"usd per day" in answer) == (429, True)
        flows(server, key=keys["good"]["key"])
        assert provider.seen[-1].json["model"] == "model-B"
        assert not any("hs_" in value for seen in provider.seen for _, value in seen.headers)
        assert [call(server, key=key)[0] for key in (UNSEEN, keys["revoked"]["key"], "hs_x", "")] == [
            503,
            401,
            401,
            401,
        ]
        assert [call(server, key=keys["limited"]["key"])[0] for _ in range(4)] == [200, 200, 200, 429]
        status, answer = call(server, key=keys["limited"]["key"])
        assert (status, json.loads(answer)["error"]["code"]) == (429, "key_limit")
        error = json.loads(call(server, key=UNSEEN)[1])["error"]
        assert (error["code"], error["type"]) == ("keys_unavailable", "api_error")


def test_a_spool_that_nobody_can_write(tmp_path: Path, provider: Fake) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with disk(data / "spool", 2000) as spool:
        with only_edge(data, upstream=provider.url):
            pass
        read_only(spool)
        with only_edge(data, upstream=provider.url) as server:
            flows(server)
            assert server.get("/readyz")[1]["spool"] == "broken"
            read_only(spool, on=False)
            until(lambda: says(server, "/readyz", b'"spool":"ok"'))
            flows(server, 4)
        assert list(spool.glob("*.seg")), "with room again it is kept"


def test_a_spool_without_room(tmp_path: Path, provider: Fake) -> None:
    with only_edge(tmp_path / "data", upstream=provider.url, spool_bytes="1000") as server:
        for _ in range(3):
            flows(server)
        figures = server.request("GET", "/metrics?part=edge")[1].decode()
        assert 'homeostat_edge_requests_total{route="gateway",status="200"} 60\n' in figures
