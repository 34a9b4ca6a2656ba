"""The clients that people use, unchanged but for the base URL."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import anthropic
import openai
import pytest
import requests
from langchain_openai import ChatOpenAI

from tests.gateway.conftest import Gate, Open, Release, told

WORDS = "The quick brown fox jumps over the lazy dog and sleeps under the old oak tree"
HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def client(gate: Gate) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gate.url}/v1", api_key="sk-dummy", max_retries=0)


def test_openai_chat(gate: Gate, client: openai.OpenAI) -> None:
    answer = client.chat.completions.with_raw_response.create(model="m", messages=HI, user="u1")
    assert answer.parse().choices[0].message.content == WORDS
    span = gate.spans()[0]
    assert answer.headers["x-homeostat-exchange-id"] == f"{span.trace_id.hex()}-{span.span_id.hex()}"
    assert told(span)["user.id"] == "u1"


def test_openai_streams(gate: Gate, client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(model="m", messages=HI, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip() == WORDS
    *_, last = client.responses.create(model="m", input="Hi", stream=True)
    assert last.type == "response.completed"
    assert last.response.output_text == WORDS
    assert len(gate.spans(2)) == 2


def test_openai_responses_embeddings_models(gate: Gate, client: openai.OpenAI) -> None:
    assert client.responses.create(model="m", input="Hi").output_text == WORDS
    made = client.embeddings.create(model="e", input="Hi", encoding_format="float")
    assert made.data[0].embedding == [0.1, 1.0, -2.5e-7]
    assert [model.id for model in client.models.list()] == ["fake-1"]
    assert client.models.retrieve("fake-1").id == "fake-1"
    assert len(gate.spans(2)) == 2


def test_openai_errors(gate: Gate, client: openai.OpenAI) -> None:
    wanted = {
        "400": openai.BadRequestError, "401": openai.AuthenticationError, "403": openai.PermissionDeniedError,
        "404": openai.NotFoundError, "422": openai.UnprocessableEntityError, "429": openai.RateLimitError,
        "500": openai.InternalServerError, "close": openai.InternalServerError,
    }  # fmt: skip
    for fault, kind in wanted.items():
        script = {"x-fake": json.dumps({"fault": fault, "retry_after": 99})}
        with pytest.raises(kind) as raised:
            client.chat.completions.create(model="m", messages=HI, extra_headers=script)
        assert raised.value.code in ("fake", "upstream_broken")  # type: ignore[attr-defined]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_openai_sees_a_stream_that_breaks(gate: Gate, client: openai.OpenAI, api: str) -> None:
    script = {"x-fake": '{"fault": "cut_sse"}'}
    with pytest.raises(openai.APIError, match="broke off"):
        if api == "chat":
            list(client.chat.completions.create(model="m", messages=HI, stream=True, extra_headers=script))
        else:
            list(client.responses.create(model="m", input="Hi", stream=True, extra_headers=script))


def test_openai_without_an_upstream(open_gate: Open) -> None:
    gate = open_gate(upstream="")
    client = openai.OpenAI(base_url=f"{gate.url}/v1", api_key="x")
    with pytest.raises(openai.NotFoundError, match="HOMEOSTAT_UPSTREAM"):
        client.chat.completions.create(model="m", messages=HI)


def test_anthropic(gate: Gate) -> None:
    client = anthropic.Anthropic(base_url=gate.url, api_key="sk-ant", max_retries=0)
    said = client.messages.create(model="c", max_tokens=9, messages=HI)
    assert said.content[0].text == WORDS  # type: ignore[union-attr]
    with client.messages.stream(model="c", max_tokens=9, messages=HI) as stream:
        assert stream.get_final_text().strip() == WORDS
    assert client.messages.count_tokens(model="c", messages=HI).input_tokens == 14
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model="c", max_tokens=9, messages=HI, extra_headers={"x-fake": '{"fault": "401"}'})
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        broken = client.messages.create(
            model="c", max_tokens=9, messages=HI, stream=True, extra_headers={"x-fake": '{"fault": "cut_sse"}'}
        )
        list(broken)


def test_langchain(gate: Gate) -> None:
    model = ChatOpenAI(model="m", base_url=f"{gate.url}/v1", api_key="sk-dummy", max_retries=0)  # type: ignore[arg-type]
    assert model.invoke("Hi").content == WORDS
    assert "".join(str(part.content) for part in model.stream("Hi")).strip() == WORDS
    assert len(gate.spans(2)) == 2


def test_requests_to_generate(open_gate: Open) -> None:
    """A plain script that knows nothing but a URL and a prompt."""
    gate = open_gate(upstream_model="m9")
    body = {"prompt": "Hi", "temperature": 0.3, "max_tokens": 20, "system_message": "Be kind."}
    answer = requests.post(f"{gate.url}/generate", json=body, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"generated_text": WORDS})
    assert gate.fake.seen[0].json == {
        "temperature": 0.3, "max_tokens": 20, "model": "m9",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    }  # fmt: skip
    assert told(gate.spans()[0])["gen_ai.request.model"] == "m9"
    bad = requests.post(f"{gate.url}/generate", json={"text": "Hi"}, timeout=60)
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_request")


def test_generate_speaks_anthropic_too(open_gate: Open, fake: Any) -> None:
    gate = open_gate(upstream="", upstreams={"claude": {"url": fake.url, "kind": "anthropic", "key": "sk-ant"}})
    gate.publish(Release("A", model="c1", endpoint="claude", system="S"), shares={"A": 1.0})
    answer = requests.post(f"{gate.url}/generate", json={"prompt": "Hi", "system_message": "mine"}, timeout=60)
    assert (answer.json(), answer.headers["x-homeostat-release"]) == ({"generated_text": WORDS}, "A")
    seen = gate.fake.seen[0]
    assert (seen.path, seen.header("x-api-key"), seen.json["system"]) == ("/v1/messages", "sk-ant", "S")


def test_curl(gate: Gate) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl here")
    command = [curl, "-sN", f"{gate.url}/v1/chat/completions", "-d", '{"model": "m", "stream": true, "messages": []}']
    done = subprocess.run(
        [*command, "-H", "content-type: application/json"], capture_output=True, timeout=120, check=True
    )
    assert done.stdout == gate.fake.seen[0].sent
