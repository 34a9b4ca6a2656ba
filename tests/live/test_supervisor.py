"""The supervisor: what dies comes back, later each time; nothing outlives it; the exit codes say what happened."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.live.harness import Server, ended, serving
from tests.live.spans import body, send

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("supervised") / "data") as started:
        yield started


def other(server: Server, name: str, than: int, seconds: float = 120) -> int:
    """The pid of the next process of that name."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        child = server.children().get(name)
        if child is not None and child.pid != than:
            return child.pid
        time.sleep(0.02)
    raise AssertionError(f"{name} was not started again:\n{server.log()[-2000:]}")


@pytest.mark.parametrize("name", ["edge", "core"])
def test_what_dies_comes_back_later_each_time(server: Server, name: str) -> None:
    beside = "core" if name == "edge" else "edge"
    kept = server.children()[beside].pid
    pid = server.children()[name].pid
    for _ in range(4):
        os.kill(pid, signal.SIGKILL)
        pid = other(server, name, pid)
    server.wait_ready()
    delays = re.findall(rf"{name} ended \(signal SIGKILL\), starting it again in ([\d.]+) s", server.log())
    assert delays == ["0.1", "0.2", "0.4", "0.8"]
    assert server.children()[beside].pid == kept, "the other one is left alone"
    send(server, body({}))
    server.drain()


def test_connections_wait_while_the_edge_is_away(server: Server) -> None:
    """The supervisor holds the port: a client that comes meanwhile is served a little later, not refused."""
    server.kill("edge")
    assert server.get("/healthz")[0] == 200


@pytest.mark.parametrize("moment", [0.0, 0.25, pytest.param(1.0, marks=pytest.mark.nightly)])
def test_nothing_outlives_a_killed_supervisor(server: Server, moment: float) -> None:
    """Also not a child that has just been started: port and locks are free at once, a start right after works."""
    if moment:
        server.kill("edge")
        server.kill("core")
        time.sleep(moment)
    children = list(server.children().values())
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(60)
    begun = time.monotonic()
    for child in children:
        ended(child)
    assert moment < 1 or time.monotonic() - begun < 1, "where nobody else keeps the machine busy"
    server.start()
    send(server, body({}))
    server.drain()


@pytest.mark.nightly
def test_a_child_that_hangs_cannot_stop_the_stop(server: Server) -> None:
    """A stopped core takes no signal; the supervisor ends everything, and says that it was not clean."""
    core = server.children()["core"]
    with contextlib.suppress(psutil.Error):
        os.kill(core.pid, signal.SIGSTOP)
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(120)
    server.process = None
    ended(core)
    assert code == 1
    server.start()
    assert server.stop() == 0
    server.start()


def test_ctrl_c_is_a_clean_end(server: Server) -> None:
    """The terminal sends the signal to the whole group, so edge and core get it as well."""
    assert server.process is not None
    for process in (psutil.Process(server.process.pid), *server.children().values()):
        process.send_signal(signal.SIGINT)
    assert server.process.wait(120) == 0
    server.process = None
    server.start()


def test_a_hangup_is_an_end(tmp_path: Path) -> None:
    """The terminal is closed: nobody is left behind."""
    with serving(tmp_path / "data") as server:
        children = list(server.children().values())
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        server.process.wait(120)
        for child in children:
            ended(child)
        server.process = None


def test_the_core_steps_back_behind_the_edge(server: Server) -> None:
    children = server.children()
    core, edge = children["core"], children["edge"]
    assert core.nice() == min(19, edge.nice() + 5)
    assert os.getsid(core.pid) == core.pid != os.getsid(edge.pid)
