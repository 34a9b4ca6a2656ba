"""What most senders send must not rot away from the fast path; what it cannot tell must not slip through it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from homeostat.observe.fast import Odd
from homeostat.records.outcome import Outcome
from homeostat.store.spool.envelope import Envelope
from homeostat.store.warehouse.client import Warehouse

from ..exact.made import START, TRACE, request, span
from ..exact.recorded import envelope
from .segment import Both, expected, same

QUESTION, ANSWER = "why is the sky blue? " * 30, 'because "of" é\n' * 40
GENAI: dict[str, Any] = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2025-07-01", "gen_ai.request.temperature": 0.7, "gen_ai.request.max_tokens": 1024,
    "gen_ai.response.id": "chatcmpl-1", "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 300,
    "gen_ai.usage.output_tokens": 200, "gen_ai.conversation.id": "s", "user.id": "u", "session.id": "s",
    "gen_ai.input.messages": json.dumps([
        {"role": "system", "parts": [{"type": "text", "content": "be kind"}]},
        {"role": "user", "parts": [{"content": QUESTION, "type": "text"}], "name": None},
    ]),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}]
    ),
}  # fmt: skip
BOTH_VOCABULARIES = GENAI | {
    "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.system": "openai", "input.value": QUESTION,
    "input.mime_type": "text/plain", "output.value": ANSWER, "output.mime_type": "text/plain",
    "llm.token_count.prompt": 300,
    "llm.token_count.completion": 200, "llm.token_count.total": 500,
}  # fmt: skip
NUMBERED = {
    "openinference.span.kind": "LLM", "llm.model_name": "m", "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "be kind", "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.content": QUESTION, "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": ANSWER, "llm.token_count.prompt": 3, "llm.token_count.completion": 4,
}  # fmt: skip
UNENDED = {key: value for key, value in BOTH_VOCABULARIES.items() if key != "gen_ai.response.finish_reasons"}
INVOKED = NUMBERED | {
    "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.5}',
    "metadata": '{"user_id": "u-1", "note": "caf\\u00e9", "deep": {"n": 1}}',
}
HTTP = {
    "http.request.method": "POST",
    "url.full": "https://example.org/",
    "http.response.status_code": 200,
    "x.list": ["a", 1, True],
}
PLAIN = {
    "genai": GENAI,
    "both": BOTH_VOCABULARIES,
    "reason inside": UNENDED,
    "numbered": NUMBERED,
    "invoked": INVOKED,
    "http": HTTP,
    "nothing": {},
}
ODD: dict[str, dict[str, Any]] = {
    "too deep": {"a": [[1]]},
    "bytes": {"a": b"x"},
    "not finite": {"a": float("nan")},
    "NUL": {"a": "x\0"},
    "too long": {"a": "x" * 20_001},
    "too long a text": GENAI | {"output.value": "x", "gen_ai.output.messages": "y" * 5_001},
    "mended": GENAI | {"gen_ai.output.messages": '[{"role": "assistant", "content": "a\\ud800", "tool_calls": []}]'},
}
#: SQL lays them out, Python reads their words.
CLOSELY: dict[str, dict[str, Any]] = {
    "a score": {"gen_ai.evaluation.name": "kind"},
    "tool call": GENAI
    | {"gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "tool_call", "name": "f"}]}]'},
    "long id": {"user.id": "u" * 1025},
    "usage": {
        "langfuse.observation.type": "generation",
        "langfuse.observation.usage_details": '{"input": 5, "input_cached_tokens": 3, "output": 7}',
        "langfuse.observation.completion_start_time": '"2026-11-20T00:00:01Z"',
    },
    "deep": {"openinference.span.kind": "LLM", "output.value": '{"generations": [[{"text": "hello"}]]}'},
    "a constant": {"gen_ai.operation.name": "chat", "gen_ai.response.finish_reason": "FinishReason.TOOL_CALLS"},
    "a framework": {"gen_ai.operation.name": "chat", "gen_ai.system": "Strands-Agents", "llm.system": "openai"},
    "too many tokens": {"gen_ai.usage.input_tokens": 4294967295, "gen_ai.usage.cache_read.input_tokens": 4294967295}
    | {"gen_ai.operation.name": "chat", "gen_ai.usage.cache_write.input_tokens": 1, "tags": [1, "a"]},
}


@pytest.fixture(scope="module")
def both(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    yield Both(warehouse, tmp_path_factory.mktemp("fast"), "plain")


def one(number: int, attributes: dict[str, Any], **more: Any) -> Envelope:
    return envelope(
        request(span(attributes, span_id=number.to_bytes(8, "big"), **more), resource={"service.version": "1.2"})
    )


def test_plain_spans_stay_on_the_fast_path(both: Both) -> None:
    bodies = [one(n, attributes) for n, attributes in enumerate(PLAIN.values(), 1)]
    slow, _, found = both.run(bodies)
    assert [list(PLAIN)[n] for n in slow] == []
    same(found, expected(bodies, {})[1])
    assert [row["op"] for row in found] == ["call", "call", "call", "call", "call", "", ""]
    assert {row["input"] for row in found[:5]} == {QUESTION}
    assert {row["output"] for row in found[:5]} == {ANSWER}
    assert (found[4]["requested_model"], found[4]["user_id"]) == ("gpt-4o", "u-1")
    assert [row["finish_reason"] for row in found[:3]] == ["stop"] * 3


def test_failed_spans_stay_on_the_fast_path(both: Both) -> None:
    told = {"exception.type": "TimeoutError", "exception.message": "it took 'too' long", "exception.escaped": False}
    trace = {"exception.stacktrace": 'Traceback:\n  File "a/b.py", line 3\n\ttimeout é\u2026'}
    several = [("retry", {}), ("exception", told | trace), ("exception", {"exception.type": "KeyError"})]
    bodies = [one(n, GENAI, events=events) for n, events in enumerate((several[:2], several, [several[0]]), 1)]
    bodies.append(one(4, GENAI, events=several[:2], status={"code": 2, "message": "it broke"}))
    slow, _, found = both.run(bodies)
    assert slow == {}
    same(found, expected(bodies, slow)[1])
    assert [row["error"] for row in found] == ["it took 'too' long", "it took 'too' long", "", "it broke"]


def test_odd_envelopes_are_left_to_the_complete_path(both: Both) -> None:
    bodies = [one(n, attributes) for n, attributes in enumerate([*PLAIN.values(), *ODD.values()], 1)]
    slow, _, found = both.run(bodies)
    assert list(slow) == list(range(len(PLAIN), len(bodies)))
    assert len(found) == len(PLAIN)


def test_what_only_python_understands_is_read_closely(both: Both) -> None:
    bodies = [one(n, attributes) for n, attributes in enumerate([*PLAIN.values(), *CLOSELY.values()], 1)]
    several = [("ai.stream.firstChunk", {"n": 1}), ("gen_ai.user.message", {"content": "why?"})]
    bodies.append(one(90, {"gen_ai.operation.name": "chat"}, events=several))
    slow, _, found = both.run(bodies)
    assert slow == {}
    assert both.fast.closely == len(CLOSELY) + 1
    same(found, expected(bodies, {})[1])
    at = {name: found[len(PLAIN) + n] for n, name in enumerate(CLOSELY)}
    assert (at["usage"]["input_tokens"], at["too many tokens"]["input_tokens"]) == (8, 4294967295)
    assert at["a constant"]["finish_reason"] == "tool_calls"
    assert at["a framework"]["provider"] == "openai"
    assert found[-1]["input"] == "why?"


def test_a_bunch_after_the_other_is_read(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeostat.observe.fast.close.BUNCH", 2)
    every = [*CLOSELY.values(), *PLAIN.values(), *ODD.values()] * 2
    slow, _, found = both.run([one(n, attributes) for n, attributes in enumerate(every, 1)])
    assert both.fast.closely == 2 * len(CLOSELY)
    assert len(slow) == 2 * len(ODD)
    assert [row["ordinal"] for row in found] == [n for n in range(len(every)) if n not in slow]


def test_invalid_utf8_and_repeated_keys_are_left_to_the_complete_path(both: Both) -> None:
    body = one(1, {"key": "text", "yek": "text"}).body
    bodies = [envelope(body.replace(b"text", b"te\xfft", 1)), envelope(body.replace(b"yek", b"key")), one(2, {})]
    assert list(both.run(bodies)[0]) == [0, 1]


def test_log_records_are_left_to_the_complete_path(both: Both) -> None:
    slow, _, found = both.run([one(1, {}), envelope(b"\n\0", "logs"), one(2, {})])
    assert slow == {}
    assert [row["env"] for row in found] == [0, 2]


def test_what_is_not_staged_is_counted(both: Both) -> None:
    expired = {"start_time_unix_nano": START - 1000, "end_time_unix_nano": START - 900}
    body = request(span(span_id=b"short"), span(trace_id=bytes(16)), span(**expired), span())
    slow, dropped, found = both.run([envelope(body, oldest=START - 100, items=4), envelope(body, outcome="duplicate")])
    assert slow == {}
    assert dropped == [Outcome("p", "expired", 1), Outcome("p", "rejected", 2, "invalid_id")]
    assert [(row["env"], row["trace_id"]) for row in found] == [(0, TRACE)]


def test_only_odd_spans_of_an_envelope_are_left_to_the_complete_path(both: Both) -> None:
    expired = {"start_time_unix_nano": START - 1000, "end_time_unix_nano": START - 900}
    told = [span({"n": n}, span_id=n.to_bytes(8, "big")) for n in range(1, 4)]
    odd = [span({"a": b"x"}, span_id=b"odd-odd%d" % n) for n in range(2)]
    several = ExportTraceServiceRequest()
    for group in ([told[0], span(**expired)], [odd[0], told[1], span(span_id=b"short")], [], [told[2], odd[1]]):
        several.resource_spans.add().scope_spans.add().spans.extend(group)
        several.resource_spans.add()
    bodies = [
        one(7, {}),
        envelope(several.SerializeToString(), oldest=START - 100, items=7),
        one(8, {}),
        one(9, ODD["bytes"]),
    ]
    slow, dropped, found = both.run(bodies)
    assert slow == {1: Odd(1, 1, frozenset((3, 7))), 3: Odd(3, 9, frozenset((9,)))}
    assert [(row["env"], row["ordinal"]) for row in found] == [(0, 0), (1, 1), (1, 4), (1, 6), (2, 8)]
    outcomes, rows = expected(bodies, slow)
    same(found, rows)
    assert dropped == outcomes == [Outcome("p", "expired", 1), Outcome("p", "rejected", 1, "invalid_id")]


@pytest.mark.parametrize("kind", ["LLM", "EMBEDDING"])
def test_a_span_that_only_wraps_a_call_is_none(both: Both, kind: str) -> None:
    wrapper = {"openinference.span.kind": kind, "input.value": "a question", "output.value": "an answer"}
    needs = {"llm.token_count.total": 3}
    hidden = {"input.value": "__REDACTED__"}
    bodies = [one(n, wrapper | more) for n, more in enumerate(({}, needs, hidden, {"llm.model_name": "m"}), 1)]
    slow, _, found = both.run(bodies)
    same(found, expected(bodies, slow)[1])
    op = {"LLM": "call", "EMBEDDING": "embedding"}[kind]
    assert [row["op"] for row in found] == ["chain", op, op, "chain"]
    assert slow == {}
