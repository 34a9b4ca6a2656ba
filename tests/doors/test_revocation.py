"""From the ledger to the door: a key made, used, revoked; with the core's parts gone, and from a cold start."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from homeostat.config import Settings
from homeostat.doors import keys
from homeostat.doors.guard import VISITOR, Guard
from homeostat.records.visitor import Scope
from homeostat.store import control
from homeostat.store.ledger import Ledger, published
from homeostat.store.ledger import keys as ledger_keys
from tests.loop.serving import within_a_second


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
def edge_side(folder: Path, now: Callable[[], float] = time.time) -> Iterator[http.client.HTTPConnection]:
    """An edge that has the control folder only, on a real port."""
    guard = Guard(
        inside,
        snapshot=control.Reader(folder),
        settings=Settings(auth="required"),
        now=now,
        tell_used=partial(control.tell_used, folder),
    )
    server = uvicorn.Server(
        uvicorn.Config(guard, log_level="critical", lifespan="off", access_log=False, http="httptools")
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=60)
        try:
            yield connection
        finally:
            connection.close()
            server.should_exit = True
            thread.join(60)


def ask(connection: http.client.HTTPConnection, key: str) -> tuple[int, bytes]:
    connection.request("GET", "/metrics", headers={"authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def answers(connection: http.client.HTTPConnection, key: str, status: int) -> None:
    """Within a second."""
    within_a_second(lambda: ask(connection, key)[0] == status)


def test_a_key_lives_and_ends_within_a_second(tmp_path: Path) -> None:
    core = CoreSide(tmp_path)
    later = 0.0
    with edge_side(core.folder, lambda: time.time() + later) as connection:
        first, second = core.make("read"), core.make("ingest")
        answers(connection, first.text, 200)
        assert ask(connection, first.text) == (200, b"p")
        assert ask(connection, second.text)[0] == 403
        core.revoke(first.id)
        answers(connection, first.text, 401)
        short = core.make("read", datetime.now(UTC) + timedelta(hours=1))
        answers(connection, short.text, 200)
        later = 3600.0
        assert ask(connection, short.text)[0] == 401
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
