"""The gateway: what it adds to a direct call to the same instant upstream, in the same run, capture on.

Interleaved, so that whatever else the machine does falls on both. `--litellm PATH`: the executable of a LiteLLM proxy
to measure beside ours.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvloop

from bench.ingest import HOMEOSTAT, Running, accounting, drained, free_port
from bench.machine import keep
from bench.page import judged, write
from bench.queries import arriving

ROUNDS = 5
_CROWDED = 3.0
PROMPT = "Summarise what we know about the order and answer the customer in two friendly sentences. " * 6
BODY = json.dumps({
    "model": "gpt-4o-mini", "temperature": 0.2, "user": "u1",
    "messages": [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": PROMPT}],
}).encode()  # fmt: skip
STREAM = BODY[:-1] + b', "stream": true}'
LARGE = BODY[:-1] + b', "metadata": {"x": "' + b"x" * 1_000_000 + b'"}}'


class Caller(asyncio.Protocol):
    """Sends a request, tells when the first and the last byte of the answer's body came."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.first = 0.0
        self.answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("connection lost"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or len(self.buffer) == end + 4:
            return
        self.first = self.first or time.perf_counter()
        head = bytes(self.buffer[:end]).lower()
        at = head.find(b"content-length:")
        if at >= 0:
            whole = len(self.buffer) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        else:
            whole = self.buffer.endswith(b"0\r\n\r\n")
        if whole and self.answer and not self.answer.done():
            self.answer.set_result(int(head[9:12]))
            self.buffer.clear()

    async def send(self, data: bytes) -> int:
        self.first = 0.0
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await self.answer


@dataclass
class Took:
    """What came of calls."""

    calls: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)

    def add(self, other: Took) -> None:
        self.calls += other.calls
        self.failed += other.failed
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.firsts += other.firsts

    @property
    def rate(self) -> float:
        return round(self.calls / self.seconds)


def at(values: Sequence[float], share: float) -> float:
    """A percentile, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def call(port: int, *, seconds: float, connections: int, body: bytes = BODY, rate: float = 0) -> Took:
    """Calls for so long over so many connections; with `rate` as many a second, whether or not answers are late."""
    took = Took()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    raw = head + b"authorization: Bearer sk-bench\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    begun = time.perf_counter()

    async def client(number: int) -> None:
        _, wire = await asyncio.get_running_loop().create_connection(Caller, "127.0.0.1", port)
        turn = number
        while (now := time.perf_counter()) - begun < seconds:
            due = now
            if rate:
                due = begun + turn / rate
                turn += connections
                await asyncio.sleep(max(0.0, due - now))
                due = max(due, time.perf_counter() - 0.002)  # the sleep's own lateness is not the gateway's
            sent = time.perf_counter() if not rate else due
            status = await wire.send(raw)
            took.latencies.append(time.perf_counter() - sent)
            took.firsts.append(wire.first - sent)
            took.calls += 1
            took.failed += status != 200
        wire.transport.close()

    await asyncio.gather(*(client(number) for number in range(connections)))
    took.seconds = time.perf_counter() - begun
    return took


def side_by_side(ports: dict[str, int], **how: Any) -> dict[str, Took]:
    """The same calls to each, in turn, several times."""
    found = {name: Took() for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            found[name].add(uvloop.run(call(port, **how)))
    return found


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """The instant provider."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.upstream", str(port)], stdin=subprocess.DEVNULL) as process:
        try:
            time.sleep(1)
            yield port
        finally:
            process.terminate()


@contextlib.contextmanager
def ours(data: Path, provider: int) -> Iterator[Running]:
    """Our gateway in front of it."""
    port = free_port()
    os.environ["HOMEOSTAT_UPSTREAM"] = f"http://127.0.0.1:{provider}/v1"
    os.environ["HOMEOSTAT_UPSTREAM_KEY"] = "sk-bench"
    server = Running([HOMEOSTAT, "up", "--port", str(port), "--data", str(data)], port)
    try:
        server.wait("/api/v1/status")
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def litellm(executable: Path, provider: int, folder: Path) -> Iterator[int]:
    """A LiteLLM proxy in front of it, its logging off."""
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n      model: openai/gpt-4o-mini\n"
        f"      api_base: http://127.0.0.1:{provider}/v1\n      api_key: sk-bench\n"
        "litellm_settings:\n  telemetry: false\n  drop_params: true\n"
        "general_settings:\n  master_key: sk-bench\n"
    )
    command = [str(executable), "--config", str(config), "--port", str(port), "--num_workers", "1"]
    env = {**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _answering(process, port)
            yield port
        finally:
            process.terminate()


def _answering(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait for the first call that works."""
    for _ in range(240):
        with contextlib.suppress(OSError):
            if not uvloop.run(call(port, seconds=0.1, connections=1)).failed:
                return
        if process.poll() is not None:
            break
        time.sleep(0.5)
    raise RuntimeError("LiteLLM does not start")


def measure(server: Running, ports: dict[str, int], seconds: float) -> dict[str, Any]:
    """Every figure that was asked for."""
    figures: dict[str, Any] = {}
    before = accounting(server.port)["stored"]
    calls = uvloop.run(call(server.port, seconds=2, connections=4)).calls
    alone = side_by_side(ports, seconds=seconds, connections=1)
    figures["one at a time"] = beside(alone)
    many = side_by_side(ports, seconds=seconds, connections=16)
    figures["sixteen at a time"] = beside(many)
    near = {name: port for name, port in ports.items() if name != "litellm"}
    first = side_by_side(near, seconds=seconds / 2, connections=1, body=STREAM)
    late = at(first["homeostat"].firsts, 0.95) - at(first["direct"].firsts, 0.95)
    figures["first token, p95 added, ms"] = round(late, 3)
    large = side_by_side(near, seconds=seconds / 2, connections=1, body=LARGE)
    figures["1 MB asked"] = beside(large)
    calls += sum(run["homeostat"].calls for run in (alone, many, first, large))
    kept = drained(server.port) - before
    figures["exchanges"] = {"calls": calls, "stored": kept, "lost": calls - kept}
    told: dict[str, Any] = {}
    with arriving(server.port, told):
        busy = uvloop.run(call(server.port, seconds=4 * seconds, connections=20, rate=100))
    figures["100 calls a second while spans arrive"] = {
        "calls_a_second": busy.rate, "failed": busy.failed, "p50_ms": round(at(busy.latencies, 0.5), 2),
        "p99_ms": round(at(busy.latencies, 0.99), 2), "spans": told,
    }  # fmt: skip
    figures["memory, largest, MB"] = server.peak
    return figures


def beside(found: dict[str, Took]) -> dict[str, dict[str, float]]:
    """Each with what it adds to the direct call of the same run."""
    direct = found["direct"].latencies
    return {
        name: {
            "calls_a_second": took.rate, "failed": took.failed,
            **{f"p{share}_ms": round(at(took.latencies, share / 100), 3) for share in (50, 99)},
            **{f"added_p{share}_ms": round(at(took.latencies, share / 100) - at(direct, share / 100), 3)
               for share in (50, 99)},
        }
        for name, took in found.items()
    }  # fmt: skip


def rows(figures: dict[str, Any], load: float) -> list[tuple[str, str, str]]:
    """Asked and reached, for the page. Nothing is said of LiteLLM from a crowded machine: it waits there as we do."""
    alone, many, large = (figures[name] for name in ("one at a time", "sixteen at a time", "1 MB asked"))
    busy, kept, late = (
        figures["100 calls a second while spans arrive"], figures["exchanges"], figures["first token, p95 added, ms"],
    )  # fmt: skip
    added, rate = alone["homeostat"]["added_p50_ms"], many["homeostat"]["calls_a_second"]
    theirs = many.get("litellm", {}).get("calls_a_second")
    found = [
        ("added to a direct call, one at a time, p50", "1.5 ms", judged(f"{added:.2f} ms", good=added <= 1.5)),
        ("the same with 1 MB asked", "3 ms", judged(f"{large['homeostat']['added_p50_ms']:.2f} ms",
                                                    good=large["homeostat"]["added_p50_ms"] <= 3)),
        ("first token, p95 added", "2 ms", judged(f"{late:.2f} ms", good=late <= 2)),
        (f"100 calls/s while {busy['spans']['spans_a_second']:,} spans/s arrive, p99", "10 ms at 5,000 spans/s",
         judged(f"{busy['p99_ms']:.1f} ms", good=busy["p99_ms"] <= 10)),
        ("calls/s, sixteen at a time, all kept", "1,120", judged(f"{rate:,}", good=rate >= 1120)),
        ("calls not kept", "0", judged(f"{kept['lost']} of {kept['calls']:,}", good=kept["lost"] == 0)),
    ]  # fmt: skip
    if theirs and load < _CROWDED:
        slower = alone["litellm"]["added_p50_ms"]
        found.append((
            "beside LiteLLM's proxy in the same run", "10 times its calls/s",
            judged(f"{rate / theirs:.0f} times ({theirs:,}/s)", good=rate >= 10 * theirs)
            + f"; it adds {slower:.1f} ms, one at a time",
        ))  # fmt: skip
    return found


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--litellm", type=Path, help="the executable of a LiteLLM proxy")
    parser.add_argument("--page", action="store_true", help="write the table of docs/what-we-tested.md")
    chosen = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="homeostat-bench-"))
    load = os.getloadavg()[0]
    try:
        with contextlib.ExitStack() as stack:
            provider = stack.enter_context(upstream())
            server = stack.enter_context(ours(folder / "data", provider))
            ports = {"direct": provider, "homeostat": server.port}
            if chosen.litellm:
                ports["litellm"] = stack.enter_context(litellm(chosen.litellm, provider, folder))
            figures = measure(server, ports, chosen.seconds)
        keep("gateway", {"load_average": load, **figures})
        if chosen.page:
            write("gateway", rows(figures, load), load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
