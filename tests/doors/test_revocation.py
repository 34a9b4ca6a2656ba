"""From the ledger to the door: a key made, used, revoked; with the core's parts gone, and from a cold start."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from homeostat.config import Settings
from homeostat.doors import keys
from homeostat.doors.guard import VISITOR, Guard
from homeostat.records.visitor import Scope
from homeostat.store import control
from homeostat.store.ledger import Ledger, published
from homeostat.store.ledger import keys as ledger_keys


class CoreSide:
    """What a core does with keys."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "control"
        self.pepper = control.pepper(self.folder)
        self.ledger = Ledger(f"sqlite:///{data}/ledger.db", seal=self.pepper)
        self.ledger.upgrade()

    def make(self, scope: Scope, expires: datetime | None = None) -> keys.NewKey:
        new = keys.make(self.pepper)
        ledger_keys.create(
            self.ledger, id=new.id, hash=new.hash, project="p", scopes=[scope], at=datetime.now(UTC), actor="operator",
            expires=expires,
        )  # fmt: skip
        self.publish()
        return new

    def revoke(self, id: str) -> None:
        assert ledger_keys.revoke(self.ledger, id, project="p", at=datetime.now(UTC), actor="operator")
        self.publish()

    def publish(self) -> None:
        assert control.publish(self.folder, published.snapshot(self.ledger, at=datetime.now(UTC)))


async def inside(scope: Any, _receive: Any, send: Any) -> None:
    body = scope[VISITOR].project.encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})


@contextmanager
def edge_side(folder: Path) -> Iterator[http.client.HTTPConnection]:
    """An edge that has the control folder only, on a real port."""
    guard = Guard(
        inside,
        snapshot=control.Reader(folder),
        settings=Settings(auth="required"),
        tell_used=partial(control.tell_used, folder),
    )
    server = uvicorn.Server(
        uvicorn.Config(guard, log_level="critical", lifespan="off", access_log=False, http="httptools")
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=10)
        try:
            yield connection
        finally:
            connection.close()
            server.should_exit = True
            thread.join(10)


def ask(connection: http.client.HTTPConnection, key: str) -> tuple[int, bytes]:
    connection.request("GET", "/metrics", headers={"authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def seconds_until(connection: http.client.HTTPConnection, key: str, status: int) -> float:
    """How long until the door answers this; fails after five seconds."""
    begun = time.monotonic()
    while time.monotonic() - begun < 5:
        if ask(connection, key)[0] == status:
            return time.monotonic() - begun
        time.sleep(0.01)
    pytest.fail(f"not {status} within five seconds")


def test_a_key_lives_and_ends_within_a_second(tmp_path: Path) -> None:
    core = CoreSide(tmp_path)
    with edge_side(core.folder) as connection:
        first, second = core.make("read"), core.make("ingest")
        assert seconds_until(connection, first.text, 200) < 1
        assert ask(connection, first.text) == (200, b"p")
        assert ask(connection, second.text)[0] == 403
        core.revoke(first.id)
        assert seconds_until(connection, first.text, 401) < 1
        short = core.make("read", datetime.now(UTC) + timedelta(seconds=0.8))
        assert seconds_until(connection, short.text, 200) < 0.8
        assert seconds_until(connection, short.text, 401) < 1.5
    used = control.used(core.folder)
    assert set(used) >= {first.id}
    ledger_keys.used(core.ledger, used)
    assert {key.id for key in ledger_keys.listed(core.ledger, "p") if key.last_used} >= {first.id}


def test_a_cold_start_needs_the_folder_only(tmp_path: Path) -> None:
    core = CoreSide(tmp_path)
    good, revoked = core.make("read"), core.make("read")
    core.revoke(revoked.id)
    core.ledger.close()
    for file in tmp_path.iterdir():
        if file.is_file():
            file.unlink()
    with edge_side(core.folder) as connection:
        assert ask(connection, good.text)[0] == 200
        assert ask(connection, revoked.text)[0] == 401
