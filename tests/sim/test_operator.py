"""A given server: only where the practice world cannot mix with anything, and as the story needs it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from homeostat.sim import story
from homeostat.sim.operator import Given, served
from homeostat.sim.product import Refused
from homeostat.sim.scenario import named
from homeostat.sim.world import World


@contextmanager
def server(items: list[Any], *, clock: bool = False) -> Iterator[str]:
    """What a server says that has these exchanges."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, {"items": items, "next": None})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._say(400 if clock else 404, {})

        def _say(self, status: int, said: Any) -> None:
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{listener.server_address[1]}"
    listener.shutdown()
    listener.server_close()
    thread.join()


def test_a_project_with_exchanges_is_left_alone() -> None:
    world, no = World(named("verbose"), 7), pytest.raises(Refused, match=r"has exchanges already.*key create")
    with server([{"id": "1"}]) as url, no, served(world, Given(url), clock="live"):
        pass


def test_headless_the_world_must_drive_the_clock() -> None:
    world, no = World(named("verbose"), 7), pytest.raises(Refused, match=r"follows the calendar.*--clock world")
    with server([]) as url, no, served(world, Given(url)):
        pass
    with server([], clock=True) as url, served(world, Given(url)) as (there, product, model):
        assert there == url and product.drives and model is None


def test_a_server_that_is_gone_is_said_in_words() -> None:
    with server([]) as url:
        pass
    world, no = World(named("verbose"), 7), pytest.raises(Refused, match=r"no answer from http.*the server is gone")
    with no, served(world, Given(url)):
        pass


def test_the_command_is_named_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / ".venv" / "bin"
    place.mkdir(parents=True)
    (place / "homeostat").touch(0o755)
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    monkeypatch.setenv("PATH", "")
    assert story.program() == str(place / "homeostat")
    monkeypatch.chdir(tmp_path)
    assert story.program() == ".venv/bin/homeostat"
    monkeypatch.setenv("PATH", str(place))
    assert story.program() == "homeostat"
