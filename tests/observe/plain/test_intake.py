"""Plain JSON in, facts in the spool: every field, every alias, every mistake."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.observe.facts import read as read_facts
from homeostat.store.spool.envelope import Part
from homeostat.store.spool.writer import SpoolFull
from tests.loop.serving import NOW_NS, Running, running_edge

TRACE, SPAN = "5b8efff798038103d269b633813f0012", "eee19b7ec3c10011"
NOW = "2026-02-25T06:15:00.000000Z"
JSON = "application/json"
SIGNAL_KEYS = [
    "fact",
    "id",
    "name",
    "value",
    "label",
    "comment",
    "correction",
    "at",
    "source",
    "trace_id",
    "span_id",
    "session_id",
    "user_id",
]
SCORE_KEYS = [
    "fact",
    "id",
    "name",
    "value",
    "label",
    "reason",
    "scorer",
    "rung",
    "at",
    "source",
    "trace_id",
    "span_id",
    "session_id",
]
EXCHANGE_KEYS = [
    "fact",
    "id",
    "at",
    "trace_id",
    "span_id",
    "latency_ms",
    "ttft_ms",
    "name",
    "kind",
    "requested_model",
    "model",
    "provider",
    "response_id",
    "user_id",
    "session_id",
    "release",
    "environment",
    "prompt_name",
    "prompt_version",
    "input",
    "output",
    "messages",
    "documents",
    "tool_calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost",
    "finish_reason",
    "status",
    "error",
    "tags",
    "attributes",
]


_blanks = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_edge(tmp_path_factory.mktemp("edge"), text_limit=2000) as running:
        yield running


@pytest.fixture
def edge(shared: Running) -> Running:
    shared.spool.envelopes.clear()
    shared.spool.failure = None
    return shared


def send(edge: Running, path: str, value: Any, **headers: str) -> tuple[int, Any]:
    # Blanks at the end: the same content in other bytes, which is no repeat.
    body = value if isinstance(value, bytes) else json.dumps(value).encode() + b" " * next(_blanks)
    status, _, answer = edge.post(path, body, JSON, **headers)
    return status, json.loads(answer)


def facts(edge: Running) -> list[dict[str, Any]]:
    """What is in the spool."""
    found = []
    for envelope in edge.spool.envelopes:
        lines = envelope.body.split(b"\n")
        assert (envelope.part, envelope.items, envelope.received) == (Part.FACTS, len(lines), NOW_NS)
        found += [json.loads(line) for line in lines]
    return found


def one(edge: Running, kind: str, /, **fields: Any) -> dict[str, Any]:
    """The fact that one object becomes."""
    edge.spool.envelopes.clear()
    status, answer = send(edge, f"/api/v1/{kind}", fields)
    assert status == 202, answer
    [fact] = facts(edge)
    assert answer["ids"] == [fact["id"]]
    assert answer["accepted"] == 1
    assert list(fact) and set(fact) == set(
        {"signals": SIGNAL_KEYS, "scores": SCORE_KEYS, "exchanges": EXCHANGE_KEYS}[kind]
    )
    return fact


def wrong(edge: Running, kind: str, value: Any) -> list[dict[str, Any]]:
    """What the answer says is wrong; nothing is stored."""
    status, answer = send(edge, f"/api/v1/{kind}", value)
    assert status == 422, answer
    assert answer["error"]["code"] == "invalid"
    assert answer["error"]["hint"]
    assert not edge.spool.envelopes
    items: list[dict[str, Any]] = answer["error"]["items"]
    return items


def test_a_signal(edge: Running) -> None:
    fact = one(
        edge,
        "signals",
        name="thumbs",
        value=-1,
        comment="no",
        at="2026-02-25T07:00:00+01:00",
        exchange_id=f"{TRACE}-{SPAN}",
    )
    assert fact == {
        "fact": "signal",
        "id": fact["id"],
        "name": "thumbs",
        "value": -1.0,
        "label": "",
        "comment": "no",
        "correction": "",
        "at": "2026-02-25T06:00:00.000000Z",
        "source": "api",
        "trace_id": TRACE,
        "span_id": SPAN,
        "session_id": "",
        "user_id": "",
    }


@pytest.mark.parametrize(
    ("value", "number", "label"),
    [
        (1, 1.0, ""),
        (0.25, 0.25, ""),
        (True, 1.0, ""),
        ("5", 5.0, ""),
        ("positive", None, "positive"),
        (None, None, ""),
        (2**70, 2.0**70, ""),
    ],
)
def test_values_of_a_signal(edge: Running, value: Any, number: float | None, label: str) -> None:
    fact = one(edge, "signals", name="n", value=value, user_id="u")
    assert (fact["value"], fact["label"]) == (number, label)


@pytest.mark.parametrize(
    ("about", "read"),
    [
        ({"trace_id": TRACE.upper()}, {"trace_id": TRACE, "span_id": ""}),
        ({"traceId": TRACE, "observationId": SPAN}, {"trace_id": TRACE, "span_id": SPAN}),
        ({"session_id": "s"}, {"session_id": "s", "trace_id": ""}),
        ({"conversationId": 17}, {"session_id": "17"}),
        ({"user": "u"}, {"user_id": "u"}),
        ({"user_id": "x" * 100_000}, {"user_id": "x" * 1024}),
    ],
)
def test_what_a_signal_is_about(edge: Running, about: dict[str, Any], read: dict[str, str]) -> None:
    fact = one(edge, "signals", name="n", **about)
    assert {name: fact[name] for name in read} == read


@pytest.mark.parametrize(
    ("at", "read"),
    [
        (1772000000, "2026-02-25T06:13:20.000000Z"),
        (1772000000.25, "2026-02-25T06:13:20.250000Z"),
        (1772000000123, "2026-02-25T06:13:20.123000Z"),
        (1772000000123456, "2026-02-25T06:13:20.123456Z"),
        (1772000000123456789, "2026-02-25T06:13:20.123457Z"),
        ("1772000000", "2026-02-25T06:13:20.000000Z"),
        ("2026-02-25", "2026-02-25T00:00:00.000000Z"),
        ("2026-02-25 06:13", "2026-02-25T06:13:00.000000Z"),
        ("2026-02-25T06:13:20.123456789Z", "2026-02-25T06:13:20.123456Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        ("2100-01-01T00:00:00Z", "2100-01-01T00:00:00.000000Z"),
        (None, NOW),
    ],
)
def test_times(edge: Running, at: Any, read: str) -> None:
    assert one(edge, "signals", name="n", user_id="u", at=at)["at"] == read


def test_a_retry_is_the_same_fact_and_another_is_not(edge: Running) -> None:
    first = one(edge, "signals", name="n", user_id="u", value=1)["id"]
    assert one(edge, "signals", value=1, user_id="u", name="n")["id"] == first
    assert one(edge, "signals", name="n", user_id="u", value=2)["id"] != first
    assert one(edge, "signals", name="n", user_id="u", id="mine")["id"] == "mine"
    one_exchange = one(edge, "exchanges", prompt="a", response="b")["id"]
    assert one(edge, "exchanges", prompt="a", response="b")["id"] == one_exchange
    edge.spool.envelopes.clear()
    send(edge, "/api/v1/exchanges", {"prompt": "a", "response": "b"}, x_test_project="other")
    assert facts(edge)[0]["id"] != one_exchange


@pytest.mark.parametrize("path", ["/api/v1/exchanges", "/api/v1/signals", "/api/public/scores"])
def test_a_body_sent_again_is_counted_as_a_duplicate(edge: Running, path: str) -> None:
    body = json.dumps([{"name": "again", "input": "q", "value": 1, "session_id": "s"}] * 2).encode()
    edge.spool.failure = SpoolFull("no room", 1)
    assert send(edge, path, body)[0] == 503
    edge.spool.failure = None
    first, second = send(edge, path, body), send(edge, path, body)
    assert first == second
    assert [(e.items, e.outcome, e.part) for e in edge.spool.envelopes] == [
        (2, "", Part.FACTS),
        (2, "duplicate", Part.NOTHING),
    ]


@pytest.mark.parametrize("kind", ["exchanges", "signals", "scores"])
def test_what_is_older_than_what_is_kept_is_told(edge: Running, kind: str) -> None:
    item = {"name": "n", "input": "q", "output": "a", "value": 1, "session_id": "s"}
    status, answer = send(edge, f"/api/v1/{kind}", [item | {"at": "2001-01-01T00:00:00Z"}, item])
    assert (status, answer["accepted"], answer["expired"]) == (202, 2, 1)
    (envelope,) = edge.spool.envelopes
    assert read_facts(envelope, 0).expired == 1, "the loader counts what was told"
    assert "expired" not in send(edge, f"/api/v1/{kind}", [item])[1]


def test_what_is_ignored_is_told(edge: Running) -> None:
    status, answer = send(edge, "/api/v1/signals", {"name": "n", "user_id": "u", "colour": "red", "metadata": {}})
    assert (status, answer["ignored"]) == (202, ["colour", "metadata"])


def test_a_score(edge: Running) -> None:
    fact = one(
        edge,
        "scores",
        name="relevance",
        value=0.9,
        reason="r",
        scorer="me",
        rung="judge",
        exchange_id=f"{TRACE}-{SPAN}",
        at=1772000000,
    )
    assert fact == {
        "fact": "score",
        "id": fact["id"],
        "name": "relevance",
        "value": 0.9,
        "label": "",
        "reason": "r",
        "scorer": "me",
        "rung": "judge",
        "at": "2026-02-25T06:13:20.000000Z",
        "source": "api",
        "trace_id": TRACE,
        "span_id": SPAN,
        "session_id": "",
    }
    plain = one(edge, "scores", name="n", score=1, explanation="because", trace_id=TRACE)
    assert (plain["value"], plain["reason"], plain["rung"], plain["at"]) == (1.0, "because", "model", NOW)


def test_an_exchange_with_everything(edge: Running) -> None:
    given: dict[str, Any] = {
        "id": f"{TRACE}-{SPAN}",
        "at": 1772000000,
        "latency_ms": 120.5,
        "ttft_ms": 20,
        "name": "answer",
        "kind": "answer",
        "requested_model": "gpt-4o-mini",
        "model": "gpt-4o-mini-2024",
        "provider": "openai",
        "response_id": "r1",
        "user_id": "u",
        "session_id": "s",
        "release": "v1",
        "environment": "prod",
        "prompt_name": "p",
        "prompt_version": "3",
        "input": "question",
        "output": "answer",
        "messages": [{"role": "user", "content": "question"}],
        "documents": [{"id": "d", "text": "t", "score": 0.5}],
        "tool_calls": [{"id": "c", "name": "search", "arguments": {"q": 1}}],
        "input_tokens": 12,
        "output_tokens": 7,
        "cached_tokens": 4,
        "cache_write_tokens": 1,
        "reasoning_tokens": 2,
        "cost": 0.001,
        "finish_reason": "stop",
        "status": "ok",
        "error": "",
        "tags": ["a"],
        "attributes": {"any": [1, None]},
    }
    fact = one(edge, "exchanges", **given)
    assert fact == {"fact": "exchange", "trace_id": TRACE, "span_id": SPAN} | given | {
        "at": "2026-02-25T06:13:20.000000Z",
        "error": "",
    }


def test_the_smallest_exchange(edge: Running) -> None:
    fact = one(edge, "exchanges", prompt="hi", response="hello")
    assert (fact["input"], fact["output"], fact["kind"], fact["status"], fact["at"]) == (
        "hi",
        "hello",
        "call",
        "ok",
        "",
    )
    assert (fact["latency_ms"], fact["input_tokens"], fact["cost"], fact["messages"]) == (None, None, None, None)
    assert (fact["documents"], fact["tool_calls"], fact["tags"], fact["attributes"]) == ([], [], [], {})
    trace, _, span = fact["id"].partition("-")
    assert (len(trace), len(span)) == (32, 16)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"question": "q", "answer": "a"}, {"input": "q", "output": "a"}),
        ({"prompt": "q", "generated_text": "a"}, {"input": "q", "output": "a"}),
        ({"input": {"x": 1}, "output": [1]}, {"input": '{"x":1}', "output": "[1]"}),
        (
            {
                "input": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": [{"type": "text", "text": "q"}]},
                ]
            },
            {
                "input": "q",
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": [{"type": "text", "text": "q"}]},
                ],
            },
        ),
        (
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
            {"input": "q", "output": "a"},
        ),
        ({"input": "q", "output": {"choices": [{"message": {"role": "assistant", "content": "a"}}]}}, {"output": "a"}),
        ({"output": {"choices": [{"message": "a"}]}}, {"output": "a"}),
        ({"output": {"choices": [{"message": ["a"]}]}}, {"output": '["a"]'}),
        (
            {"prompt": {"name": "p", "version": 3}, "input": "q"},
            {"input": "q", "prompt_name": "p", "prompt_version": "3", "attributes": {}},
        ),
        ({"prompt": {"any": "q"}}, {"input": '{"any":"q"}', "prompt_name": ""}),
        ({"latency": 1.5}, {"latency_ms": 1500.0}),
        (
            {"start_time": 1772000000, "end_time": 1772000002},
            {"at": "2026-02-25T06:13:20.000000Z", "latency_ms": 2000.0},
        ),
        ({"ttft": 0.25}, {"ttft_ms": 250.0}),
        (
            {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 1}}},
            {"input_tokens": 3, "output_tokens": 4, "cached_tokens": 1},
        ),
        (
            {"promptTokens": 3, "usage": {"completion_tokens_details": {"reasoning_tokens": 2}}},
            {"input_tokens": 3, "reasoning_tokens": 2},
        ),
        (
            {"contexts": ["a", {"page_content": "b", "source": "s"}]},
            {"documents": [{"text": "a"}, {"source": "s", "text": "b"}]},
        ),
        (
            {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
            {"tool_calls": [{"id": "1", "name": "f", "arguments": "{}"}]},
        ),
        ({"tags": "beta"}, {"tags": ["beta"]}),
        ({"metadata": {"a": 1}, "shop": "x", "Größe": 2}, {"attributes": {"a": 1, "shop": "x", "Größe": 2}}),
        ({"error": {"message": "boom", "type": "T"}}, {"error": "boom", "status": "error"}),
        ({"user": {"id": "u7"}, "env": "dev", "version": 3}, {"user_id": "u7", "environment": "dev", "release": "3"}),
        ({"user_id": "x" * 100_000}, {"user_id": "x" * 1024, "attributes": {"homeostat.truncated": "user_id"}}),
        ({"output": "y" * 3000}, {"output": "y" * 2000, "attributes": {"homeostat.truncated": "output"}}),
        (
            {"input": "a\0b", "metadata": {'k"\0; DROP': "\ud83d"}},
            {"input": "a\0b", "attributes": {'k"\0; DROP': "\ufffd"}},
        ),
        ({"kind": "LLM", "status": "Failed"}, {"kind": "call", "status": "error"}),
    ],
)
def test_other_spellings(edge: Running, given: dict[str, Any], read: dict[str, Any]) -> None:
    fact = one(edge, "exchanges", **given)
    assert {name: fact[name] for name in read} == read


def test_a_client_s_own_id_joins_its_signals(edge: Running) -> None:
    fact = one(edge, "exchanges", id="order 17", input="q")
    assert fact["attributes"] == {"client_id": "order 17"}
    signal = one(edge, "signals", name="n", exchange_id="order 17")
    assert f"{signal['trace_id']}-{signal['span_id']}" == fact["id"]
    assert one(edge, "exchanges", id=TRACE, input="q")["id"].startswith(TRACE + "-")


@pytest.mark.parametrize("value", [5, -1, 1.0001])
def test_a_number_on_another_scale_is_no_score(edge: Running, value: float) -> None:
    status, answer = send(edge, "/api/v1/scores", [{"name": "n", "value": value, "trace_id": TRACE}])
    assert (status, answer["error"]["items"][0]["field"]) == (422, "value")
    for end in (0, 1):
        assert one(edge, "scores", name="n", value=end, trace_id=TRACE)["value"] == end


def test_an_exchange_with_an_id_of_its_own_and_a_trace_is_found_by_both(edge: Running) -> None:
    fact = one(edge, "exchanges", id="order 17", trace_id="talk 3", input="q")
    assert fact["attributes"] == {"client_id": "order 17"}
    for kind in ("signals", "scores"):
        said = one(edge, kind, name="n", value=1, exchange_id="order 17", trace_id="talk 3")
        assert f"{said['trace_id']}-{said['span_id']}" == fact["id"]
        assert one(edge, kind, name="n", value=1, exchange_id=fact["id"], trace_id="x")["span_id"] == fact["span_id"]
    assert one(edge, "exchanges", id=fact["id"], trace_id=fact["trace_id"], span_id=fact["span_id"])["attributes"] == {}


@pytest.mark.parametrize(
    ("kind", "item", "field"),
    [
        ("signals", {"value": 1, "user_id": "u"}, "name"),
        ("signals", {"name": "n"}, "exchange_id"),
        ("signals", {"name": "n", "span_id": SPAN}, "trace_id"),
        ("signals", {"name": "n", "user_id": "u", "value": [1]}, "value"),
        ("signals", {"name": "n", "user_id": "u", "value": "NaN"}, "value"),
        ("signals", {"name": "n", "user_id": "u", "value": 10**400}, "value"),
        ("signals", {"name": "n", "user_id": "u", "at": "yesterday"}, "at"),
        ("signals", {"name": "n", "user_id": "u", "at": -1}, "at"),
        ("signals", {"name": "n", "user_id": "u", "at": 1e300}, "at"),
        ("signals", {"name": "n", "user_id": "u", "at": "0001-01-01T00:00:00+23:00"}, "at"),
        ("signals", {"name": ["n"], "user_id": "u"}, "name"),
        ("scores", {"name": "n", "trace_id": TRACE}, "value"),
        ("scores", {"name": "n", "value": 1, "user_id": "u"}, "exchange_id"),
        ("scores", {"name": "n", "value": 1, "trace_id": TRACE, "rung": "top"}, "rung"),
        ("exchanges", {"input": "q", "input_tokens": -1}, "input_tokens"),
        ("exchanges", {"input": "q", "input_tokens": 1.5}, "input_tokens"),
        ("exchanges", {"input": "q", "usage": {"prompt_tokens": "many"}}, "usage.input_tokens"),
        ("exchanges", {"input": "q", "latency_ms": -5}, "latency_ms"),
        ("exchanges", {"input": "q", "cost": -5}, "cost"),
        ("exchanges", {"input": "q", "kind": "poem"}, "kind"),
        ("exchanges", {"input": "q", "status": "great"}, "status"),
        ("exchanges", {"messages": "q"}, "messages"),
    ],
)
def test_mistakes_are_named(edge: Running, kind: str, item: dict[str, Any], field: str) -> None:
    told = wrong(edge, kind, item)
    assert told[0]["index"] == 0
    assert field in [problem["field"] for problem in told]
    assert all(problem["message"].startswith(problem["field"]) for problem in told)


def test_a_list_is_kept_whole_or_not_at_all(edge: Running) -> None:
    good = {"name": "n", "user_id": "u"}
    assert [problem["index"] for problem in wrong(edge, "signals", [good, {"name": "n"}, good, {}])] == [1, 3, 3]
    status, answer = send(edge, "/api/v1/signals", [good | {"value": n} for n in range(500)])
    assert (status, answer["accepted"], len(set(answer["ids"]))) == (202, 500, 500)
    assert len(edge.spool.envelopes) == 1
    assert send(edge, "/api/v1/signals", [])[1] == {"accepted": 0, "ids": []}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b"5", JSON, 400),
        (b"[[]]", JSON, 400),
        (b'{"a":NaN}', JSON, 400),
        (b'{"a":' * 70 + b"1" + b"}" * 70, JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
    ],
)
def test_bodies_that_are_not_ours(edge: Running, body: bytes, kind: str, status: int) -> None:
    for path in ("/api/v1/signals", "/api/v1/exchanges", "/api/public/scores", "/api/public/ingestion"):
        got, _, answer = edge.post(path, body, kind)
        assert got == status
        assert json.loads(answer)["error"]["message"]


def test_gzip_and_charset_and_slash(edge: Running) -> None:
    body = gzip.compress(b'{"name":"n","user_id":"u"}')
    assert edge.post("/api/v1/signals/", body, "application/json; charset=utf-8", content_encoding="gzip")[0] == 202
    assert len(facts(edge)) == 1


def test_a_full_spool(edge: Running) -> None:
    edge.spool.failure = SpoolFull("no room", 1)
    status, headers, answer = edge.post("/api/v1/signals", b'{"name":"n","user_id":"u"}', JSON)
    assert (status, headers["retry-after"], json.loads(answer)["error"]["code"]) == (503, "1", "overloaded")


def test_ten_megabytes_of_prompt(edge: Running) -> None:
    assert len(one(edge, "exchanges", input="x" * (10 << 20))["input"]) == 2000


RECORDED = Path(__file__).parents[2] / "fixtures" / "otlp" / "e_langfuse" / "004.json"


def test_langfuse_scores_as_recorded(edge: Running) -> None:
    assert send(edge, "/api/public/scores", RECORDED.read_bytes()) == (202, {"message": "Accepted"})
    helpful, thumbs, tone = facts(edge)
    assert helpful == {
        "fact": "score",
        "id": "77a8d2be28f9870b",
        "name": "helpfulness",
        "value": 0.8,
        "label": "",
        "reason": "ok",
        "scorer": "",
        "rung": "model",
        "at": "2026-11-20T10:54:03.770905Z",
        "source": "langfuse",
        "trace_id": "8b4ba5029182bd1089747c029420c698",
        "span_id": "3e72006863bbf857",
        "session_id": "",
    }
    assert (thumbs["value"], thumbs["label"], thumbs["span_id"]) == (1.0, "true", "")
    assert (tone["value"], tone["label"]) == (None, "friendly")
    assert set(helpful) == set(SCORE_KEYS)


def test_langfuse_one_score_and_wrong_ones(edge: Running) -> None:
    good = {"name": "n", "value": 1, "traceId": TRACE, "source": "ANNOTATION", "configId": "c"}
    status, answer = send(edge, "/api/public/scores", good)
    assert (status, answer["id"], facts(edge)[0]["rung"]) == (200, facts(edge)[0]["id"], "human")
    status, answer = send(edge, "/api/public/scores", {"name": "n", "value": 1})
    assert (status, answer["error"]) == (400, "InvalidRequestError")
    status, answer = send(edge, "/api/public/scores", [good | {"id": "x"}, {"value": "a"}])
    assert (status, answer["accepted"], answer["rejected"], len(answer["errors"])) == (207, 1, 1, 1)


def test_langfuse_corrections_are_signals(edge: Running) -> None:
    send(edge, "/api/public/scores", {"name": "output", "value": "better", "dataType": "CORRECTION", "traceId": TRACE})
    [fact] = facts(edge)
    assert (fact["fact"], fact["correction"], fact["value"]) == ("signal", "better", None)
    assert set(fact) == set(SIGNAL_KEYS)


def test_langfuse_numbers_on_another_scale_are_signals(edge: Running) -> None:
    stars = {"name": "stars", "value": 4, "dataType": "NUMERIC", "comment": "nice", "traceId": TRACE}
    assert send(edge, "/api/public/scores", stars)[0] == 200
    [fact] = facts(edge)
    assert (fact["fact"], fact["value"], fact["comment"]) == ("signal", 4.0, "nice")
    assert set(fact) == set(SIGNAL_KEYS)


def test_langfuse_ingestion(edge: Running) -> None:
    score = {"id": "s1", "name": "n", "value": 0.5, "traceId": TRACE}
    batch = [
        {"id": "e1", "type": "score-create", "timestamp": "2026-02-25T06:00:00Z", "body": score},
        {"id": "e2", "type": "trace-create", "timestamp": "2026-02-25T06:00:00Z", "body": {"id": "t"}},
        {"id": "e3", "type": "score-create", "timestamp": "2026-02-25T06:00:00Z", "body": {"value": "x"}},
        {"id": "e4", "type": "sdk-log", "body": {}},
        {"id": "e5", "type": "score-create", "body": 5},
    ]
    status, answer = send(edge, "/api/public/ingestion", {"batch": batch, "metadata": {}})
    assert status == 207
    assert answer["successes"] == [{"id": "e1", "status": 201}, {"id": "e4", "status": 201}]
    assert [(error["id"], error["status"]) for error in answer["errors"]] == [("e2", 400), ("e3", 400), ("e5", 400)]
    [fact] = facts(edge)
    assert (fact["id"], fact["value"], fact["at"]) == ("s1", 0.5, "2026-02-25T06:00:00.000000Z")


def test_langfuse_auth_check(edge: Running) -> None:
    status, _, answer = edge.send("GET", "/api/public/projects", headers={"x-test-project": "shop"})
    assert (status, json.loads(answer)["data"][0]["id"]) == (200, "shop")


def test_too_many_items(edge: Running) -> None:
    status, answer = send(edge, "/api/v1/signals", [{"name": "n", "user_id": "u"}] * 10_001)
    assert (status, answer["error"]["code"]) == (413, "too_large")
    assert not edge.spool.envelopes
