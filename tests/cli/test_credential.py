"""Which credential a command shows, and what happens when the server does not know it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from homeostat.cli import client
from homeostat.store import control
from homeostat.store.folder import Folder


class Server(ThreadingHTTPServer):
    """Answers 200 to whoever shows `wanted`; None: to nobody."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.wanted: str | None = ""
        self.seen: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        shown = self.headers.get("authorization", "")
        self.server.seen.append(shown)
        known = shown == self.server.wanted
        body = b"{}" if known else b'{"error": {"code": "no_key", "message": "No key.", "hint": "Make one."}}'
        self.send_response(200 if known else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    folder = Folder(tmp_path / "data")
    folder.prepare()
    control.pepper(folder.control)
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setenv("HOMEOSTAT_URL", f"http://127.0.0.1:{made.server_port}")
    monkeypatch.setenv("HOMEOSTAT_DATA", str(folder.root))
    monkeypatch.delenv("HOMEOSTAT_KEY", raising=False)
    yield made
    made.shutdown()
    made.server_close()


def test_the_operators_token_is_shown_first(server: Server) -> None:
    server.wanted = f"Bearer {client.operator()}"
    assert client.get("/") == {}
    assert server.seen == [server.wanted]


def test_a_token_of_another_server_is_no_reason_to_fail(server: Server) -> None:
    assert client.get("/") == {}
    assert len(server.seen) == 2 and server.seen[1] == ""


def test_who_is_refused_twice_learns_why(server: Server) -> None:
    server.wanted = None
    with pytest.raises(client.Refused, match=r"No key\..*another server's.*HOMEOSTAT_DATA"):
        client.get("/")


def test_a_key_of_ones_own_is_never_left_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEOSTAT_KEY", "hs_mine")
    with pytest.raises(client.Refused, match=r"No key\. Make one\."):
        client.get("/")
    assert server.seen == ["Bearer hs_mine"]


def test_a_token_never_leaves_the_machine(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    assert client.operator()
    monkeypatch.setenv("HOMEOSTAT_URL", "https://elsewhere.example")
    assert client.operator() == ""
