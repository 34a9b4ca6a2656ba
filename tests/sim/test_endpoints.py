"""The simulated providers answer over HTTP as real ones do: the OpenAI client itself is the witness."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest

from homeostat.sim.application import SYSTEM
from homeostat.sim.endpoints import PLAN, Providers, listening
from homeostat.sim.faults import dimensions
from homeostat.sim.judge import Judge
from homeostat.sim.model import Model, embedded, understood
from homeostat.sim.scenario import Effect, named
from homeostat.sim.shop import shop
from homeostat.sim.tuning import Tuning
from homeostat.sim.world import World
from tests.sim.playing import batches

openai = pytest.importorskip("openai")
QUESTION = "What is your return policy?"
RIGHT = shop().by_id["return-window"].said["en"].pages["now"]


@pytest.fixture(scope="module")
def providers() -> Providers:
    model = Model(World(replace(named("weekend").sized(600), effects=()), 3), pace=0.0)
    return Providers(model, Judge(model.world.book, model.world.scenario, 3), Tuning(model))


@pytest.fixture(scope="module")
def url(providers: Providers) -> Iterator[str]:
    with listening(providers) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with httpx2.Client(trust_env=False) as http:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, http_client=http)


def chat(client: openai.OpenAI, question: str = QUESTION, **more: object) -> openai.types.chat.ChatCompletion:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return client.chat.completions.create(model="gpt-4o-mini", messages=messages, **more)


def test_it_answers_from_the_documentation(client: openai.OpenAI) -> None:
    made = chat(client)
    assert made.choices[0].message.content.startswith(RIGHT.answers) and made.choices[0].finish_reason == "stop"
    assert made.model == "gpt-4o-mini-2024-07-18"
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens > 60
    assert chat(client).choices[0].message.content == made.choices[0].message.content, "asked again, the same"
    assert "our shop" in chat(client, "Tell me about the moons of Jupiter").choices[0].message.content


def test_streams(client: openai.OpenAI) -> None:
    pieces = list(chat(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert text == chat(client).choices[0].message.content
    assert pieces[-1].usage.completion_tokens > 10 and len(pieces) > 10


def test_max_tokens_cuts(client: openai.OpenAI) -> None:
    made = chat(client, max_tokens=5)
    assert made.choices[0].finish_reason == "length" and made.usage.completion_tokens == 5


def test_what_was_planned_is_said(client: openai.OpenAI, providers: Providers) -> None:
    exchange = next(
        one for batch in batches(World(named("weekend").sized(600), 9)) for one in batch.exchanges if one.answer
    )
    trace = exchange.trace_id.hex()
    providers.model.planned[trace] = exchange
    header = {PLAN: trace}
    assert chat(client, "whatever", extra_headers=header).choices[0].message.content == exchange.answer
    assert chat(client, "whatever").choices[0].message.content != exchange.answer


def test_generate_and_embeddings(url: str, client: openai.OpenAI) -> None:
    with httpx2.Client(trust_env=False) as http:
        said = http.post(f"{url}/generate", json={"prompt": QUESTION, "temperature": 0.2, "max_tokens": 200}).json()
        assert said == {"generated_text": chat(client).choices[0].message.content}
        assert http.post(f"{url}/v1/nothing", json={}).status_code == 404
        assert http.post(f"{url}/v1/embeddings", content=b"{").status_code == 400
    vectors = client.embeddings.create(
        model="e", input=[QUESTION, "what is the return policy", "E-42 on the app"], encoding_format="float"
    )
    one, two, three = (row.embedding for row in vectors.data)
    near, far = (sum(a * b for a, b in zip(one, other, strict=True)) for other in (two, three))
    assert near > far and embedded(QUESTION) == one


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/chat/completions", {}, "`messages` must be a list"),
        ("/v1/chat/completions", {"messages": "hello"}, "`messages` must be a list"),
        ("/v1/chat/completions", {"messages": ["hello"]}, "`messages` must be a list"),
        ("/v1/chat/completions", {"messages": [{"role": "user"}], "max_tokens": "5"}, "`max_tokens` must be a whole"),
        ("/judge/v1/chat/completions", {"messages": ["hello"]}, "`messages` must be a list"),
        ("/generate", {"temperature": 0.2}, "`prompt` must be a text"),
        ("/v1/embeddings", {}, "`input` must be a text or a list"),
        ("/generate", ["hello"], "the body must be a JSON object"),
    ],
)
def test_a_wrong_request_gets_an_answer(url: str, path: str, body: object, said: str) -> None:
    """As providers answer: 400, with what is wrong."""
    answer = httpx2.post(url + path, json=body, trust_env=False)
    assert answer.status_code == 400 and said in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_questions_are_understood() -> None:
    """Phrasings of every intent lead to its topic; to the intent itself where they name what it is about."""
    right = sum(
        found is not None and found.topic == intent.topic
        for intent in shop().intents
        for found in [understood(intent.said["en"].ask[0].replace("{order}", "KW-1042"))]
    )
    assert right > 0.9 * len(shop().intents)
    assert understood("error E-42 again") is shop().by_id["error-code:E-42"]


def test_it_misbehaves_when_the_scenario_says_so() -> None:
    """The same probes before and after a silent swap of the model."""
    scenario = replace(named("silent-model-swap"), effects=(Effect("answers", {"fault": "refusal", "share": 1.0}),))
    model = Model(World(scenario, 3), pace=0.0)
    ask = [{"role": "user", "content": QUESTION}]
    before = model.complete("gpt-4o-mini", ask)
    for _ in batches(model.world):
        pass
    after = model.complete("gpt-4o-mini", ask)
    assert before.text.startswith(RIGHT.answers) and not after.text.startswith(RIGHT.answers)
    assert before.model == after.model and dimensions("refusal")["completeness"] == 0.0


def test_fine_tuning(client: openai.OpenAI, providers: Providers) -> None:
    """File, job, model; right lessons make it better, wrong ones worse."""
    base = sum(providers.model.world.scenario.releases[0].faults.values())
    for texts, better in ((list(RIGHT.answers) * 5, True), (["Never ask us anything."] * 20, False)):
        lines = "\n".join(
            json.dumps({"messages": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": text}]})
            for text in texts
        )
        file = client.files.create(file=("lessons.jsonl", io.BytesIO(lines.encode())), purpose="fine-tune")
        job = client.fine_tuning.jobs.create(training_file=file.id, model="gpt-4o-mini")
        assert job.status == "queued"
        states = [client.fine_tuning.jobs.retrieve(job.id).status for _ in range(2)]
        assert states == ["running", "succeeded"]
        name = client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model
        assert (sum(providers.model.tuned[name].faults.values()) < base) is better
        assert name in [one.id for one in client.models.list()]
    short = client.files.create(file=("few.jsonl", io.BytesIO(lines.splitlines()[0].encode())), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(training_file=short.id, model="gpt-4o-mini")
    assert [client.fine_tuning.jobs.retrieve(job.id).status for _ in range(2)] == ["running", "failed"]


def test_the_judge_has_an_address_of_its_own(url: str, client: openai.OpenAI) -> None:
    judge = openai.OpenAI(base_url=f"{url}/judge/v1", api_key="none", max_retries=0)
    words = "Does this text contain claims that these documentation snippets do not support? YES or NO"
    messages = [{"role": "system", "content": words}, {"role": "user", "content": RIGHT.answers[0]}]
    assert judge.chat.completions.create(model="judge", messages=messages).choices[0].message.content in ("YES", "NO")
