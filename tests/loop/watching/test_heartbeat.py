"""Silence is the message: calls while all is well, none otherwise, and nobody waits for the receiver."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from homeostat.loop.watching.heartbeat import Heartbeat


@contextmanager
def receiving(status: int = 200, hangs: threading.Event | None = None) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            if hangs is not None:
                hangs.wait(60)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ping", seen
    finally:
        server.shutdown()


def settled(heart: Heartbeat) -> None:
    assert heart._thread is not None
    heart._thread.join(120)
    assert not heart._thread.is_alive()


def test_it_beats_while_all_is_well_and_no_more_often_than_told() -> None:
    with receiving() as (url, seen):
        heart = Heartbeat(url, every=3_600)
        heart.beat(well=False)
        assert heart._thread is None
        for _ in range(5):
            heart.beat(well=True)
        settled(heart)
        assert seen == ["/ping"]
        assert heart.state() == {"configured": True, "sent": 1, "error": ""}
        heart.every = 0.0
        heart.beat(well=False)
        assert len(seen) == 1, "what is not well is silent"


def test_a_receiver_that_refuses_or_is_gone_is_told_without_its_address() -> None:
    with receiving(500) as (url, _):
        heart = Heartbeat(url)
        heart.beat(well=True)
        settled(heart)
        assert heart.state()["error"] == "it answered 500"
    gone = Heartbeat(url)
    gone.beat(well=True)
    settled(gone)
    assert "cannot be reached" in gone.error and "127.0.0.1" not in gone.error


def test_nobody_waits_for_a_receiver_that_hangs() -> None:
    goes_on = threading.Event()
    with receiving(hangs=goes_on) as (url, seen):
        heart = Heartbeat(url, every=0.0)
        for _ in range(50):
            heart.beat(well=True)
        assert heart.sent == 0, "the calls came back before it answered"
        goes_on.set()
        settled(heart)
        assert seen == ["/ping"], "one call at a time"
