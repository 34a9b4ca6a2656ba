"""Receivers that do what they are told: answer, fail, hang, redirect, talk nonsense. On loopback."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """An HTTP receiver. `script`: what to do with the next requests; when it is empty, `always`."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    script: list[str] = field(default_factory=list)
    always: str = "ok"
    turn: threading.Lock = field(default_factory=threading.Lock)
    hangs: float = 5.0
    """Seconds; over as soon as it is `freed`."""
    freed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def next(self) -> str:
        with self.turn:
            return self.script.pop(0) if self.script else self.always


@contextmanager
def receiving(always: str = "ok") -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(always=always)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.seen.append(Seen(self.command, self.path, headers, self.rfile.read(size)))
            _do(self, receiver.next(), receiver)

        do_GET = do_POST = do_PATCH = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.freed.set()
        server.shutdown()
        server.server_close()


def _do(handler: BaseHTTPRequestHandler, what: str, receiver: Receiver) -> None:
    if what == "hang":
        receiver.freed.wait(receiver.hangs)
        return
    if what == "reset":
        handler.connection.close()
        return
    if what == "drip":
        handler.send_response(200)
        handler.end_headers()
        for _ in range(40):
            handler.wfile.write(b".")
            handler.wfile.flush()
            time.sleep(0.1)
        return
    if what.startswith("->"):
        handler.send_response(302)
        handler.send_header("location", what[2:])
        handler.send_header("content-length", "0")
        handler.end_headers()
        return
    bodies = {"ok": b'{"number": 7, "body": ""}', "garbage": b"\xff\xfe<html>{]"}
    status, _, after = what.partition(" after ")
    body = bodies.get(status, b"canary-secret-of-the-receiver")
    handler.send_response(int(status) if status.isdecimal() else 200)
    if after:
        handler.send_header("retry-after", after)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@dataclass
class Mailbox:
    """An SMTP receiver. `answer`: what it says to a mail's receivers."""

    port: int = 0
    answer: str = "250 ok"
    mails: list[str] = field(default_factory=list)


@contextmanager
def posting(answer: str = "250 ok") -> Iterator[Mailbox]:
    """A mail server on a port of its own."""
    box = Mailbox(answer=answer)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 hello\r\n")
            data = False
            lines: list[str] = []
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                if data:
                    if line == ".":
                        data = False
                        box.mails.append("\n".join(lines))
                        self.wfile.write(b"250 kept\r\n")
                    else:
                        lines.append(line)
                    continue
                verb = line.split(" ")[0].upper()
                if verb == "DATA":
                    data, lines = True, []
                    self.wfile.write(b"354 go on\r\n")
                elif verb == "RCPT":
                    self.wfile.write(f"{box.answer}\r\n".encode())
                elif verb == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    box.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
