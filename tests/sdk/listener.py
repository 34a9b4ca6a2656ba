"""A server that only listens: what it was sent, and answers as it is told."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from homeostat.sdk.runtime import SCOPE


class Listener:
    """`status` may be changed while it runs; `document` is the routing document."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.spans: list[Any] = []
        self.ours: list[Any] = []
        """Those that we made: Anthropic's client tells its calls itself, too."""
        self.resources: list[dict[str, Any]] = []
        self.facts: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answers: list[tuple[float, int]] = []
        """When, and with what status."""
        self.document: dict[str, Any] = {"version": 0, "routes": {}, "releases": {}}
        self.asked = self.waiting = 0
        """Questions for it so far, and those that are not answered yet because nothing has changed."""
        self.changed = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                status = listener.status
                listener.answers.append((time.monotonic(), status))
                listener.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                self._answer(status, listener.take(self.path, body) if status == 200 else b"", listener.headers)

            def do_GET(self) -> None:
                asked = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
                if not self.path.startswith("/api/v1/routing"):
                    self._answer(404, b"{}", {})
                    return
                with listener.changed:
                    listener.asked += 1
                    listener.waiting += 1
                    listener.changed.notify_all()
                    listener.changed.wait_for(
                        lambda: str(listener.document["version"]) != asked.get("after"), float(asked.get("wait", 0))
                    )
                    listener.waiting -= 1
                    document = json.dumps(listener.document).encode()
                self._answer(listener.status, document, listener.headers)

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def take(self, path: str, body: bytes) -> bytes:
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                self.resources.append(attributes(resource.resource))
                for scope in resource.scope_spans:
                    self.spans += scope.spans
                    self.ours += scope.spans if scope.scope.name == SCOPE else ()
            return b""
        self.facts += [(path.rpartition("/")[2], fact) for fact in json.loads(body)]
        return b'{"accepted": 1}'

    def publish(self, document: dict[str, Any]) -> None:
        with self.changed:
            self.document = document
            self.changed.notify_all()

    def named(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Attributes of the span of that name, when it came."""
        return attributes(self.span(name, seconds))

    def span(self, name: str, seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for span in self.spans:
                if span.name == name:
                    return span
            time.sleep(0.01)
        raise AssertionError(f"no span {name}: {[span.name for span in self.spans]}")


def attributes(holder: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in holder.attributes:
        which = each.value.WhichOneof("value")
        value: Any = getattr(each.value, which) if which else None
        found[each.key] = [inner.string_value for inner in value.values] if which == "array_value" else value
    return found


@contextmanager
def listening(port: int = 0) -> Iterator[Listener]:
    listener = Listener(port)
    thread = threading.Thread(target=listener.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.server.shutdown()
        listener.server.server_close()
