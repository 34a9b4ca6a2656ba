"""P16 and T10: a rollback counts within a second, with the core and without it, and survives whatever is killed."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.harness import HOMEOSTAT, Server, serving
from tests.loop.serving import within_a_second
from tests.seeds import seeded

pytestmark = pytest.mark.live
STEERING = ("policy.put", "rollback", "rollback.overtaken")


def put(server: Server, shares: dict[str, float], version: int, route: str = "default") -> tuple[int, Any]:
    body = json.dumps({"shares": shares, "version": version}).encode()
    headers = {"content-type": "application/json"}
    status, answer = server.request("PUT", f"/api/v1/policies/{route}", body, headers)
    return status, json.loads(answer)


def prepared(server: Server) -> None:
    """Releases A and B, and A at 90 %, B at 10 %."""
    for name in "AB":
        assert server.post("/api/v1/releases", {"name": name, "model": f"model-{name}"})[0] == 201
    assert put(server, {"A": 90, "B": 10}, 0)[0] == 201


def obeyed(server: Server) -> dict[str, float]:
    """What the edge obeys; it answers this with the core away too."""
    shares: dict[str, float] = server.json("/api/v1/routing")["routes"]["default"]["shares"]
    return shares


def obeys(server: Server, shares: dict[str, float]) -> None:
    """Within a second."""
    within_a_second(lambda: obeyed(server) == shares)


def command(server: Server, *arguments: str, code: int = 0, url: str = "") -> Any:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    env |= {"HOMEOSTAT_URL": url or server.url, "HOMEOSTAT_DATA": str(server.data)}
    done = subprocess.run(
        [HOMEOSTAT, *arguments, "--json"], capture_output=True, text=True, check=False, timeout=120, env=env
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return json.loads(done.stdout) if code == 0 else done.stderr


def changes(server: Server) -> list[tuple[str, str]]:
    """(action, actor) of what the audit log says about the route, oldest first."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = server.json("/api/v1/audit?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    return [(item["action"], item["actor"]) for item in reversed(items) if item["action"] in STEERING]


@contextmanager
def without_core(server: Server) -> Iterator[None]:
    """The core is killed, and again as soon as it is there, until the end of the block."""
    done = threading.Event()
    killed = threading.Event()

    def hold_down() -> None:
        while not done.is_set():
            child = server.children().get("core")
            if child is not None:
                os.kill(child.pid, signal.SIGKILL)
                killed.set()
            done.wait(0.02)

    thread = threading.Thread(target=hold_down)
    thread.start()
    try:
        assert killed.wait(60)
        yield
    finally:
        done.set()
        thread.join(60)


@contextmanager
def by_the_core(
    folder: Path, reason: str, before: Callable[[Server], Any] = lambda _: None, **settings: str
) -> Iterator[tuple[Server, Any, Any]]:
    """A server whose core has just rolled back, its answer, and what was made before.

    A core that is kept busy for longer than the edge waits is as good as none: then another server is tried.
    """
    for attempt in range(10):
        with serving(folder / f"data-{attempt}", **settings) as server:
            prepared(server)
            obeys(server, {"A": 0.9, "B": 0.1})
            made = before(server)
            answer = command(server, "rollback", "--reason", reason)
            if not answer["override"]:
                yield server, answer, made
                return
    raise AssertionError("no core answered in time")


def test_rollback_with_and_without_a_core(tmp_path: Path) -> None:
    with by_the_core(tmp_path, "B is rude") as (server, answer, _):
        # With the core.
        assert (answer["to"], answer["override"], answer["policy"]["version"]) == ("A", False, 2)
        obeys(server, {"A": 1.0})
        assert changes(server) == [("policy.put", "operator"), ("rollback", "operator")]
        assert put(server, {"B": 100}, 2)[0] == 200
        obeys(server, {"B": 1.0})

        # Without it: obeyed at once, and after kill -9 of everything, cold.
        with without_core(server):
            answer = command(server, "rollback", "--reason", "B is rude again")
            assert (answer["to"], answer["override"], answer["changed"]) == ("A", True, True)
            obeys(server, {"A": 1.0})
            assert server.get("/api/v1/policies")[0] == 503
            server.kill("edge")
            obeys(server, {"A": 1.0})
        server.kill("all")
        server.start()
        obeys(server, {"A": 1.0})
        policy = server.json("/api/v1/policies/default")
        assert (policy["version"], policy["reason"], policy["history"][0]["action"]) == (
            4, "B is rude again", "rollback",
        )  # fmt: skip
        assert changes(server)[2:] == [("policy.put", "operator"), ("rollback", "operator")]
        assert list((server.data / "control" / "overrides").iterdir()) == []

        # Without any server.
        assert put(server, {"B": 100}, 4)[0] == 200
        server.kill("all")
        nobody = "http://127.0.0.1:9"
        assert "homeostat up" in command(server, "rollback", code=3, url=nobody)
        answer = command(server, "rollback", "--data", str(server.data), url=nobody)
        assert (answer["to"], answer["override"]) == ("A", True)
        server.start(wait=False)
        server.wait_ready()
        obeys(server, {"A": 1.0})
        assert len([action for action, _ in changes(server) if action == "rollback"]) == 3
        assert server.stop() == 0


def test_a_core_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """The edge asks it, writes the override, and both count as one when it wakes up."""
    with serving(tmp_path / "data") as server:
        prepared(server)
        obeys(server, {"A": 0.9, "B": 0.1})
        core = server.children()["core"]
        os.kill(core.pid, signal.SIGSTOP)
        try:
            status, answer = server.post("/api/v1/policies/default/rollback", {})
            assert (status, answer["override"]) == (200, True)
            assert obeyed(server) == {"A": 1.0}
        finally:
            os.kill(core.pid, signal.SIGCONT)
        end = time.monotonic() + 120
        while server.json("/api/v1/policies/default")["version"] == 1 and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(0.5)
        assert [action for action, _ in changes(server)] == ["policy.put", "rollback"]
        assert obeyed(server) == {"A": 1.0}


def race(server: Server, rounds: int) -> None:
    """Two admins change the same version at the same moment, again and again."""
    version = server.json("/api/v1/policies/default")["version"]
    start = threading.Barrier(2, timeout=60)
    outcomes: list[list[tuple[int, Any]]] = [[], []]

    def admin(number: int) -> None:
        for step in range(rounds):
            start.wait()
            outcomes[number].append(put(server, {"AB"[number]: 1}, version + step))
            start.wait()

    admins = [threading.Thread(target=admin, args=(number,)) for number in range(2)]
    for thread in admins:
        thread.start()
    for thread in admins:
        thread.join(600)
    assert len(outcomes[0]) == len(outcomes[1]) == rounds
    wins = [0, 0]
    for step, pair in enumerate(zip(*outcomes, strict=True)):
        assert sorted(status for status, _ in pair) == [200, 409], (step, pair)
        winner, loser = sorted(pair, key=lambda each: each[0])
        assert loser[1]["error"]["code"] == "conflict"
        assert loser[1]["current"]["version"] == winner[1]["version"] == version + step + 1
        wins[pair.index(winner)] += 1
    print(f"wins: {wins}")
    history = server.json("/api/v1/policies/default?limit=1000")["history"]
    assert [each["version"] for each in history] == list(range(version + rounds, 0, -1))[:1000]
    assert [action for action, _ in changes(server)] == ["policy.put"] * (rounds + version)


def test_two_admins_racing(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        prepared(server)
        race(server, 50)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_two_admins_racing_a_thousand_times(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        prepared(server)
        race(server, 1000)


def told(server: Server, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """The answer; status 0: whoever should have answered was killed."""
    try:
        status, answer = server.request(
            method, path, json.dumps(body).encode(), {"content-type": "application/json"}, timeout=60
        )
        return status, json.loads(answer)
    except (OSError, http.client.HTTPException, ValueError):
        return 0, None


def settled(server: Server) -> dict[str, float]:
    """What edge and ledger agree on, when both are back."""
    if server.process is None:
        server.start(wait=False)
    server.wait_ready()
    end = time.monotonic() + 120
    while True:
        shares: dict[str, float] = server.json("/api/v1/policies/default")["shares"]
        if obeyed(server) == shares:
            return shares
        assert time.monotonic() < end, (obeyed(server), shares)
        time.sleep(0.05)


def toggles(server: Server, seed: int, rounds: int, kill: float) -> dict[str, int]:
    """Promote B, roll back to A, and so on, while parts are killed: what was acknowledged last is what is obeyed."""
    rng = random.Random(seed)
    figures = {"acknowledged": 0, "overrides": 0, "kills": 0, "uncertain": 0}
    last = settled(server)
    for step in range(rounds):
        wanted = {"B": 1.0} if step % 2 == 0 else {"A": 1.0}
        if wanted == {"B": 1.0}:
            settled(server)
        killer = threading.Timer(rng.uniform(0, 0.05), server.kill, [rng.choice(("edge", "core", "core", "all"))])
        killed = rng.random() < kill
        if killed:
            killer.start()
        if wanted == {"B": 1.0}:
            status, now = told(server, "GET", "/api/v1/policies/default", {})
            if status == 200:
                body = {"shares": wanted, "version": now["version"]}
                status, answer = told(server, "PUT", "/api/v1/policies/default", body)
        else:
            status, answer = told(server, "POST", "/api/v1/policies/default/rollback", {"to": "A"})
            figures["overrides"] += bool(status == 200 and answer["override"])
        if killed:
            killer.join()
            figures["kills"] += 1
        if status == 200:
            last = wanted
            figures["acknowledged"] += 1
            if killed:
                assert settled(server) == last, (step, status)
            else:
                obeys(server, last)
        else:
            figures["uncertain"] += 1
            found = settled(server)
            assert found in (last, wanted), (step, status, found, last)
            last = found
    assert settled(server) == last
    return figures


def test_toggles_with_kills(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        prepared(server)
        figures = toggles(server, 7, 20, 0.3)
        assert figures["kills"] >= 3 and figures["acknowledged"] >= 10, figures


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_a_thousand_toggles_with_kills(tmp_path: Path) -> None:
    seed = seeded(3)
    with serving(tmp_path / "data") as server:
        prepared(server)
        print(f"seed {seed}: {toggles(server, seed, 1000, 0.15)}", flush=True)
