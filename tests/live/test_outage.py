"""T3 and T15: the core away, stops under load, and a real OpenTelemetry SDK over a restart."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.live.harness import Oracle, Server, serving

pytestmark = pytest.mark.live


@contextlib.contextmanager
def core_held(server: Server) -> object:  # type: ignore[misc]
    """The core answers nothing: stopped, not dead, so that nobody starts another."""
    core: psutil.Process = server.children()["core"]
    os.kill(core.pid, signal.SIGSTOP)
    try:
        yield core
    finally:
        os.kill(core.pid, signal.SIGCONT)


def away(server: Server, seconds: float, pause: float, *, least: int = 0) -> dict[str, int]:
    """Load while the core is away, until `least` spans were taken; then it drains by itself."""
    oracle = Oracle(server.port, 3, clients=2, pause=pause).start()
    with core_held(server):
        time.sleep(seconds)
        while len(oracle.acknowledged) < least:
            time.sleep(0.05)
        status, answer = server.get("/api/v1/exchanges")
        assert status == 503, answer
        assert answer["error"]["hint"]
    oracle.stop()
    assert oracle.refused == 0, "ingest answers 200 while the spool has room"
    return oracle.verify(server)


def test_core_away_for_seconds(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        away(server, 4, 0.2, least=500)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_core_away_for_ten_minutes(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        print(away(server, 600, 0.2), flush=True)


def stops(server: Server, count: int) -> Oracle:
    """SIGTERM under load, again and again: exit code 0 each time, and what was accepted stays."""
    oracle = Oracle(server.port, 4, clients=2, pause=0.1).start()
    for _ in range(count):
        time.sleep(0.7)
        assert server.stop() == 0, server.log()[-2000:]
        server.start()
    while len(oracle.acknowledged) < 100:
        time.sleep(0.05)
    oracle.stop()
    return oracle


def test_sigterm_under_load(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        stops(server, 2).verify(server)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_sigterm_a_hundred_times(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        print(stops(server, 100).verify(server), flush=True)


def test_a_real_sdk_loses_nothing_over_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        provider = TracerProvider()
        provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=f"{server.url}/v1/traces", timeout=120), schedule_delay_millis=300
            )
        )
        tracer = provider.get_tracer("restart")
        count = 0
        for moment in range(60):
            for _ in range(10):
                with tracer.start_as_current_span(
                    "chat", attributes={"gen_ai.operation.name": "chat", "input.value": f"question {count}"}
                ):
                    count += 1
            if moment == 15:
                server.kill("edge")
            if moment == 30:
                assert server.stop() == 0
                server.start(wait=False)
            time.sleep(0.05)
        server.wait_ready()
        provider.shutdown()
        told = server.drain()
        assert told["stored"] == count
        assert {item["input"] for item in server.exchanges()} == {f"question {number}" for number in range(count)}
