"""Fourteen ways in which an upstream fails, streamed or not, with another release to fall back to or without (T8)."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from homeostat.gateway.retry import Breaker
from tests.gateway.conftest import Fake, Gate, Open, Release, told

#: Seconds. An upstream that hangs needs a short one; for the others it must not matter how busy the machine is. Half
#: of it is for the first release, half for the next, which must answer in it.
DEADLINE, BOTH, AMPLE = 4.0, 12.0, 60.0
STATUSES = ("408", "429", "500", "502", "503")
CONNECTING = ("refuse", "tls", "dns")
BEFORE_AN_ANSWER = (*CONNECTING, *STATUSES, "hang")
AFTER_ITS_BEGIN = ("hang_body", "cut_json", "cut_sse", "garbage_sse", "error_200")
FAULTS = (*BEFORE_AN_ANSWER, *AFTER_ITS_BEGIN)


def url(fault: str, fake: Fake) -> str:
    """Where the failing upstream is."""
    return {
        "refuse": "http://127.0.0.1:1/v1",
        "tls": f"https://127.0.0.1:{fake.port}/v1",
        "dns": "http://no-such-host.invalid/v1",
    }.get(fault, fake.url)


def deadline(fault: str, fallback: bool) -> float:
    if fault.startswith("hang"):
        return BOTH if fallback and fault in BEFORE_AN_ANSWER else DEADLINE
    return AMPLE


def failing(open_gate: Open, fault: str, fake: Fake, other: Fake, *, fallback: bool, **settings: Any) -> Gate:
    """A gateway whose first release fails like that."""
    connecting = DEADLINE if fault == "dns" else AMPLE
    gate = open_gate(
        **{"gateway_deadline": deadline(fault, fallback), "gateway_connect_timeout": connecting, **settings},
        upstreams={"a": {"url": url(fault, fake), "key": "sk-a"}, "b": {"url": other.url, "key": "sk-b"}},
    )
    first = Release("A", model="model-a", endpoint="a", fallbacks=("B",) if fallback else ())
    gate.publish(first, Release("B", model="model-b", endpoint="b"), shares={"A": 1.0})
    fake.always = "" if fault in CONNECTING else fault
    return gate


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fallback", [False, True], ids=["alone", "fallback"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault(open_gate: Open, fake: Fake, other: Fake, fault: str, fallback: bool, stream: bool) -> None:
    gate = failing(open_gate, fault, fake, other, fallback=fallback)
    status, headers, body = gate.ask({"model": "m", "messages": [], "stream": stream})
    span = gate.spans()[0]
    if fallback and fault in BEFORE_AN_ANSWER:
        assert (status, headers["x-homeostat-release"], body) == (200, "B", other.seen[0].sent)
        assert (told(span)["homeostat.fallback_of"], told(span)["homeostat.attempts"]) == ("A", 2)
        assert (len(fake.seen), len(other.seen), span.status.code) == (0 if fault in CONNECTING else 1, 1, 0)
        return
    assert other.seen == [], "what has begun to answer is never asked again elsewhere"
    assert span.status.code == 2
    assert span.status.message
    if fault in AFTER_ITS_BEGIN:
        assert len(fake.seen) == 1, "nor at the same upstream"
    expect_alone(fault, stream, status, headers, body, fake)


def expect_alone(fault: str, stream: bool, status: int, headers: dict[str, str], body: bytes, fake: Fake) -> None:
    """What the client is told when nobody else can answer."""
    assert "x-homeostat-exchange-id" in headers
    if fault in STATUSES:
        assert (status, body) == (int(fault), fake.seen[-1].sent)
        assert 1 <= len(fake.seen) <= 3
    elif fault in CONNECTING:
        wanted = {"refuse": {"connect_refused"}, "tls": {"tls"}, "dns": {"dns", "connect_timeout"}}[fault]
        assert status == 502
        assert json.loads(body)["error"]["code"] in wanted
    elif fault == "error_200":
        assert (status, body) == (200, fake.seen[0].sent)
    elif fault == "garbage_sse":
        assert (status, body) == (200, b"\x00\xff garbage \r\ndata: {not json}\n\nmore garbage")
    elif fault == "cut_sse" or (fault == "hang_body" and stream):
        events = body.split(b"\n\n")
        assert (status, len(events), events[-1]) == (200, 6, b""), "four whole events, the error, nothing half"
        error = json.loads(events[-2].removeprefix(b"data: "))["error"]
        assert error["code"] == ("deadline" if fault == "hang_body" else "upstream_broken")
    else:
        assert status == (502 if fault == "cut_json" else 504)
        assert json.loads(body)["error"]["type"] == "server_error"


@pytest.mark.parametrize("fault", ["close", "reset", "not_http"])
def test_a_connection_that_ends_without_an_answer(open_gate: Open, fake: Fake, other: Fake, fault: str) -> None:
    gate = failing(open_gate, fault, fake, other, fallback=False)
    status, _, body = gate.ask({"model": "m", "messages": []})
    assert (status, json.loads(body)["error"]["code"], len(fake.seen)) == (502, "upstream_broken", 1)
    gate.publish(Release("A", endpoint="a", fallbacks=("B",)), shares={"A": 1.0})
    assert gate.ask({"model": "m", "messages": []})[0] == 200


def test_errors_in_the_words_of_each_api(open_gate: Open, fake: Fake) -> None:
    gate = open_gate(upstream="http://127.0.0.1:1/v1")
    openai = json.loads(gate.ask({"model": "m"}, "/v1/responses")[2])
    assert set(openai["error"]) == {"message", "type", "param", "code"}
    anthropic = json.loads(gate.ask({"model": "m"}, "/v1/messages")[2])
    assert (anthropic["type"], anthropic["error"]["type"]) == ("error", "api_error")
    plain = json.loads(gate.ask({"prompt": "Hi"}, "/generate")[2])
    assert plain == {"error": {"code": "connect_refused", "message": "The upstream refused the connection."}}


@pytest.mark.parametrize(("path", "kind"), [("/v1/messages", "anthropic"), ("/v1/responses", "responses")])
def test_streams_of_every_api_end_with_their_own_error(gate: Gate, path: str, kind: str) -> None:
    status, _, body = gate.ask({"model": "m", "stream": True, "input": ""}, path, x_fake='{"fault": "cut_sse"}')
    assert (status, b"event: error\n" in body) == (200, True)
    event = json.loads(body.split(b"event: error\ndata: ")[1])
    assert event["type"] == "error"
    assert (event["error"] if kind == "anthropic" else event)["code"] == "upstream_broken"


def test_redirects_are_not_followed(gate: Gate) -> None:
    status, headers, body = gate.ask({"model": "m"}, x_fake='{"fault": "302"}')
    assert (status, json.loads(body)["error"]["code"], "location" in headers) == (502, "upstream_redirects", False)


def test_a_short_retry_after_is_honoured(gate: Gate) -> None:
    gate.fake.faults = ["429"]
    begun = time.monotonic()
    assert gate.ask({"model": "m"}, x_fake='{"retry_after": 0.7}')[0] == 200
    assert time.monotonic() - begun >= 0.7
    assert gate.told()["homeostat.attempts"] == 2


def test_a_long_one_is_the_clients(gate: Gate) -> None:
    status, headers, _ = gate.ask({"model": "m"}, x_fake='{"fault": "429", "retry_after": 3600}')
    assert (status, headers["retry-after"], len(gate.fake.seen)) == (429, "3600", 1)


def test_retries_stay_within_a_tenth(open_gate: Open, fake: Fake) -> None:
    gate = open_gate(breaker_failures=10_000)
    for number in range(200):
        gate.ask({"model": "m"}, x_fake='{"fault": "500", "retry_after": 0}' if number % 2 else "{}")
    assert len(fake.seen) <= 200 * 1.1 + 2


def test_a_failing_upstream_is_left_alone_and_tried_again(
    open_gate: Open, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("homeostat.gateway.proxy.Breaker", partial(Breaker, monotonic=lambda: now[0]))
    gate = open_gate(breaker_failures=3, breaker_seconds=0.5, gateway_retries=0)
    fake.always = "500"
    for _ in range(3):
        assert gate.ask({"model": "m"})[0] == 500
    status, headers, body = gate.ask({"model": "m"})
    assert (status, json.loads(body)["error"]["code"], headers["retry-after"]) == (503, "upstream_down", "1")
    assert len(fake.seen) == 3
    now[0] += 0.6
    assert gate.ask({"model": "m"})[0] == 500, "the probe"
    assert gate.ask({"model": "m"})[0] == 503
    fake.always = ""
    now[0] += 2
    assert [gate.ask({"model": "m"})[0] for _ in range(6)] == [200] * 6


def test_one_that_hangs_is_left_alone_too_with_another_to_fall_back_to(
    open_gate: Open, fake: Fake, other: Fake
) -> None:
    """Else every call would wait for it for half of its time."""
    gate = failing(open_gate, "hang", fake, other, fallback=True, breaker_failures=2, breaker_seconds=30.0)
    waits = []
    for _ in range(4):
        begun = time.monotonic()
        status, headers, _ = gate.ask({"model": "m", "messages": []})
        assert (status, headers["x-homeostat-release"]) == (200, "B")
        waits.append(time.monotonic() - begun)
    assert len(fake.seen) == 2
    assert min(waits[:2]) >= BOTH / 2 - 0.05


def test_refused_requests_do_not_open_the_breaker(open_gate: Open, fake: Fake) -> None:
    gate = open_gate(breaker_failures=2)
    fake.always = "401"
    assert [gate.ask({"model": "m"})[0] for _ in range(5)] == [401] * 5
    assert len(fake.seen) == 5


def test_an_idle_connection_that_was_closed_is_replaced(tmp_path: Path, open_gate: Open, fake: Fake) -> None:
    gate = open_gate(gateway_retries=0)
    for _ in range(3):
        assert gate.ask({"model": "m"})[0] == 200
    assert fake.connections == 1, "one connection serves them all"
    port = fake.port
    fake.stop()
    fresh = Fake(port).start()
    assert gate.ask({"model": "m"})[0] == 200
    assert len(fresh.seen) == 1
    fresh.stop()
