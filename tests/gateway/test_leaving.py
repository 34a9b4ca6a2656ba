"""Clients that leave in the middle of a stream: the upstream is let go at once, what was sent is kept (T9)."""

from __future__ import annotations

import json
import math
import random
import socket
import struct
import time
from dataclasses import dataclass

import psutil
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.gateway.conftest import Gate, Open, each_span, told
from tests.gateway.fake import Seen
from tests.loop.serving import until
from tests.seeds import seeded

#: Words in a stream, 4 ms each: far more than anybody waits for, so that only who is let go ends early.
MANY = 15_000


@dataclass
class Cut:
    """A stream that was cut: what the client had by then, and when."""

    trace: str
    received: bytes
    at: float


def cut(gate: Gate, rng: random.Random, path: str = "/v1/chat/completions") -> Cut:
    """Ask for a stream, leave at a random byte: by saying so (FIN), or without a word (RST)."""
    trace = rng.randbytes(16).hex()
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    fake = json.dumps({"gap": 0.004, "many": MANY})
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-fake: {fake}\r\n"
        f"traceparent: 00-{trace}-{'1' * 16}-01\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    client = socket.create_connection(("127.0.0.1", gate.port), timeout=60)
    client.sendall(head.encode() + body)
    enough, received = rng.randrange(1, 20_000), b""
    while len(received) < enough:
        received += client.recv(min(4096, enough - len(received)))
    if rng.random() < 0.5:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    return Cut(trace, received, time.monotonic())


def run(gate: Gate, count: int, seed: int, seconds: float = math.inf) -> None:
    rng = random.Random(seed)
    cut(gate, rng)
    until(lambda: gate.fake.connections == 0)
    files = psutil.Process().num_fds()
    for number in range(count):
        one = cut(gate, rng)
        until(lambda n=number: len(gate.fake.seen) == n + 2 and gate.fake.seen[n + 1].closed > 0)
        assert gate.fake.seen[-1].sent.count(b"word") < MANY, f"seed {seed}, stream {number}"
        assert gate.fake.seen[-1].closed - one.at <= seconds, f"seed {seed}, stream {number}"
        until(lambda n=number: len(gate.spool.envelopes) == n + 2)
        (span,) = each_span(gate.spool.envelopes[-1])
        matches(span, one, gate.fake.seen[-1])
    until(lambda: gate.fake.connections == 0)
    until(lambda: psutil.Process().num_fds() <= files)
    figures = gate.send("GET", "/metrics?part=edge")[2].decode()
    assert "homeostat_edge_gateway_connections 0\n" in figures
    assert "homeostat_edge_inflight_requests 0\n" in figures


def matches(span: Span, one: Cut, seen: Seen) -> None:
    """The exchange holds what went to the client: all that it got, and nothing that the upstream did not say."""
    assert span.trace_id.hex() == one.trace
    assert (span.status.code, span.status.message) == (0, "client_closed")
    said = told(span)
    assert "gen_ai.usage.output_tokens" not in said
    messages = json.loads(said.get("gen_ai.output.messages", "[]"))
    text = messages[0]["parts"][0]["content"] if messages else ""
    got = one.received.count(b'"content": "word ')
    assert text == "word " * text.count("word")
    assert got <= text.count("word") <= seen.sent.count(b'"content": "word ')


def test_twenty_streams_that_are_cut(gate: Gate) -> None:
    run(gate, 20, seed=7)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_thousand_streams_that_are_cut(gate: Gate) -> None:
    run(gate, 1000, seeded(1), 1.0)


def test_a_client_that_does_not_wait_for_the_answer(gate: Gate) -> None:
    """Nothing was sent yet, so nothing is kept but that it left."""
    body = b'{"model": "m", "messages": []}'
    head = b'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-fake: {"fault": "hang"}\r\ncontent-length: %d\r\n\r\n'
    client = socket.create_connection(("127.0.0.1", gate.port))
    client.sendall(head % len(body) + body)
    until(lambda: gate.fake.seen)
    time.sleep(0.2)
    client.close()
    until(lambda: gate.fake.seen[0].closed)  # the call itself may take ten minutes
    span = gate.spans()[0]
    assert (span.status.message, "gen_ai.output.messages" in told(span)) == ("client_closed", False)


def test_streams_under_way_are_finished_before_the_server_ends(open_gate: Open) -> None:
    gate = open_gate()
    body = json.dumps({"model": "m", "stream": True, "messages": []}).encode()
    status, _, answer = gate.send("POST", "/v1/chat/completions", body, {"x-fake": '{"gap": 0.02}'})
    assert (status, answer.endswith(b"data: [DONE]\n\n")) == (200, True)
