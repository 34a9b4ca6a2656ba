"""What goes through is not changed: bodies, streams, statuses, and nothing between the lines."""

from __future__ import annotations

import json

import pytest

from tests.gateway.conftest import Gate

ODD = (
    r'{ "model":"m1",  "messages":[{"role":"user","content":"H\u00e4\ud83d\ude00 <ok>"}], '
    '"x": 1.0, "y": 12345678901234567890 }'
)
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages")


@pytest.mark.parametrize("path", PATHS)
def test_bodies_go_byte_for_byte(gate: Gate, path: str) -> None:
    status, headers, body = gate.send("POST", path, ODD.encode(), {"content-type": "application/json"})
    seen = gate.fake.seen[0]
    assert (status, seen.path, seen.body) == (200, path, ODD.encode())
    assert body == seen.sent
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/v1/embeddings"])
def test_streams_go_byte_for_byte(gate: Gate, path: str) -> None:
    status, headers, body = gate.ask({"model": "m", "stream": True, "messages": [], "input": ""}, path)
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert body == gate.fake.seen[0].sent
    assert body.count(b"data:") > 15


def test_big_bodies_go_through(gate: Gate) -> None:
    text = "x" * 3_000_000
    status, _, body = gate.ask({"model": "m", "messages": [{"role": "user", "content": text}]}, x_fake=words(400_000))
    assert status == 200
    assert len(gate.fake.seen[0].body) > 3_000_000
    assert body == gate.fake.seen[0].sent
    assert len(body) > 2_000_000


def test_an_answer_that_is_not_200_goes_as_it_is(gate: Gate) -> None:
    for status in (400, 401, 403, 404, 422):
        got, headers, body = gate.ask({"model": "m", "messages": []}, x_fake=f'{{"fault": "{status}"}}')
        assert (got, body) == (status, gate.fake.seen[-1].sent)
        assert "x-homeostat-exchange-id" in headers
    assert len(gate.fake.seen) == 5, "none of them is tried again"


def test_the_trace_goes_on(gate: Gate) -> None:
    trace, parent = "a" * 31 + "1", "b" * 15 + "2"
    _, headers, _ = gate.ask({"model": "m", "messages": []}, traceparent=f"00-{trace}-{parent}-01")
    exchange = headers["x-homeostat-exchange-id"]
    assert (exchange[:33], headers["x-homeostat-trace-id"]) == (trace + "-", trace)
    assert gate.fake.seen[0].header("traceparent") == f"00-{trace}-{exchange[33:]}-01"
    span = gate.spans()[0]
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (trace, exchange[33:], parent)


@pytest.mark.parametrize("bad", ["", "garbage", f"00-{'0' * 32}-{'1' * 16}-01", f"ff-{'a' * 32}-{'1' * 16}-01"])
def test_what_is_no_trace_begins_one(gate: Gate, bad: str) -> None:
    _, headers, _ = gate.ask({"model": "m", "messages": []}, traceparent=bad)
    assert headers["x-homeostat-trace-id"] not in ("0" * 32, "a" * 32)
    assert gate.spans()[0].parent_span_id == b""


def test_models_and_counting_are_no_exchanges(gate: Gate) -> None:
    status, _, body = gate.send("GET", "/v1/models")
    assert (status, json.loads(body)["data"][0]["id"]) == (200, "fake-1")
    assert gate.send("GET", "/v1/models/fake-1")[0] == 200
    assert [seen.path for seen in gate.fake.seen] == ["/v1/models", "/v1/models/fake-1"]
    status, _, body = gate.ask({"model": "m", "messages": []}, "/v1/messages/count_tokens")
    assert (status, json.loads(body)) == (200, {"input_tokens": 14})
    gate.ask({"model": "m", "messages": []})
    assert len(gate.spans(1)) == 1


def words(count: int) -> str:
    """How the fake provider is told to say much: the header itself stays small."""
    return json.dumps({"many": count})
