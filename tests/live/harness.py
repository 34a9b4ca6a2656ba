"""The real program as child processes on loopback, and an oracle that remembers what was acknowledged."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.ports import free_port

HOMEOSTAT = str(Path(sys.executable).parent / "homeostat")


@dataclass
class Server:
    """`homeostat up` on a data directory."""

    data: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, wait: bool = True) -> Server:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("HOMEOSTAT_", "OTEL_"))}
        env |= {f"HOMEOSTAT_{name.upper()}": value for name, value in self.settings.items()}
        log = (self.data.parent / f"{self.data.name}.log").open("ab")
        command = [HOMEOSTAT, "up", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(
            command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        log.close()
        if wait:
            self.wait_ready()
        return self

    def log(self) -> str:
        return (self.data.parent / f"{self.data.name}.log").read_text(errors="replace")

    def wait_ready(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                if self.get("/readyz", timeout=10)[1]["core"] == "ok":
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready after {seconds} s:\n{self.log()[-3000:]}")

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str, timeout: float = 60) -> tuple[int, Any]:
        status, body = self.request("GET", path, timeout=timeout)
        return status, json.loads(body) if body else None

    def json(self, path: str) -> Any:
        status, answer = self.get(path)
        assert status == 200, (status, answer)
        return answer

    def post(self, path: str, value: object) -> tuple[int, Any]:
        status, body = self.request("POST", path, json.dumps(value).encode(), {"content-type": "application/json"})
        return status, json.loads(body) if body else None

    def children(self) -> dict[str, psutil.Process]:
        """Edge and core, as they are now."""
        found: dict[str, psutil.Process] = {}
        if self.process is None:
            return found
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                line = " ".join(child.cmdline())
                for name, module in (("edge", "serve_edge"), ("core", "web.serve")):
                    if module in line:
                        found[name] = child
        return found

    def kill(self, who: str) -> None:
        """SIGKILL the supervisor, the edge, the core, or all of them at once."""
        assert self.process is not None
        targets = self.children()
        pids = {
            "supervisor": [self.process.pid],
            "all": [self.process.pid, *(child.pid for child in targets.values())],
        }.get(who, [targets[who].pid] if who in targets else [])
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if who in ("supervisor", "all"):
            self.process.wait(60)
            for child in targets.values():
                ended(child)
            self.process = None

    def stop(self, seconds: float = 120) -> int:
        """SIGTERM, and the exit code."""
        if self.process is None:
            return 0
        targets = self.children()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            for pid in [self.process.pid, *(child.pid for child in targets.values())]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"did not stop in {seconds} s:\n{self.log()[-3000:]}") from None
        self.process = None
        return code

    def handed_over(self) -> bool:
        """Whether the gateway has given all that it captured to the spool: from then on it is accounted for."""
        return b"\nhomeostat_edge_capture_waiting_bytes 0\n" in self.request("GET", "/metrics?part=edge")[1]

    def drain(self, seconds: float = 60) -> dict[str, Any]:
        """Wait until nothing waits, as long as it gets less; returns the accounting; its difference is 0 (T18)."""
        end = time.monotonic() + seconds
        told: dict[str, Any] = {}
        least = 1 << 63
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                handed_over = self.handed_over()
                status, told = self.get("/api/v1/accounting")
                if status == 200:
                    conserved(told)
                    if told["waiting"] == 0 and handed_over:
                        return told
                    if told["waiting"] < least:
                        least, end = told["waiting"], time.monotonic() + seconds
            time.sleep(0.1)
        raise AssertionError(f"still waiting: {told}\n{self.log()[-3000:]}")

    def exchanges(self, query: str = "") -> list[dict[str, Any]]:
        """Every exchange of a filter, page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.json(f"/api/v1/exchanges?limit=1000&kind=all{query}" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items


def ended(process: psutil.Process, seconds: float = 60) -> None:
    """Wait until it has ended. An orphan may stand in the list for a while after that, until somebody buries it."""
    end = time.monotonic() + seconds
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > end:
                raise AssertionError(f"still there after {seconds} s: {process}")
            time.sleep(0.01)


def conserved(told: dict[str, Any]) -> None:
    """received = stored + waiting + rejected + expired + erased."""
    rejected = sum(told["rejected"].values())
    assert told["received"] == told["stored"] + told["waiting"] + rejected + told["expired"] + told["erased"], told


@contextlib.contextmanager
def serving(data: Path, **settings: str) -> Iterator[Server]:
    """A server for the length of a block; whatever happens, its processes end."""
    server = Server(data, settings=settings).start()
    try:
        yield server
    finally:
        process, targets = server.process, server.children()
        if process is not None:
            with contextlib.suppress(AssertionError):
                server.stop(60)
            for pid in [process.pid, *(child.pid for child in targets.values())]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Sent:
    """A span as the oracle remembers it."""

    trace_id: str
    span_id: str
    text: str
    tokens: int


def batch(rng: random.Random, size: int, *, at_ns: int | None = None, noise: int = 12) -> tuple[bytes, list[Sent]]:
    """An OTLP body of unique calls. `noise`: bytes in each that do not compress."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    scope = resource.scope_spans.add()
    scope.scope.name = "oracle"
    sent = []
    now = time.time_ns() if at_ns is None else at_ns
    for _ in range(size):
        span = scope.spans.add()
        span.trace_id, span.span_id = rng.randbytes(16), rng.randbytes(8)
        span.name = "chat gpt-4o-mini"
        span.start_time_unix_nano, span.end_time_unix_nano = now - rng.randrange(10**9), now
        text = f"{rng.randbytes(noise).hex()} where is my order?"
        tokens = rng.randrange(1, 2000)
        for key, value in (
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4o-mini"),
            ("gen_ai.input.messages", json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])),
            (
                "gen_ai.output.messages",
                json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Soon."}]}]),
            ),
        ):
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = tokens
        span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 2
        sent.append(Sent(span.trace_id.hex(), span.span_id.hex(), text, tokens))
    return request.SerializeToString(), sent


@dataclass
class Oracle:
    """Clients that send batches, retry the identical body when no answer came, and remember what was acknowledged."""

    port: int
    seed: int
    clients: int = 4
    size: int = 50
    pause: float = 0.0
    acknowledged: list[Sent] = field(default_factory=list)
    uncertain: list[Sent] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> Oracle:
        for number in range(self.clients):
            thread = threading.Thread(
                target=self._client, args=(random.Random(self.seed * 1000 + number),), daemon=True
            )
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)

    def _client(self, rng: random.Random) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            body, sent = batch(rng, self.size)
            outcome = None
            for _ in range(100):
                try:
                    if connection is None:
                        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                    connection.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
                    answer = connection.getresponse()
                    answer.read()
                    outcome = answer.status
                except (OSError, http.client.HTTPException):
                    if connection is not None:
                        connection.close()
                    connection = None
                    outcome = None
                if outcome == 200 or (outcome is None and self._stop.wait(0.05)):
                    break
                if outcome is not None:
                    self.refused += 1
                    assert outcome == 503, outcome
                    if self._stop.wait(0.2):
                        break
            with self._lock:
                (self.acknowledged if outcome == 200 else self.uncertain).extend(sent)
            if self.pause:
                time.sleep(self.pause)

    def verify(self, server: Server, *, own: bool = True) -> dict[str, int]:
        """0 lost, 0 doubled, 0 altered; roll-ups equal what was sent. `own`: nobody else sends to this server."""
        told = server.drain(120)
        items = server.exchanges()
        found: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            found.setdefault(item["id"], []).append(item)
        sent = {f"{one.trace_id}-{one.span_id}": one for one in (*self.acknowledged, *self.uncertain)}
        lost = [one for one in self.acknowledged if f"{one.trace_id}-{one.span_id}" not in found]
        doubled = [identity for identity, several in found.items() if len(several) > 1]
        foreign = [identity for identity in found if identity not in sent] if own else []
        altered = [
            identity for identity, several in found.items() if identity in sent
            and (several[0]["input"], several[0]["input_tokens"]) != (sent[identity].text, sent[identity].tokens)
        ]  # fmt: skip
        assert (len(lost), len(doubled), len(foreign), len(altered)) == (0, 0, 0, 0), (
            lost[:3],
            doubled[:3],
            foreign[:3],
            altered[:3],
            told,
        )
        assert told["stored"] == len(found), told
        points = server.json("/api/v1/measures?measure=count&measure=sum(input_tokens)&from=2d")["points"]
        values = {point["measure"]: point["value"] for point in points}
        assert values["count"] == len(found)
        assert values["sum(input_tokens)"] == sum(several[0]["input_tokens"] for several in found.values())
        return {"acknowledged": len(self.acknowledged), "found": len(found), "refused": self.refused}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
