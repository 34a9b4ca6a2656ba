"""Real clients of OpenAI and Anthropic through our own wrappers: what is told, and that they behave as before."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

import homeostat
from homeostat.sdk.instruments import clients, reading
from homeostat.sdk.runtime import Runtime
from tests.sdk.listener import Listener, attributes
from tests.sdk.model import Model, modelling

MESSAGES: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long?"}]
TOOLS: Any = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
CLAUDE_TOOLS: Any = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": MESSAGES, "temperature": 0.5}
CLAUDE: dict[str, Any] = {"model": "claude-x", "max_tokens": 10, "messages": MESSAGES[1:], "system": "Be brief."}


@pytest.fixture
def model(sdk: Runtime) -> Iterator[Model]:
    with modelling() as found:
        for library in clients.CLIENTS:
            assert clients.wrap(library)
        yield found
        for library in clients.CLIENTS:
            clients.unwrap(library)


@pytest.fixture
def client(model: Model) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{model.url}/v1", api_key="none", max_retries=0)


@pytest.fixture
def claude(model: Model) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=model.url, api_key="none", max_retries=0)


def only(listener: Listener, sdk: Runtime) -> dict[str, Any]:
    assert sdk.flush(60)
    (span,) = [span for span in listener.ours if span.kind == 3]
    assert sdk.counts().errors == 0
    return attributes(span)


def complete(told: dict[str, Any], *, streamed: bool = False, tokens: bool = True) -> None:
    assert told["gen_ai.operation.name"] == "chat"
    assert "How long?" in told["gen_ai.input.messages"]
    assert told["gen_ai.response.id"]
    assert told["gen_ai.response.finish_reasons"]
    if tokens:
        assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) in ((11, 4), (13, 4))
        assert told["gen_ai.usage.cache_read.input_tokens"] == 3
    assert ("gen_ai.response.time_to_first_chunk" in told) == streamed


def text(told: dict[str, Any]) -> Any:
    return json.loads(told["gen_ai.output.messages"])[0]["content"]


def test_a_chat_completion(listener: Listener, sdk: Runtime, client: openai.OpenAI) -> None:
    with homeostat.context(user_id="anna"):
        answer = client.chat.completions.create(**CHAT)
    assert answer.choices[0].message.content == "30 days."
    told = only(listener, sdk)
    complete(told)
    assert text(told) == "30 days."
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024")
    assert (told["gen_ai.request.temperature"], told["user.id"]) == (0.5, "anna")


@pytest.mark.parametrize("how", ["iterate", "with", "next"])
def test_a_streamed_chat_completion_stays_the_clients_own_object(
    listener: Listener, sdk: Runtime, client: openai.OpenAI, how: str
) -> None:
    stream = client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True})
    assert isinstance(stream, openai.Stream)
    words = []
    if how == "with":
        with stream as opened:
            words = [chunk.choices[0].delta.content or "" for chunk in opened if chunk.choices]
    elif how == "next":
        while (chunk := next(stream, None)) is not None:
            words += [choice.delta.content or "" for choice in chunk.choices]
    else:
        words = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(words) == "30 days."
    told = only(listener, sdk)
    complete(told, streamed=True)
    assert text(told) == "30 days."


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_calls_are_told(listener: Listener, sdk: Runtime, client: openai.OpenAI, streamed: bool) -> None:
    answer: Any = client.chat.completions.create(**CHAT, tools=TOOLS, stream=streamed)
    if streamed:
        list(answer)
    told = only(listener, sdk)
    (call,) = json.loads(told["gen_ai.output.messages"])[0]["tool_calls"]
    assert (call["id"], call["function"]["name"]) == ("call_1", "look")
    assert json.loads(call["function"]["arguments"]) == {"q": "returns"}


def test_a_stream_that_is_left_is_told_as_far_as_it_came(
    listener: Listener, sdk: Runtime, client: openai.OpenAI
) -> None:
    for chunk in client.chat.completions.create(**CHAT, stream=True):
        if chunk.choices[0].delta.content:
            break
    gc.collect()
    told = only(listener, sdk)
    assert text(told) == "30 "
    assert told["homeostat.cut"] is True


def test_helpers_and_raw_answers_go_the_same_way(listener: Listener, sdk: Runtime, client: openai.OpenAI) -> None:
    with client.chat.completions.stream(**CHAT) as stream:
        assert stream.get_final_completion().choices[0].message.content == "30 days."
    client.chat.completions.parse(**CHAT)
    raw = client.chat.completions.with_raw_response.create(**CHAT)
    assert raw.parse().choices[0].message.content == "30 days."
    raw_stream: Any = client.chat.completions.with_raw_response.create(**CHAT, stream=True)
    assert len(list(raw_stream.parse())) == 5
    with client.chat.completions.with_streaming_response.create(**CHAT) as response:
        assert json.loads(response.read())["id"] == "chatcmpl-1"
    del raw, raw_stream
    assert sdk.flush(60)
    told = [attributes(span) for span in listener.ours]
    assert len(told) == 5
    assert [text(each) for each in told if "gen_ai.output.messages" in each] == ["30 days."] * 4
    assert sdk.counts().errors == 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_response(listener: Listener, sdk: Runtime, client: openai.OpenAI, streamed: bool) -> None:
    answer: Any = client.responses.create(model="gpt-4o-mini", input="How long?", instructions="x", stream=streamed)
    if streamed:
        assert [event.type for event in answer][-1] == "response.completed"
    else:
        assert answer.output_text == "30 days."
    told = only(listener, sdk)
    complete(told, streamed=streamed)
    assert text(told) == "30 days."


def test_embeddings(listener: Listener, sdk: Runtime, client: openai.OpenAI) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    told = only(listener, sdk)
    assert told["gen_ai.operation.name"] == "embeddings"
    assert told["input.value"] == ["a", "b"]
    assert told["gen_ai.usage.input_tokens"] == 5


@pytest.mark.parametrize("streamed", [False, True])
def test_a_message_of_anthropic(listener: Listener, sdk: Runtime, claude: anthropic.Anthropic, streamed: bool) -> None:
    answer: Any = claude.messages.create(**CLAUDE, tools=CLAUDE_TOOLS, stream=streamed)
    if streamed:
        assert isinstance(answer, anthropic.Stream)
        list(answer)
    told = only(listener, sdk)
    complete(told, streamed=streamed)
    assert told["gen_ai.usage.input_tokens"] == 13
    said, call = text(told)
    assert said["text"] == "30 days."
    assert (call["name"], call["id"]) == ("look", "toolu_1")
    assert call["input"] in ({"q": "returns"}, '{"q": "returns"}')


def test_anthropics_own_stream_helper(listener: Listener, sdk: Runtime, claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(**CLAUDE) as stream:
        assert "".join(stream.text_stream) == "30 days."
        assert stream.get_final_message().stop_reason == "end_turn"
    complete(only(listener, sdk), streamed=True)


def test_async_clients(listener: Listener, sdk: Runtime, model: Model) -> None:
    async def everything() -> None:
        async with openai.AsyncOpenAI(base_url=f"{model.url}/v1", api_key="none") as client:
            await client.chat.completions.create(**CHAT)
            chunks = [chunk async for chunk in await client.chat.completions.create(**CHAT, stream=True)]
            assert len(chunks) == 5
            async with client.chat.completions.stream(**CHAT) as stream:
                await stream.get_final_completion()
            raw = await client.chat.completions.with_raw_response.create(**CHAT)
            assert raw.parse().choices[0].message.content == "30 days."
        claude = anthropic.AsyncAnthropic(base_url=model.url, api_key="none")
        async with claude, claude.messages.stream(**CLAUDE) as events:
            assert [word async for word in events.text_stream] == ["30 ", "days", "."]

    asyncio.run(everything())
    assert sdk.flush(60)
    told = [attributes(span) for span in listener.ours]
    assert len(told) == 5
    assert all("30 days." in each["gen_ai.output.messages"] for each in told)
    assert sdk.counts().errors == 0


def test_errors_of_the_provider_are_told_and_stay_the_clients_own(
    listener: Listener, sdk: Runtime, model: Model, client: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    model.fail = 429
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**CHAT)
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.create(**CLAUDE)
    assert sdk.flush(60)
    assert [(span.status.code, attributes(span)["error.type"]) for span in listener.ours] == [(2, "RateLimitError")] * 2


def test_what_goes_wrong_in_the_wrapper_never_reaches_the_application(
    listener: Listener, sdk: Runtime, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> Any:
        raise RuntimeError("a mistake of ours")

    for name in ("request", "answer"):
        monkeypatch.setattr(reading.Chat, name, wrong)
        assert client.chat.completions.create(**CHAT).choices[0].message.content == "30 days."
        monkeypatch.undo()
        clients.wrap("openai")
    monkeypatch.setattr(reading.ChatParts, "add", wrong)
    assert len(list(client.chat.completions.create(**CHAT, stream=True))) == 5


def test_without_texts_only_numbers_are_told(listener: Listener, start: Any) -> None:
    runtime = start(listener.url, capture="off")
    with modelling() as model:
        assert clients.wrap("openai")
        try:
            openai.OpenAI(base_url=f"{model.url}/v1", api_key="none").chat.completions.create(**CHAT)
        finally:
            clients.unwrap("openai")
    told = only(listener, runtime)
    assert "gen_ai.input.messages" not in told
    assert "gen_ai.output.messages" not in told
    assert told["gen_ai.usage.input_tokens"] == 11
