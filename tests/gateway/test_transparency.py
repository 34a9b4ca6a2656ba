"""What goes through is not changed: bodies, streams, statuses, and nothing between the lines."""

from __future__ import annotations

import http.client
import json
import random
import threading

import pytest

from tests.gateway.conftest import Gate
from tests.seeds import seeded

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


def test_events_come_one_by_one(gate: Gate) -> None:
    """Nothing waits for the end: while the provider is still speaking, the client has heard the beginning."""
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=60)
    body = json.dumps({"model": "m", "stream": True, "messages": []})
    connection.request("POST", "/v1/chat/completions", body, {"x-fake": '{"gap": 0.05}'})
    answer = connection.getresponse()
    heard = 0
    while line := answer.readline():
        heard += line.startswith(b"data: ")
        said = gate.fake.seen[0].sent.count(b"data: ")
        assert said <= heard + 3, "an event is passed on when it is whole"
    assert heard > 15
    connection.close()


def equal(gate: Gate, seed: int, count: int, largest: int) -> int:
    """So many answers of all sizes, streamed or not, each compared with what the provider sent; returns their bytes."""
    done: list[int] = []

    def client(number: int) -> None:
        rng, connection = random.Random(seed + number), http.client.HTTPConnection("127.0.0.1", gate.port, timeout=60)
        for turn in range(count // 4):
            path = rng.choice([path for path in PATHS if path != "/v1/embeddings"])
            size = int(largest ** rng.random())
            said = {"model": "m", "stream": rng.random() < 0.5, "messages": [], "input": "x" * size}
            headers = {"x-fake": words(1 + size // 200), "x-number": f"{number}-{turn}"}
            connection.request("POST", path, json.dumps(said).encode(), headers)
            answers[f"{number}-{turn}"] = connection.getresponse().read()
        connection.close()
        done.append(number)

    answers: dict[str, bytes] = {}
    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    sent = {seen.header("x-number"): seen.sent for seen in gate.fake.seen}
    assert len(sent) == len(answers) == count
    assert [number for number in sent if sent[number] != answers[number]] == []
    return sum(map(len, answers.values()))


def test_many_answers_at_once_are_equal(gate: Gate) -> None:
    equal(gate, 1, 200, 20_000)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_ten_thousand_answers_are_equal(gate: Gate) -> None:
    size = equal(gate, seeded(7), 10_000, 1_000_000)
    print(f"10,000 answers, {size >> 20} MiB, byte for byte")


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
