"""Older, newer and rarer ways to say the same: each line of the table that no recording covers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .made import log, row

Q, A = "What is your return policy?", "30 days."
TALK = json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": Q}])

CALLS: dict[str, dict[str, Any]] = {
    "gen_ai 1.27: prompt and completion as JSON": {
        "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.prompt": TALK,
        "gen_ai.completion": json.dumps([{"role": "assistant", "content": A}]),
        "gen_ai.usage.prompt_tokens": 12, "gen_ai.usage.completion_tokens": 7,
    },
    "OpenLLMetry before 0.50": {
        "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "m",
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": Q,
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": A,
        "gen_ai.completion.0.finish_reason": "stop",
        "gen_ai.usage.prompt_tokens": 12, "gen_ai.usage.completion_tokens": 7,
    },
    "OpenLLMetry, content as parts": {
        "llm.request.type": "chat", "gen_ai.request.model": "m",
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": json.dumps([{"type": "text", "text": Q}]),
        "gen_ai.completion.0.content": A, "gen_ai.completion.0.role": "assistant",
        "llm.usage.prompt_tokens": "12", "llm.usage.completion_tokens": "7",
    },
    "OpenInference, text completion": {
        "openinference.span.kind": "LLM", "llm.model_name": "m", "llm.prompts.0.prompt.text": Q,
        "llm.choices.0.completion.text": A, "llm.token_count.prompt": 12, "llm.token_count.completion": 7,
        "llm.invocation_parameters": '{"model": "m"}',
    },
    "OpenInference, only raw values": {
        "openinference.span.kind": "LLM", "llm.token_count.prompt": 12, "llm.token_count.completion": 7,
        "input.value": json.dumps({"model": "m", "messages": json.loads(TALK)}),
        "output.value": json.dumps({"model": "m-1", "choices": [{"message": {"role": "assistant", "content": A}}]}),
    },
    "Anthropic's words as values": {
        "openinference.span.kind": "LLM", "llm.token_count.prompt": 12, "llm.token_count.completion": 7,
        "input.value": json.dumps({"model": "m", "system": "Be brief.", "messages": [
            {"role": "user", "content": [{"type": "text", "text": Q}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]},
        ]}),
        "output.value": json.dumps({"id": "msg_1", "role": "assistant", "content": [{"type": "text", "text": A}]}),
    },
    "Google's words": {
        "gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "gcp.gen_ai", "gen_ai.request.model": "m",
        "gcp.vertex.agent.llm_request": json.dumps({"contents": [{"role": "user", "parts": [{"text": Q}]}]}),
        "gcp.vertex.agent.llm_response": json.dumps({
            "content": {"role": "model", "parts": [{"text": A}]},
            "usage_metadata": {"prompt_token_count": 12, "candidates_token_count": 4, "thoughts_token_count": 3},
        }),
    },
    "Langfuse, Anthropic's usage": {
        "langfuse.observation.type": "generation", "langfuse.observation.input": TALK, "langfuse.observation.output": A,
        "langfuse.observation.model.name": "m-1",
        "langfuse.observation.usage_details": json.dumps(
            {"input_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3, "output_tokens": 7}
        ),
    },
    "Langfuse, its own usage": {
        "langfuse.observation.type": "generation", "langfuse.observation.input": TALK, "langfuse.observation.output": A,
        "langfuse.observation.usage_details": json.dumps(
            {"input": 8, "input_cached_tokens": 4, "output": 5, "output_reasoning_tokens": 2, "total": 19}
        ),
    },
    "Vercel AI 4": {
        "ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "m", "ai.model.provider": "openai.chat",
        "ai.prompt.messages": TALK, "ai.response.text": A,
        "ai.usage.promptTokens": 12, "ai.usage.completionTokens": 7,
    },
    "pydantic-ai 0: events": {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
        "events": json.dumps([
            {"event.name": "gen_ai.user.message", "role": "user", "content": Q},
            {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": A}},
        ]),
        "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 7,
    },
    "raw Anthropic usage: cache apart": {
        "gen_ai.operation.name": "chat", "gen_ai.input.messages": TALK, "gen_ai.output.messages": A,
        "gen_ai.usage.input_tokens": 2, "gen_ai.usage.cache_read_input_tokens": 10, "gen_ai.usage.output_tokens": 7,
    },
    "LangSmith's kind, LangChain's messages": {
        "langsmith.span.kind": "llm", "gen_ai.request.model": "m",
        "gen_ai.prompt": json.dumps({"messages": [[
            {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"],
             "kwargs": {"content": Q, "type": "human"}}]]}),
        "gen_ai.completion": json.dumps({"generations": [[{"text": A, "type": "ChatGeneration", "message": {
            "lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"],
            "kwargs": {"content": A, "type": "ai", "tool_calls": []}}}]]}),
        "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 7,
    },
    "Responses API as MLflow writes it": {
        "mlflow.spanType": '"LLM"', "mlflow.spanInputs": json.dumps({"model": "m", "instructions": "b", "input": Q}),
        "mlflow.spanOutputs": json.dumps({"id": "r", "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": A}]}]}),
        "mlflow.chat.tokenUsage": '{"input_tokens": 12, "output_tokens": 7}',
    },
    "no word for the kind": {
        "gen_ai.request.model": "m", "gen_ai.input.messages": TALK, "gen_ai.output.messages": A,
        "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 7,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_call_in_other_words(name: str) -> None:
    told = row(CALLS[name])
    assert (told["op"], told["input"], told["output"]) == ("call", Q, A)
    assert (told["input_tokens"], told["output_tokens"]) == (12, 7)


def test_strands_tells_messages_as_events_of_the_span() -> None:
    told = row(
        {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents"},
        events=[
            ("gen_ai.user.message", {"content": json.dumps([{"text": Q}])}),
            ("gen_ai.choice", {"finish_reason": "end_turn", "message": json.dumps([
                {"text": A}, {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1}}}])}),
        ],
    )  # fmt: skip
    assert (told["input"], told["output"], told["finish_reason"]) == (Q, A, "end_turn")
    assert json.loads(told["tool_calls"]) == [{"id": "t1", "name": "f", "arguments": {"x": 1}}]


def test_semantic_kernel_tells_prompt_and_completion_as_events() -> None:
    told = row(
        {"gen_ai.operation.name": "chat.completions"},
        events=[
            ("gen_ai.content.prompt", {"gen_ai.prompt": TALK}),
            ("gen_ai.content.completion", {"gen_ai.completion": A}),
        ],
    )
    assert (told["op"], told["input"], told["output"]) == ("call", Q, A)


def test_old_message_events_as_log_records() -> None:
    asked = log("", {"event.name": "gen_ai.user.message", "gen_ai.system": "openai"}, {"content": Q})
    assert (asked["form"], asked["name"], asked["input"], asked["output"]) == ("log", "gen_ai.user.message", Q, "")
    answered = log(
        "gen_ai.choice",
        {"gen_ai.system": "openai"},
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]}},
    )  # fmt: skip
    assert (answered["output"], answered["finish_reason"]) == ("", "tool_calls")
    assert json.loads(answered["tool_calls"]) == [{"id": "c", "name": "f", "arguments": {"a": 1}}]
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    beside = log("gen_ai.choice", {}, {"index": 0, "message": {"content": None}, "tool_calls": [call]})
    assert beside["tool_calls"] == answered["tool_calls"]
    said = log("gen_ai.choice", {}, {"index": 0, "message": {"role": "assistant", "content": A}})
    assert said["output"] == A
    assert json.loads(said["attributes_json"]["log.body"])["message"]["content"] == A


def test_googles_choice_as_a_log_record() -> None:
    words = {"text": A, "function_call": None, "function_response": None}
    asks = {"text": None, "function_call": {"name": "f", "args": {"a": 1}}, "function_response": None}
    told = log("gen_ai.choice", {}, {"index": 0, "content": {"parts": [words, asks], "role": "model"}})
    assert told["output"] == A
    assert json.loads(told["tool_calls"]) == [{"id": "", "name": "f", "arguments": {"a": 1}}]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('{"data": {"retriever": {"query": "q", "filters": null}, "prompt": {"query": "q"}}}', "q"),
        ('{"one": {"query": "q"}, "other": {"query": "r"}}', None),
        ('{"one": {"query": "q"}, "other": 1}', None),
        ('{"task": "q", "stream": false}', "q"),
        ('{"messages": [["system", "be brief"], ["user", "q"]]}', "q"),
        ("[]", ""),
        ('{"inputs": {"city": "q"}, "tags": [], "kwargs": {"name": "Chain"}}', "q"),
        ('{"inputs": {"input": ""}, "tags": [], "kwargs": {"name": "Chain"}}', ""),
        ('{"inputs": {"a": "q", "b": "r"}, "kwargs": {}}', '{"a":"q","b":"r"}'),
        ('{"inputs": {"messages": [{"role": "user", "content": "q"}]}, "kwargs": {}}', "q"),
        ('{"question": "q", "generation": "a", "documents": []}', "q"),
        ("""{"llm": {"replies": ["ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, """
         """_content=[TextContent(text='it\\\\'s \\\\n here')], _meta={'a': 'b'})"]}}""", "it's \n here"),
        ("<groq.Stream object at 0x7f82baa33f90>", ""),
        ("<generator object Chat.<locals>.tokens at 0x7f82baa33f90>", ""),
        ("<groq.Stream object at 0x7f82baa33f90> it said", "<groq.Stream object at 0x7f82baa33f90> it said"),
        ("<b>bold</b>", "<b>bold</b>"),
    ],
)  # fmt: skip
def test_the_text_of_what_a_component_was_given(said: str, text: str | None) -> None:
    told = row({"openinference.span.kind": "CHAIN", "input.value": said})
    assert told["input"] == (said if text is None else text)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('{"question": "q", "generation": "a", "documents": []}', "a"),
        ('{"raw": "a", "pydantic": null, "tasks_output": [{"description": "q"}]}', "a"),
        ('{"outputs": "a", "kwargs": {"inputs": {"q": "q"}}}', "a"),
        ('{"messages": [{"source": "user", "type": "TextMessage", "content": "q"}, '
         '{"source": "writer", "type": "TextMessage", "content": "a"}], "stop_reason": null}', "a"),
        ('[{"role": "unknown", "parts": [{"type": "text", "content": "a"}]}]', "a"),
        ('{"text": "a", "toolCalls": []}', "a"),
        ('{"text": "", "toolCalls": [], "files": []}', ""),
        ('{"text": "", "warnings": ["w"]}', '{"text": "", "warnings": ["w"]}'),
        ('{"ok": false}', '{"ok": false}'),
        ('[""]', ""),
    ],
)  # fmt: skip
def test_the_text_of_what_a_component_gave(said: str, text: str) -> None:
    assert row({"openinference.span.kind": "CHAIN", "output.value": said})["output"] == text


def test_envelopes_within_envelopes_are_opened_once() -> None:
    """However deep a hostile sender nests them: a text that nobody can read is kept as it is."""
    said = '{"inputs":' * 900 + '"q"' + ',"kwargs":1}' * 900
    told = row({"openinference.span.kind": "CHAIN", "input.value": said, "output.value": "a"})
    assert told["input"].startswith('{"inputs":{"inputs":')
    assert told["output"] == "a"


def test_details_event_with_its_texts_in_the_body() -> None:
    told = log(
        "gen_ai.client.inference.operation.details",
        {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r1"},
        {"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": Q}]}],
         "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": A}]}]},
    )  # fmt: skip
    assert (told["op"], told["input"], told["output"], told["response_id"]) == ("call", Q, A, "r1")


def test_details_event_on_the_span() -> None:
    told = row(
        {"gen_ai.operation.name": "chat"},
        events=[("gen_ai.client.inference.operation.details", {
            "gen_ai.input.messages": TALK, "gen_ai.output.messages": [{"role": "assistant", "parts": [
                {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}]}]})],
    )  # fmt: skip
    assert (told["input"], told["output"]) == (Q, "")
    assert json.loads(told["tool_calls"])[0]["name"] == "f"


@pytest.mark.parametrize(
    ("attributes", "op"),
    [
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 9}, "agent"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"ai.operationId": "ai.streamText"}, "agent"),
        ({"ai.operationId": "ai.embed"}, "chain"),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "embedding"),
        ({"traceloop.span.kind": "workflow"}, "chain"),
        ({"openinference.span.kind": "RETRIEVER"}, "retriever"),
        ({"openinference.span.kind": "GUARDRAIL"}, "evaluator"),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "call"),
        ({"langfuse.observation.type": "embedding"}, "embedding"),
        ({"openinference.span.kind": "LLM", "input.value": "{}", "llm.model_name": "m"}, "chain"),
        ({"openinference.span.kind": "LLM", "input.value": "__REDACTED__", "llm.model_name": "m"}, "call"),
        ({"pydantic_ai.all_messages": "[]", "gen_ai.usage.input_tokens": 3}, "agent"),
        ({"gen_ai.operation.name": "chat", "langsmith.span.kind": "prompt"}, "chain"),
        ({"genkit:type": "action", "genkit:metadata:subtype": "model"}, "call"),
        ({"genkit:type": "flow"}, "chain"),
        ({"gen_ai.operation.name": "agent_step", "mastra.model_step.input": Q}, "call"),
        ({"gen_ai.operation.name": "framework", "spring.ai.kind": "tool_call"}, "tool"),
        ({"http.request.method": "POST"}, ""),
    ],
)
def test_kinds(attributes: dict[str, Any], op: str) -> None:
    told = row(attributes)
    assert told["op"] == op
    assert told["input_tokens"] is None


@pytest.mark.parametrize(
    ("attributes", "column", "value"),
    [
        ({"session.id": "[Scrubbed due to 'session']", "gen_ai.conversation.id": "c1"}, "session_id", "c1"),
        ({"user.id": "", "enduser.id": "u"}, "user_id", "u"),
        ({"user.id": "null", "metadata": '{"user_id": "u2"}'}, "user_id", "u2"),
        ({"mlflow.trace.user": '"u3"'}, "user_id", "u3"),
        ({"traceloop.association.properties.user_id": "u4"}, "user_id", "u4"),
        ({"user.id": 17}, "user_id", "17"),
        ({"langfuse.observation.metadata.langfuse_user_id": '"u5"'}, "user_id", "u5"),
        ({"mastra.metadata.userId": "u6"}, "user_id", "u6"),
        ({"langfuse.observation.metadata.ls_provider": "openai"}, "provider", "openai"),
        ({"gen_ai.system": "spring_ai", "langtrace.service.name": "OpenAI"}, "provider", "openai"),
        ({"thread.id": 140}, "session_id", ""),
        ({"metadata": '{"thread_id": "t9"}'}, "session_id", "t9"),
        ({"langsmith.span.tags": "a, b"}, "tags", ["a", "b"]),
        ({"tag.tags": '["a", "b"]'}, "tags", ["a", "b"]),
        ({"gen_ai.system": "openai.chat"}, "provider", "openai"),
        ({"service.version": "9"}, "release", "9"),
        ({"langfuse.observation.prompt.version": 3}, "prompt_version", "3"),
    ],
)
def test_who_and_what(attributes: dict[str, Any], column: str, value: Any) -> None:
    assert row(attributes)[column] == value


@pytest.mark.parametrize(
    ("attributes", "column", "value"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.25}, "ttft_ms", 250.0),
        ({"ai.response.msToFirstChunk": 12.5}, "ttft_ms", 12.5),
        ({"gen_ai.is_streaming": "True"}, "streaming", True),
        ({"stream": "true"}, "streaming", True),
        ({"gen_ai.request.stream": False}, "streaming", False),
        ({"gen_ai.usage.cost": 0}, "cost", None),
        ({"llm.cost.total": 0.5}, "cost", 0.5),
        ({"langfuse.observation.cost_details": '{"input": 0.1, "output": 0.2, "total": 0.3}'}, "cost", 0.3),
        ({"gen_ai.usage.reasoning_tokens": 5}, "reasoning_tokens", 5),
        ({"gen_ai.usage.cache_creation.input_tokens": 5}, "cache_write_tokens", 5),
        ({"gen_ai.usage.input_tokens": -1}, "input_tokens", None),
        ({"gen_ai.usage.input_tokens": 1 << 40}, "input_tokens", None),
        ({"gen_ai.usage.input_tokens": float("nan")}, "input_tokens", None),
        ({"ai.response.providerMetadata": '{"openai": {"cachedPromptTokens": 5}}'}, "cached_tokens", 5),
        ({"langfuse.observation.usage_details": '{"input": 1, "output_reasoning": 5}'}, "reasoning_tokens", 5),
        ({"gen_ai.response.finish_reasons": '["stop"]'}, "finish_reason", "stop"),
        ({"gen_ai.response.finish_reasons": ["length"]}, "finish_reason", "length"),
    ],
)
def test_numbers_of_a_call(attributes: dict[str, Any], column: str, value: Any) -> None:
    assert row({"gen_ai.operation.name": "chat", **attributes})[column] == value


def test_a_whole_number_is_milliseconds_where_seconds_are_told_as_doubles() -> None:
    told = [row({"gen_ai.operation.name": "chat", "gen_ai.server.time_to_first_token": x}) for x in (360, "360", 0.36)]
    assert [one["ttft_ms"] for one in told] == [360, 360, 360]


def test_providers_are_called_the_same_in_any_case() -> None:
    told = [row({"gen_ai.operation.name": "chat", "gen_ai.system": x})["provider"] for x in ("OpenAI", "openai.chat")]
    assert told == ["openai", "openai"]


@pytest.mark.parametrize("name", ["strands-agents", "langchain", "LangChain", "litellm"])
def test_a_framework_is_no_provider(name: str) -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": name}
    assert row(told)["provider"] == ""
    assert row({**told, "llm.system": "openai"})["provider"] == "openai"


def test_logfire_tells_a_call_of_the_openai_agents_sdk() -> None:
    found = row({
        "gen_ai.system": "openai", "gen_ai.request.model": "m", "response_id": "resp_1",
        "input": '[{"role": "user", "content": "why?"}]',
        "output": '[{"role": "assistant", "content": "because", "tool_calls": [{"id": "c", "name": "f"}]}]',
        "usage": '{"input_tokens_details": {"cached_tokens": 3}, "output_tokens_details": {"reasoning_tokens": 2}}',
    })  # fmt: skip
    assert (found["op"], found["input"], found["output"], found["response_id"]) == ("call", "why?", "because", "resp_1")
    assert (found["cached_tokens"], found["reasoning_tokens"]) == (3, 2)
    assert json.loads(found["tool_calls"])[0]["name"] == "f"


def test_what_a_tool_said_is_not_what_the_user_asked() -> None:
    asked = [{"role": "user", "content": Q}, {"role": "user", "content": "shipped", "tool_call_id": "c"}]
    assert row({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(asked)})["input"] == Q


def test_a_request_to_a_provider_is_a_call() -> None:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": Q}]}
    assert row({"request_data": json.dumps(asked)})["op"] == "call"
    assert row({"request_data": json.dumps({"model": "text-embedding-3-small", "input": "x"})})["op"] == "embedding"
    assert row({"request_data": json.dumps({"model": "Golf", "colour": "red"})})["op"] == ""


def test_a_turn_whose_body_is_json_text_is_read() -> None:
    asked = log("gen_ai.user.message", {}, json.dumps({"role": "user", "content": Q}))
    answered = log(
        "gen_ai.choice",
        {},
        json.dumps({"index": 0, "message": {"role": "assistant", "content": A}, "finish_reason": "FinishReason.STOP"}),
    )
    assert (asked["input"], answered["output"], answered["finish_reason"]) == (Q, A, "stop")
    assert log("other", {}, json.dumps({"content": Q}))["input"] == ""


@pytest.mark.parametrize(
    ("item", "document"),
    [
        ("Document(id=26ab, content: 'it\\'s in Italy', score: 1.5)", ("26ab", "it's in Italy", 1.5)),
        ("page_content='one\\ntwo' metadata={'source': 'x'}", ("", "one\ntwo", None)),
        ("Document(id='a', metadata={'source': 'x'}, page_content=\"it's\")", ("a", "it's", None)),
        ("content: 'quoted', and more", ("", "content: 'quoted', and more", None)),
        ("page_content='a \r b \\\\ c'", ("", "a \r b \\ c", None)),
        ("page_content='a\0b\ud83d'", ("", "a\0b\ufffd", None)),
        ("Document(content: 'never ends", ("", "Document(content: 'never ends", None)),
    ],
)
def test_documents_as_python_prints_them(item: str, document: tuple[str, str, float | None]) -> None:
    told = row({"openinference.span.kind": "RETRIEVER", "output.value": json.dumps({"documents": [item]})})
    [found] = json.loads(told["documents"])
    assert (found["id"], found["text"], found["score"]) == document


def test_documents_made_of_parts() -> None:
    said = {"documents": [{"content": [{"text": "one"}, {"text": "two"}], "metadata": {"source": "x.md"}}]}
    told = row({"genkit:metadata:subtype": "retriever", "genkit:output": json.dumps(said)})
    assert json.loads(told["documents"]) == [{"id": "", "text": "one\ntwo", "score": None, "source": "x.md"}]


@pytest.mark.parametrize(
    "part",
    [
        {"toolRequest": {"name": "f", "ref": "c", "input": {"a": 1}}},
        {"type": "function", "id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}},
    ],
)
def test_parts_that_call_a_tool(part: dict[str, Any]) -> None:
    said = json.dumps({"role": "assistant", "content": [part]})
    told = row({"gen_ai.operation.name": "chat", "gen_ai.completion": said})
    assert json.loads(told["tool_calls"]) == [{"id": "c", "name": "f", "arguments": {"a": 1}}]
    assert told["output"] == ""


def test_a_part_that_defines_a_tool_calls_none() -> None:
    said = json.dumps({"role": "assistant", "content": [{"type": "function", "function": {"name": "f"}}]})
    assert row({"gen_ai.operation.name": "chat", "gen_ai.completion": said})["tool_calls"] == ""


def test_lines_of_a_log_that_hold_a_text() -> None:
    asked = log("", {}, 'Chat Model Prompt Content:\n["be short", "say "hi""]')
    assert (asked["input"], asked["output"]) == ('be short\nsay "hi"', "")
    assert log("", {}, "Chat Model Completion:\n[]")["output"] == ""
    assert log("", {}, 'Chat Model Completion:\n["hi \\n"]')["output"] == "hi \\n"
    assert log("", {}, 'Some Completion:\n["hi"]')["output"] == ""
