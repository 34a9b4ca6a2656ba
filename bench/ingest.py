"""Ingest: accepted and durable spans a second, latency, visibility, disk, memory; beside this machine's floor.

The floor is a server on the same stack that only reads the body (what the HTTP layer alone can do).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import uvloop

from bench.machine import keep
from bench.page import judged, write
from bench.spans import pool
from bench.wire import Load, drive

HOMEOSTAT = str(Path(sys.executable).parent / "homeostat")


class Running:
    """A server under measurement: its processes' CPU time and largest memory."""

    def __init__(self, command: list[str], port: int) -> None:
        self.port = port
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.peak: dict[str, float] = {}
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def family(self) -> dict[str, psutil.Process]:
        root = psutil.Process(self.process.pid)
        found = {"server": root}
        for child in root.children():
            line = " ".join(child.cmdline())
            found["edge" if "serve_edge" in line else "core" if "web.serve" in line else line[-20:]] = child
        return found

    def memory(self) -> dict[str, float]:
        """Resident MB of each process."""
        return {name: round(one.memory_info().rss / 2**20) for name, one in self.family().items()}

    def cpu(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in self.family().values())

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            with contextlib.suppress(psutil.Error):
                for name, value in self.memory().items():
                    self.peak[name] = max(self.peak.get(name, 0), value)

    def wait(self, path: str, status: int = 200, seconds: float = 60) -> float:
        """Seconds from the start until this path answers."""
        while time.perf_counter() - self.begun < seconds:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if get(self.port, path)[0] == status:
                    return round(time.perf_counter() - self.begun, 2)
            time.sleep(0.02)
        raise RuntimeError(f"{path} did not answer {status}")

    def stop(self) -> None:
        self._stop.set()
        self.process.terminate()
        self.process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def accounting(port: int) -> dict[str, int]:
    return dict(json.loads(get(port, "/api/v1/accounting")[1]))


@contextlib.contextmanager
def homeostat(data: Path) -> Iterator[Running]:
    """Our server on a data directory."""
    port = free_port()
    server = Running([HOMEOSTAT, "up", "--port", str(port), "--data", str(data)], port)
    try:
        server.wait("/api/v1/status")
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def floor() -> Iterator[Running]:
    """A server that only reads the body."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
        "bench.floor:app",
    ]
    server = Running(command, port)
    try:
        server.wait("/")
        yield server
    finally:
        server.stop()


def durable(server: Running, bodies: int, connections: int, seconds: float) -> dict[str, object]:
    """Load for so long, then wait until all of it is stored and can be asked for."""
    asyncio.run(drive(server.port, pool(bodies, total=2048, seed=1), seconds=2, connections=connections))
    drained(server.port)
    before, cpu = accounting(server.port)["stored"], server.cpu()
    begun = time.perf_counter()
    load: Load = uvloop.run(
        drive(server.port, pool(bodies, spread_seconds=86400), seconds=seconds, connections=connections)
    )
    stored = drained(server.port) - before
    total = time.perf_counter() - begun
    assert stored == load.spans, (stored, load.spans)
    return {
        "spans_a_body": bodies,
        "connections": connections,
        "accepted_a_second": round(load.rate),
        "durable_a_second": round(stored / total),
        "p50_ms": round(load.percentile(0.5), 1),
        "p99_ms": round(load.percentile(0.99), 1),
        "statuses": dict(load.statuses),
        "cpu_us_a_span": round((server.cpu() - cpu) / stored * 1e6, 1),
        "peak_mb": dict(server.peak),
    }


def drained(port: int) -> int:
    """Items stored once nothing waits."""
    while True:
        told = accounting(port)
        if told["waiting"] == 0:
            return told["stored"]
        time.sleep(0.1)  # asking costs the server, too


def visible(server: Running, rate: float, seconds: float) -> dict[str, float]:
    """From the answer 200 to the exchange being there, under load, p50 and p95 in seconds."""
    waits: list[float] = []
    end = time.monotonic() + seconds

    def probe() -> None:
        single = pool(1, total=8, seed=99, spread_seconds=0)
        at = 0
        while time.monotonic() < end:
            at = (at + 1) % len(single)
            raw = single[at].fresh()
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.request("POST", "/v1/traces", raw, {"content-type": "application/x-protobuf"})
            assert connection.getresponse().read() is not None
            connection.close()
            begun = time.perf_counter()
            start, length = single[at].ids[0]
            trace = raw[start : start + length].hex()
            while get(server.port, f"/api/v1/traces/{trace}")[0] != 200:
                time.sleep(0.02)
            waits.append(time.perf_counter() - begun)
            time.sleep(0.1)

    prober = threading.Thread(target=probe)
    prober.start()
    uvloop.run(drive(server.port, pool(512, spread_seconds=86400), seconds=seconds, connections=4, rate=rate))
    prober.join()
    waits.sort()
    return {
        "probes": len(waits),
        "p50_s": round(waits[len(waits) // 2], 2),
        "p95_s": round(waits[int(len(waits) * 0.95)], 2),
    }


def disk(data: Path, spans: int) -> dict[str, object]:
    """Bytes a span on disk, everything of the warehouse, after merges have settled."""
    size = sum(path.stat().st_size for path in (data / "warehouse" / "store").rglob("*") if path.is_file())
    return {"spans": spans, "bytes_a_span": round(size / spans)}


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Asked and reached, for the page."""
    large, many, few = (figures[f"homeostat {way}"] for way in ("512x4", "1x64", "1x4"))
    rest, peak = figures["memory at rest, MB"], large["peak_mb"]
    visible, size = figures["visible under 5,000 spans/s"]["p95_s"], figures["disk"]["bytes_a_span"]
    stored, single, slow = large["durable_a_second"], many["durable_a_second"], many["p99_ms"]
    return [
        ("512-span bodies, 4 connections: durable and queryable", "25,000 spans/s",
         f"{judged(f'{stored:,}', good=stored >= 25_000)}; accepted {large['accepted_a_second']:,}, "
         f"{large['cpu_us_a_span']:.0f} µs of CPU a span"),
        ("single spans, 64 connections: durable", "9,000/s, p99 30 ms",
         f"{judged(f'{single:,}', good=single >= 9_000)}; accepted {many['accepted_a_second']:,}, "
         f"p99 {judged(f'{slow:.0f} ms', good=slow <= 30)}"),
        ("single spans, 4 connections: durable", "2,500/s",
         judged(f"{few['durable_a_second']:,}", good=few["durable_a_second"] >= 2_500)),
        ("visible after accept, 5,000 spans/s arriving", "p95 2 s", judged(f"{visible} s", good=visible < 2)),
        ("disk, raw attributes kept", "1,100 bytes a span", judged(str(size), good=size <= 1_100)),
        ("memory of the edge, at rest / loaded", "120 / 300 MB",
         judged(f"{rest['edge']:.0f} / {peak['edge']:.0f}", good=rest["edge"] <= 120 and peak["edge"] <= 300)),
        ("memory of the core, at rest / loaded", "600 / 1,200 MB",
         judged(f"{rest['core']:.0f} / {peak['core']:.0f}", good=rest["core"] <= 600 and peak["core"] <= 1_200)),
    ]  # fmt: skip


def main(arguments: Sequence[str] = (), *, seconds: float = 15) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the table of docs/what-we-tested.md")
    chosen, crowd = parser.parse_args(arguments), os.getloadavg()[0]
    figures: dict[str, object] = {}
    with floor() as server:
        for bodies, connections in ((512, 4), (1, 64), (1, 4)):
            load = uvloop.run(drive(server.port, pool(bodies), seconds=5, connections=connections))
            figures[f"floor {bodies}x{connections}"] = {
                "spans_a_second": round(load.rate),
                "p99_ms": round(load.percentile(0.99), 1),
            }
    folder = Path(tempfile.mkdtemp(prefix="homeostat-bench-"))
    try:
        with homeostat(folder / "data") as server:
            time.sleep(2)
            figures["memory at rest, MB"] = server.memory()
            for bodies, connections in ((512, 4), (1, 64), (1, 4)):
                figures[f"homeostat {bodies}x{connections}"] = durable(server, bodies, connections, seconds)
            figures["visible under 5,000 spans/s"] = visible(server, 5000, seconds)
            spans = drained(server.port)
        figures["disk"] = disk(folder / "data", spans)
        figures["load average of the machine"] = list(os.getloadavg())
        begun = time.perf_counter()
        with homeostat(folder / "data"):
            figures["ready again, seconds"] = round(time.perf_counter() - begun, 2)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    keep("ingest", figures)
    if chosen.page:
        write("ingest", rows(figures), crowd)


if __name__ == "__main__":
    main(sys.argv[1:])
