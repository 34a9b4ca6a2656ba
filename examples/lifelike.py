"""Serve Homeostat and send it a few minutes of lifelike traffic: a shop's support bot, told by the OpenTelemetry SDK.

Run by `make demo`. With a terminal it lasts three minutes and leaves the server running until Ctrl-C;
without one it is done within a minute. `--url` sends to a server that is already there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

QUESTIONS = {
    "What is your return policy?": (
        "returns.md",
        "You can return any unused item within 30 days of delivery for a full refund.",
    ),
    "How long does shipping to Zürich take?": (
        "shipping.md",
        "Standard shipping takes 3 to 5 business days and is free above 50 €.",
    ),
    "The app shows error E-42, what now?": (
        "errors.md",
        "E-42 means the session expired. Log out, update to 4.2 and log in again.",
    ),
    "Is limescale covered by the warranty?": (
        "warranty.md",
        "No. The warranty covers manufacturing defects for 2 years; limescale is excluded.",
    ),
    "Where is my order KW-1042?": (
        "orders.md",
        "Order KW-1042 left our warehouse yesterday and should arrive tomorrow.",
    ),
    "How do I get the first-order discount?": (
        "offers.md",
        "Enter WELCOME10 at checkout: 10 % off your first order above 30 €.",
    ),
    "I cannot log in any more.": (
        "login.md",
        "Use 'Forgot password' on the login page. The link is valid for one hour.",
    ),
    "What do premium members get?": ("premium.md", "Premium members get free express shipping and a 3-year warranty."),
}
MODELS = (
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 7),
    ("openai", "gpt-4o", "gpt-4o-2024-08-06", 2),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 1),
)


def one_conversation(tracer: Tracer, rng: random.Random) -> list[dict[str, object]]:
    """One question through retrieval and a model, as an instrumented application tells it; and what people said."""
    user, session = f"user-{rng.randrange(200)}", f"session-{rng.randrange(10**9):09d}"
    question, (document, answer) = rng.choice(list(QUESTIONS.items()))
    provider, asked, answered, _ = rng.choices(MODELS, weights=[model[3] for model in MODELS])[0]
    now = time.time_ns()
    seconds = rng.lognormvariate(0.1, 0.5)
    failed = rng.random() < 0.02
    root = tracer.start_span(
        "answer",
        start_time=now - int(seconds * 1e9),
        attributes={
            "openinference.span.kind": "CHAIN",
            "input.value": question,
            "user.id": user,
            "session.id": session,
        },
    )
    from opentelemetry.trace import set_span_in_context

    inside = set_span_in_context(root)
    search = tracer.start_span(
        "kb search",
        inside,
        start_time=now - int(seconds * 0.95e9),
        attributes={
            "openinference.span.kind": "RETRIEVER",
            "input.value": question,
            "retrieval.documents.0.document.id": document,
            "retrieval.documents.0.document.content": answer,
            "retrieval.documents.0.document.score": round(rng.uniform(0.6, 0.95), 2),
        },
    )
    search.end(now - int(seconds * 0.85e9))
    call = tracer.start_span(
        f"chat {asked}",
        inside,
        kind=SpanKind.CLIENT,
        start_time=now - int(seconds * 0.8e9),
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": asked,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.input.messages": json.dumps(
                [
                    {
                        "role": "system",
                        "parts": [{"type": "text", "content": f"You answer for a kettle shop. Context: {answer}"}],
                    },
                    {"role": "user", "parts": [{"type": "text", "content": question}]},
                ]
            ),
        },
    )
    if failed:
        call.set_attribute("error.type", "RateLimitError")
        for span in (call, root):
            span.set_status(Status(StatusCode.ERROR, "RateLimitError: 429 too many requests"))
    else:
        reply = json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}]
        )
        call.set_attributes(
            {
                "gen_ai.response.model": answered,
                "gen_ai.response.id": f"resp-{rng.randbytes(9).hex()}",
                "gen_ai.output.messages": reply,
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.usage.input_tokens": 180 + len(question),
                "gen_ai.usage.output_tokens": len(answer) // 4,
                "gen_ai.usage.cache_read.input_tokens": rng.choice((0, 0, 128)),
            }
        )
        root.set_attribute("output.value", answer)
    call.end(now - int(seconds * 0.02e9))
    root.end(now)
    trace = f"{root.get_span_context().trace_id:032x}"
    return _said(trace, session, failed, rng)


def _said(trace: str, session: str, failed: bool, rng: random.Random) -> list[dict[str, object]]:
    signals: list[dict[str, object]] = []
    if rng.random() < 0.08:
        signals.append({"name": "thumbs", "value": -1 if failed or rng.random() < 0.15 else 1, "trace_id": trace})
    if rng.random() < 0.05:
        signals.append({"name": "chat_closed", "session_id": session})
    return signals


def send(url: str, seconds: float, rate: float, seed: int) -> int:
    """Traffic for so long, at about this many questions a second."""
    provider = TracerProvider(
        resource=Resource(
            {"service.name": "support-bot", "service.version": "v11", "deployment.environment.name": "prod"}
        )
    )
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"), schedule_delay_millis=500)
    )
    tracer = provider.get_tracer("lifelike")
    rng, sent, signals = random.Random(seed), 0, []
    end = time.monotonic() + seconds
    with httpx2.Client(base_url=url, timeout=10) as client:
        while time.monotonic() < end:
            signals += one_conversation(tracer, rng)
            sent += 1
            if len(signals) >= 5:
                client.post("/api/v1/signals", json=signals).raise_for_status()
                signals = []
            time.sleep(rng.expovariate(rate))
        if signals:
            client.post("/api/v1/signals", json=signals).raise_for_status()
    provider.shutdown()
    return sent


@contextmanager
def serving(port: int) -> Iterator[str]:
    """`homeostat up` on a fresh directory, ended at the end."""
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="homeostat-demo-") as folder:
        command = [
            str(Path(sys.executable).parent / "homeostat"),
            "up",
            "--port",
            str(port),
            "--data",
            f"{folder}/data",
        ]
        server = subprocess.Popen(command)
        try:
            wait_ready(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(45)


def wait_ready(url: str, server: subprocess.Popen[bytes], seconds: float = 40) -> None:
    """Until edge and core answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit(server.returncode)
        try:
            if httpx2.get(f"{url}/api/v1/status", timeout=2).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server did not become ready")


def show(url: str, *words: str) -> None:
    """One command of the product, as a user would type it."""
    print(f"\n$ homeostat {' '.join(words)}", flush=True)
    subprocess.run(
        [str(Path(sys.executable).parent / "homeostat"), *words], env={**os.environ, "HOMEOSTAT_URL": url}, check=True
    )


def main() -> None:
    terminal = sys.stdout.isatty()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4400)
    parser.add_argument("--url", help="send to this server instead of starting one")
    parser.add_argument("--seconds", type=float, default=180 if terminal else 20)
    parser.add_argument("--rate", type=float, default=10.0, help="questions a second")
    parser.add_argument("--seed", type=int, default=7)
    told = parser.parse_args()
    if told.url:
        print(f"{send(told.url, told.seconds, told.rate, told.seed)} questions sent")
        return
    with serving(told.port) as url:
        print(
            f"sending about {told.rate:g} questions a second for {told.seconds:g} s; look with `homeostat tail`",
            flush=True,
        )
        sent = send(url, told.seconds, told.rate, told.seed)
        time.sleep(2)
        print(f"\n{sent} questions sent")
        show(url, "exchanges", "ls", "--limit", "5")
        show(
            url,
            "measures",
            "count",
            "p95(latency)",
            "sum(cost)",
            "share(signal.thumbs=-1)",
            "--by",
            "model",
            "--since",
            "1h",
        )
        show(url, "doctor")
        if terminal:
            print("\nThe server stays up. Ctrl-C ends it.")
            try:
                while True:
                    time.sleep(1)
            except KeyboardInterrupt:
                pass


if __name__ == "__main__":
    main()
