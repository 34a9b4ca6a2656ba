"""T2: the disk is full: nothing acknowledged is lost, nothing crashes, it comes back by itself."""

from __future__ import annotations

import http.client
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from homeostat.loop.core import DAMAGED
from tests.live.disks import crowd, disk, fill, read_only, release
from tests.live.harness import HOMEOSTAT, Oracle, Server, batch, serving
from tests.live.spans import PROTOBUF
from tests.ports import free_port

pytestmark = pytest.mark.live


def ready_again(server: Server, seconds: float = 60) -> float:
    """Seconds until the edge says that what is sent now is kept."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if server.get("/readyz")[0] == 200:
            return time.monotonic() - begun
        time.sleep(0.05)
    raise AssertionError(f"not ready {seconds} s after the room came back:\n{server.log()[-3000:]}")


def probe(server: Server, rng: random.Random) -> tuple[int, str | None]:
    """One body as a client sends it: the status, and when it may come again."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", "/v1/traces", batch(rng, 5)[0], PROTOBUF)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("retry-after")
    finally:
        connection.close()


def refuses_politely(server: Server, seconds: float) -> None:
    """While the disk takes nothing: 503 that says when to come again, and questions are answered.

    Only a core that starts again because the engine lost a write answers none, for as long as that takes.
    """
    rng, seen, asked = random.Random(1), Counter[int](), Counter[int]()
    begun = time.monotonic()
    while time.monotonic() < begun + seconds or seen[503] <= 5:
        assert time.monotonic() < begun + 120, seen
        status, later = probe(server, rng)
        seen[status] += 1
        assert status in (200, 503, 413), status
        if status == 503:
            assert later is not None and 0 < int(later) <= 2
        status, answer = server.get("/api/v1/exchanges?limit=5&kind=all")
        asked[status] += 1
        assert status == 503 or (status == 200 and answer["items"]), (status, answer, server.log()[-3000:])
        time.sleep(0.05)
    assert asked[503] == 0 or lost_writes(server, seconds=60), server.log()[-3000:]


def lost_writes(server: Server, *, seconds: float = 0) -> bool:
    """Whether the core ended, or will soon, because the engine lost a write."""
    end = time.monotonic() + seconds
    while f"core ended (code {DAMAGED})" not in server.log():
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True


def some_are_stored(server: Server) -> None:
    end = time.monotonic() + 120
    while not server.json("/api/v1/exchanges?limit=1&kind=all")["items"]:
        assert time.monotonic() < end, server.log()[-3000:]
        time.sleep(0.05)


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("take", [fill, crowd], ids=["no-room", "no-files"])
def test_a_full_disk_under_load(tmp_path: Path, take: Callable[[Path], Path], times: int) -> None:
    with disk(tmp_path / "disk", 192 + 16 * times, inodes=6000) as folder, serving(folder) as server:
        before = server.children()
        oracle = Oracle(server.port, 21, clients=3, pause=0.1).start()
        took = []
        for _ in range(times):
            reached = len(oracle.acknowledged)
            while len(oracle.acknowledged) < reached + 1000:
                time.sleep(0.05)
            some_are_stored(server)
            other = take(folder)
            refuses_politely(server, 3)
            release(other)
            took.append(ready_again(server))
        assert times == 1 or max(took) < 5, "where nobody else keeps the machine busy"
        reached = len(oracle.acknowledged)
        while len(oracle.acknowledged) < reached + 500:
            time.sleep(0.05)
        oracle.stop()
        figures = oracle.verify(server, own=False)
        print(f"recovered after {took} s: {figures}", flush=True)
        after = {name: child.pid for name, child in server.children().items()}
        assert after["edge"] == before["edge"].pid
        assert after["core"] == before["core"].pid or lost_writes(server)
        assert server.stop() == 0


def test_a_full_disk_at_start(tmp_path: Path) -> None:
    """Data that is there must not be out of reach because the disk is full."""
    with disk(tmp_path / "disk", 192) as folder, serving(folder / "data") as server:
        oracle = Oracle(server.port, 23, clients=2, pause=0.1).start()
        while len(oracle.acknowledged) < 1000:
            time.sleep(0.05)
        oracle.stop()
        server.drain()
        assert server.stop() == 0
        other = fill(folder)
        server.start(wait=False)
        seen = wait_for_edge(server)
        assert seen == 503
        assert probe(server, random.Random(2))[0] == 503
        other.unlink()
        ready_again(server)
        server.wait_ready()
        oracle.verify(server)


def wait_for_edge(server: Server) -> int:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            return server.get("/readyz")[0]
        except OSError:
            assert server.process is not None
            assert server.process.poll() is None, server.log()
            time.sleep(0.05)
    raise AssertionError(server.log())


def refused(data: Path) -> str:
    """`homeostat up` must end by itself, as a matter of usage; what it said."""
    done = subprocess.run(
        [HOMEOSTAT, "up", "--port", str(free_port()), "--data", str(data)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_new_directory_on_a_full_disk_is_refused(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 16) as folder:
        other = fill(folder)
        assert "free some space" in refused(folder / "data")
        other.unlink()
        with serving(folder / "data") as server:  # and nothing half-made stays behind
            assert server.stop() == 0


def test_a_read_only_disk_is_refused(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 16) as folder:
        (folder / "data").mkdir()
        read_only(folder)
        said = refused(folder / "data")
        assert "read-only" in said
        assert str(folder / "data") in said
        assert list((folder / "data").iterdir()) == []
