"""T6: whichever parts are stopped, however they stop, warm or cold: production calls flow, by the last known policy.

The edge as it runs, on a data directory, in this process; the parts around it are broken one by one and together.
`tests/live/test_fail_open.py` does it to the real program.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.doors import keys
from homeostat.loop.edge import open_edge
from homeostat.records import policy as policies
from homeostat.records import release as releases
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.records.visitor import SCOPES
from homeostat.store import control
from tests.gateway.fake import Fake
from tests.loop.serving import Running, serve, until

#: What a gateway call might lean on. The core also holds judges, notifiers, the API and the page: they end with it.
PARTS = ("core", "ledger", "warehouse", "spool", "snapshot")
HOW = ("refuses", "swallows", "slow")
CELLS = [
    (stopped, how, start)
    for size in range(len(PARTS) + 1)
    for stopped in itertools.combinations(PARTS, size)
    for how in (HOW if "core" in stopped else HOW[:1])
    for start in ("warm", "cold")
]
SLOW = 5.0


@dataclass
class FakeCore:
    """What listens on the core's socket: well, or in one of the ways to be ill."""

    path: Path
    how: str = "well"
    _loop: Any = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()
        self.path.parent.mkdir(parents=True, exist_ok=True)

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            with contextlib.suppress(asyncio.CancelledError):
                async with await asyncio.start_unix_server(self._talk, str(self.path)) as server:
                    ready.set()
                    await server.serve_forever()

        self._thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        self._thread.start()
        assert ready.wait(60)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if self.how == "swallows":
                await reader.read()
            if self.how == "slow":
                await asyncio.sleep(SLOW)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            await writer.drain()
        writer.close()

    def stop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(self._loop)])
            self._thread.join(60)
        self.path.unlink(missing_ok=True)


@dataclass
class Place:
    """A data directory, and what can be taken away from it."""

    root: Path
    provider: Fake
    core: FakeCore = field(init=False)
    keys: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.core = FakeCore(self.root / "control" / "core.sock")
        pepper = control.pepper(self.root / "control")
        known = {}
        for name in ("good", "revoked"):
            made = keys.make(pepper)
            self.keys[name] = made.text
            known[made.id] = PublishedKey(made.id, made.hash, "default", SCOPES, revoked=name == "revoked")
        self.keys["unseen"] = keys.make(pepper).text
        policy = Policy("default", 1, reshaped([], {"A": 1.0}))
        document = {
            "version": 1,
            "routes": {"default": policies.as_json(policy)},
            "releases": {"A": releases.as_json(Release("A", model="model-a"))},
        }
        snapshot = Snapshot(1, "2026-01-01", known, frozenset({"default"}), policies={"default": document})
        control.publish(self.root / "control", snapshot)
        with contextlib.closing(sqlite3.connect(self.root / "ledger.db")) as ledger:
            ledger.execute("create table some (thing)")
        (self.root / "warehouse").mkdir()

    def break_(self, part: str, how: str) -> None:
        """Take one part away. The spool's folder becomes a file: nobody can write into it, not even root."""
        if part == "core":
            self.core.how = how
            if how == "refuses":
                self.core.stop()
            return
        path = {"ledger": "ledger.db", "warehouse": "warehouse", "spool": "spool", "snapshot": "control/snapshot.json"}
        what = self.root / path[part]
        aside = what.with_name(what.name + ".aside")
        if what.exists():
            what.rename(aside)
            self._undo.callback(aside.rename, what)
        what.write_bytes(b"\x00 nothing that anybody can read")
        self._undo.callback(what.unlink)

    def mend(self) -> None:
        self._undo.close()
        self.core.stop()
        self.core.how = "well"
        self.core.start()

    def send(self, path: str, key: str = "good", *, stream: bool = False) -> tuple[int, dict[str, str], bytes]:
        edge = Running(self.port, None, None)  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {self.keys[key]}", "content-type": "application/json"}
        if path.startswith("/v1/"):
            body = json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]})
            return edge.send("POST", path, body.encode(), headers)
        return edge.send("GET", path, None, headers)

    def ready(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.send("/readyz")[2])
        return answer


@contextlib.contextmanager
def open_(place: Place) -> Iterator[None]:
    """The edge over it, strict about keys. What it does to its process is undone: here it is a guest."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    interval = sys.getswitchinterval()
    settings = Settings(data=place.root, upstream=place.provider.url, auth="required")
    try:
        with open_edge(settings) as app, serve(app) as place.port:
            yield
    finally:
        sys.setswitchinterval(interval)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def check(place: Place, stopped: tuple[str, ...], how: str, start: str) -> float:
    """Calls flow; who must not come in does not; what it says of itself is so. Returns the slowest call, in seconds."""
    knows = "snapshot" not in stopped or start == "warm"
    slowest = 0.0
    for number in range(6):
        begun = time.monotonic()
        status, headers, body = place.send("/v1/chat/completions", stream=number % 2 == 1)
        slowest = max(slowest, time.monotonic() - begun)
        if knows:
            assert (status, headers["x-homeostat-release"], b"quick" in body) == (200, "A", True), body
        else:
            assert (status, json.loads(body)["error"]["code"]) == (503, "keys_unavailable")
    away = "core" in stopped and how == "refuses"
    assert place.send("/v1/chat/completions", "unseen")[0] == (503 if away or not knows else 401)
    assert place.send("/v1/chat/completions", "revoked")[0] == (401 if knows else 503)
    said = place.ready()
    if "core" in stopped:
        assert said["core"] == "away"
    assert (said["spool"] in ("ok", "warn")) == ("spool" not in stopped or said["spool"] == "ok"), said
    assert said["status"] != "ready" if "core" in stopped or said["spool"] == "broken" else True
    return slowest


def run(root: Path, provider: Fake, stopped: tuple[str, ...], how: str, start: str) -> float:
    """One cell: break, call, mend; soon all is well again, without a restart."""
    place = Place(root, provider)
    place.core.start()
    try:
        if start == "cold":
            for part in stopped:
                place.break_(part, how)
        with open_(place):
            if start == "warm":
                assert place.send("/v1/chat/completions")[0] == 200
                for part in stopped:
                    place.break_(part, how)
                time.sleep(0.3)  # the snapshot is looked at five times a second
            slowest = check(place, stopped, how, start)
            place.mend()
            until(lambda: place.ready()["status"] == "ready")
            until(lambda: place.send("/v1/chat/completions")[1].get("x-homeostat-release") == "A")
            until(lambda: place.send("/v1/chat/completions", "unseen")[0] == 401)  # looked up once a second
        return slowest
    finally:
        place.core.stop()


@pytest.fixture
def provider() -> Iterator[Fake]:
    one = Fake().start()
    yield one
    one.stop()


ALWAYS = [
    ((), "refuses", "warm"),
    (PARTS, "refuses", "warm"),
    (PARTS, "swallows", "cold"),
    (PARTS[:-1], "slow", "cold"),
    (PARTS[:-1], "refuses", "cold"),
]


@pytest.mark.parametrize(("stopped", "how", "start"), [*ALWAYS, *random.Random(6).sample(CELLS, 8)], ids=str)
def test_calls_flow(tmp_path: Path, provider: Fake, stopped: tuple[str, ...], how: str, start: str) -> None:
    run(tmp_path, provider, stopped, how, start)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_calls_flow_whatever_is_stopped(tmp_path: Path, provider: Fake) -> None:
    slowest = {}
    for number, cell in enumerate(CELLS):
        root = tmp_path / str(number)
        root.mkdir()
        slowest[cell] = run(root, provider, *cell)
        shutil.rmtree(root)
    worst = max(slowest, key=lambda cell: slowest[cell])
    well, ill = 1000 * slowest[(), "refuses", "warm"], 1000 * slowest[worst]
    print(f"{len(CELLS)} cells; slowest call {ill:.0f} ms in {worst}; {well:.0f} ms with nothing stopped")
