"""A judge's endpoint on loopback that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Asked = dict[str, Any]
#: What to answer: a status, a body (anything but bytes becomes JSON), headers.
Answered = tuple[int, Any, Mapping[str, str]]


@dataclass
class Endpoint:
    """Its address, everything that it was asked, and how many questions it had in hand at once."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def listening(answer: Callable[[Asked, int], Answered]) -> Iterator[Endpoint]:
    """`answer` gets the body and the number of the question, from 1."""
    told = Endpoint("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with told.lock:
                told.asked.append(body)
                told.paths.append(self.path)
                told.headers.append({name.lower(): value for name, value in self.headers.items()})
                number = len(told.asked)
                told.at_once += 1
                told.most_at_once = max(told.most_at_once, told.at_once)
            try:
                status, content, headers = answer(body, number)
            finally:
                with told.lock:
                    told.at_once -= 1
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that gave up are what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def fence_of(body: Asked) -> str:
    """The check word of a question."""
    found = re.search(r"BEGIN (\S+)", body["messages"][-1]["content"])
    assert found
    return found[1]


def verdict(body: Asked, **changes: Any) -> str:
    """A valid answer to a question of any form: full marks, unless changed."""
    system = body["messages"][0]["content"] if body["messages"][0]["role"] == "system" else body.get("system", "")
    best = {"verdict": "NO"} if '"verdict"' in system else {"better": "first"} if '"better"' in system else {"level": 5}
    return json.dumps({"check": fence_of(body), "reasons": "It is so."} | best | changes)


def completion(text: str | None, *, finish: str = "stop", **message: Any) -> Answered:
    """An answer of the OpenAI API."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    return 200, {"id": "x", "object": "chat.completion", "model": "judge", "choices": [choice], "usage": usage}, {}


def well(body: Asked, number: int) -> Answered:
    """Full marks for everything."""
    return completion(verdict(body))


def slow(seconds: float) -> Callable[[Asked, int], Answered]:
    """Full marks, after a while."""

    def answer(body: Asked, number: int) -> Answered:
        time.sleep(seconds)
        return well(body, number)

    return answer
