"""The SDK in an application: what it costs the caller's thread, and what it holds while the server is away.

Against the bare OpenTelemetry span with the OTLP exporter in the same process, in turns, so that whatever else the
machine does falls on both. Thread CPU time leaves out the exporters' threads and other processes.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psutil
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import homeostat
from bench.machine import keep
from bench.page import judged, write
from homeostat.records.redaction import redacted
from homeostat.sdk import state
from homeostat.sdk.runtime import Runtime
from homeostat.sdk.settings import chosen

PORT = int(os.environ.get("BENCH_PORT", "5390"))
CALLS = 1000
ROUNDS = 15
PROMPT = "please explain the refund policy of this order " * 16
ANSWER = "because the customer report therefore shows a result " * 14
BEFORE: dict[str, Any] = {
    "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.request.temperature": 0.7,
    "gen_ai.request.max_tokens": 1024, "gen_ai.conversation.id": "sess-1",
}  # fmt: skip
AFTER: dict[str, Any] = {
    "gen_ai.response.model": "gpt-4o-mini", "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ("stop",), "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 130,
}  # fmt: skip
Call = Callable[[str], str]


def bare(tracer: trace.Tracer) -> Call:
    """What one writes by hand: 15 attributes."""

    def call(prompt: str) -> str:
        with tracer.start_as_current_span("chat gpt-4o-mini") as span:
            span.set_attributes({
                "gen_ai.operation.name": "chat", "user.id": "user-1", "session.id": "sess-1", **BEFORE,
                "gen_ai.input.messages": prompt,
            })  # fmt: skip
            span.set_attributes({**AFTER, "gen_ai.output.messages": ANSWER})
            return ANSWER

    return call


def observed() -> Call:
    """The decorator: operation, input and output are its own, user and session come from a context around it."""

    @homeostat.observe(name="chat gpt-4o-mini", kind="call")
    def call(prompt: str) -> str:
        span = trace.get_current_span()
        span.set_attributes(BEFORE)
        span.set_attributes(AFTER)
        return ANSWER

    return call


def observed_in_context(inner: Call) -> Call:
    """The same with a context of its own for every call."""

    def call(prompt: str) -> str:
        with homeostat.context(user_id="user-1", session_id="sess-1"):
            return inner(prompt)

    return call


def exchanged(prompt: str) -> str:
    """The block, fields and metadata set on it: 15 attributes."""
    with homeostat.exchange("chat gpt-4o-mini", kind="call", input=prompt) as ex:
        ex.user_id, ex.session_id = "user-1", "sess-1"
        ex.model, ex.provider, ex.input_tokens, ex.output_tokens = "gpt-4o-mini", "openai", 120, 130
        ex.metadata.update(BEFORE)
        ex.metadata["gen_ai.response.id"] = "chatcmpl-1"
        ex.metadata["gen_ai.response.finish_reasons"] = ["stop"]
        ex.output = ANSWER
    return ANSWER


def timed(call: Call) -> tuple[float, float]:
    """Median of the wall time, and mean of the thread's CPU time, in µs a call."""
    walls = []
    gc.collect()
    began = time.thread_time()
    for _ in range(CALLS):
        start = time.perf_counter()
        call(PROMPT)
        walls.append(time.perf_counter() - start)
    spent = time.thread_time() - began
    return statistics.median(walls) * 1e6, spent / CALLS * 1e6


def overhead(url: str) -> dict[str, Any]:
    """Rounds in turns; between them everything is sent, so that no queue is ever full."""
    theirs = TracerProvider()
    exporter = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"))
    theirs.add_span_processor(exporter)
    runtime = Runtime(chosen(url=url))
    state.runtime = runtime
    decorated = observed()
    cases: dict[str, Call] = {
        "bare OpenTelemetry": bare(theirs.get_tracer("bench")),
        "observe": decorated,
        "observe and context": observed_in_context(decorated),
        "exchange": exchanged,
    }
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for number in range(ROUNDS + 2):
        for name, call in cases.items():
            with homeostat.context(user_id="user-1", session_id="sess-1"):
                row = timed(call)
            exporter.force_flush()
            assert runtime.flush(20)
            if number >= 2:
                rows[name].append(row)
    counts = runtime.counts()
    assert counts.delivered == counts.produced == 3 * CALLS * (ROUNDS + 2), counts
    figures: dict[str, Any] = {
        name: {
            "wall_us": round(statistics.median(wall for wall, _ in found), 1),
            "thread_us": round(statistics.median(spent for _, spent in found), 1),
        }
        for name, found in rows.items()
    }
    base = rows["bare OpenTelemetry"]
    for name in list(cases)[1:]:
        ratios = [mine[1] / other[1] for mine, other in zip(rows[name], base, strict=True)]
        figures[name]["ratio"] = round(statistics.median(ratios), 2)
    return {"asked_ratio": 1.3, **figures}


def away(calls: int, *, hangs: bool) -> dict[str, Any]:
    """An hour of 50 calls a second, as fast as they go, to a server that refuses or never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if hangs:
            silent.listen(64)
        runtime = Runtime(chosen(url=f"http://127.0.0.1:{silent.getsockname()[1]}", exit_seconds=0))
        state.runtime = runtime
        call = observed()
        process = psutil.Process()
        gc.collect()
        before, most, longest, errors = process.memory_info().rss, 0, 0.0, 0
        for number in range(calls):
            start = time.perf_counter()
            try:
                call(PROMPT + str(number))
            except Exception:  # what is counted here must be none
                errors += 1
            longest = max(longest, time.perf_counter() - start)
            if number % 1000 == 0:
                most = max(most, process.memory_info().rss)
        counts = runtime.counts()
        exact = counts.produced == calls == counts.delivered + counts.waiting + sum(counts.dropped.values())
        runtime.close()
    return {
        "calls": calls,
        "memory_growth_mb": round((max(most, process.memory_info().rss) - before) / 2**20, 1),
        "asked_mb": 20,
        "exceptions": errors + counts.errors,
        "longest_call_ms": round(longest * 1000, 1),
        "waiting": counts.waiting,
        "dropped": counts.dropped,
        "counted_exactly": exact,
    }


def alone(name: str) -> dict[str, Any]:
    """One measurement in a process of its own: memory of another must not count."""
    code = f"import json; from bench import sdk; print(json.dumps(sdk.away(180_000, hangs={name == 'hangs'})))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    return dict(json.loads(told.stdout))


def redaction() -> dict[str, Any]:
    """Milliseconds for 10 kB of prose, and of prose with much to hide in it."""
    prose = (PROMPT + ANSWER + " We answer within 30 days; order 8812345 of 2026-11-20 cost 12.50 EUR. ") * 8
    dense = prose.replace("customer", "anna@example.org, +49 30 12345678,")
    figures: dict[str, Any] = {"asked_ms": 1.0}
    for name, text in (("prose_ms", prose[:10240]), ("dense_ms", dense[:10240])):
        times = []
        for _ in range(60):
            start = time.thread_time()
            redacted(text)
            times.append(time.thread_time() - start)
        figures[name] = round(statistics.median(times) * 1000, 2)
    return figures


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def sink() -> None:
    """Takes everything and keeps nothing, in a process of its own."""
    ThreadingHTTPServer(("127.0.0.1", PORT), _Sink).serve_forever()


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Asked and reached, for the page."""
    caller, away_ = figures["caller"], [figures["server refuses"], figures["server hangs"]]
    ratio, bare_us = caller["observe"]["ratio"], caller["bare OpenTelemetry"]["wall_us"]
    grown, lost = max(each["memory_growth_mb"] for each in away_), sum(each["exceptions"] for each in away_)
    exact = all(each["counted_exactly"] for each in away_)
    return [
        ("an observed call with 15 attributes, beside the bare OpenTelemetry span, caller's thread", "1.3 times",
         judged(f"{ratio:.2f} times", good=ratio <= 1.3) + f" ({bare_us:.0f} µs → {caller['observe']['wall_us']:.0f})"),
        ("the same with a `context` of its own; as an `exchange` block", "–",
         f"{caller['observe and context']['ratio']:.2f}; {caller['exchange']['ratio']:.2f} times"),
        ("180,000 calls while the server refuses or hangs: more memory", "20 MB",
         judged(f"{grown:.0f} MB", good=grown <= 20)),
        ("… exceptions; all drops counted", "0; exactly", judged(f"{lost}; {'exactly' if exact else 'not exactly'}",
                                                                good=exact and not lost)),
        ("… longest call", "–", f"{max(each['longest_call_ms'] for each in away_):.0f} ms"),
        ("redaction of 10 kB, prose; dense with what is hidden", "1 ms",
         f"{figures['redaction']['prose_ms']:.2f}; {figures['redaction']['dense_ms']:.2f} ms"),
    ]  # fmt: skip


def main(arguments: Sequence[str] = ()) -> None:
    load = os.getloadavg()[0]
    child = subprocess.Popen([sys.executable, "-c", "from bench import sdk; sdk.sink()"])
    try:
        url = f"http://127.0.0.1:{PORT}"
        _listening(PORT)
        figures: dict[str, object] = {"caller": overhead(url), "redaction": redaction()}
        figures["server refuses"], figures["server hangs"] = alone("refuses"), alone("hangs")
        figures["load_average"] = load
    finally:
        child.terminate()
        child.wait(10)
    keep("sdk", figures)
    if "--page" in arguments:
        write("sdk", rows(figures), load)


def _listening(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the sink does not listen")


if __name__ == "__main__":
    main(sys.argv[1:])
