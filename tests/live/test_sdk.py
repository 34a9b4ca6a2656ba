"""Three lines in an application: what it observes arrives at a real server, and comes back from `Client`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import homeostat
from homeostat.sdk.client import ClientError
from tests.live.harness import Server, serving
from tests.sdk.model import modelling

pytestmark = pytest.mark.live

APPLICATION = """
import sys
import homeostat

monitor = homeostat.init(service="shop", environment="test", exit_seconds=60)

@homeostat.observe(kind="tool")
def look(query):
    return ["30 days, any reason"]

@homeostat.observe(kind="call", name="chat")
def call(question):
    ex = homeostat.exchange.current()
    ex.model, ex.provider, ex.input_tokens, ex.output_tokens = "gpt-4o-mini", "openai", 120, 9
    return "30 days."

@homeostat.observe
def stream(question):
    yield "30 "
    yield "days."

with homeostat.context(user_id="anna", session_id="s1", tags=["beta"], release="v11", metadata={"plan": "premium"}):
    with homeostat.exchange("answer", input="What is your return policy?") as ex:
        ex.documents = look("returns")
        ex.output = call("What is your return policy?")
homeostat.signal("thumbs", 1, exchange=ex.id, comment="good")
homeostat.score("groundedness", 0.3, exchange=ex.id, reason="no quote", scorer="mine")
with homeostat.context(user_id="ben"):
    list(stream("And now?"))
print(ex.id)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sdk") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def told(server: Server) -> str:
    """The id of the exchange, after the application has run to its end: nothing waits for the sending."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HOMEOSTAT_", "OTEL_"))}
    run = subprocess.run(
        [sys.executable, "-c", APPLICATION],
        env={**env, "HOMEOSTAT_URL": server.url}, capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    assert run.stderr == ""
    accounting = server.drain()
    assert (accounting["stored"], accounting["rejected"]) == (6, {})
    return run.stdout.strip()


def test_the_exchange_comes_back_as_it_was_told(server: Server, told: str) -> None:
    client = homeostat.Client(server.url)
    found = client.exchange(told).get()
    assert found["input"] == "What is your return policy?"
    assert found["output"] == "30 days."
    assert (found["user_id"], found["session_id"], found["release"]) == ("anna", "s1", "v11")
    assert (found["model"], found["input_tokens"], found["output_tokens"], found["calls"]) == ("gpt-4o-mini", 120, 9, 1)
    assert found["cost"] > 0
    assert found["tags"] == ["beta"]
    assert found["tools"] == ["look"]
    assert found["environment"] == "test"
    assert [each["text"] for each in found["documents"]] == ["30 days, any reason"]
    assert found["attributes"]["plan"] == "premium"
    assert found["scores"]["groundedness"]["value"] == 0.3
    assert [(each["name"], each["value"], each["comment"]) for each in found["signals"]] == [("thumbs", 1, "good")]
    assert len(client.trace(found["trace_id"]).get()["spans"]) == 3
    assert client.session("s1").get()["totals"]["answers"] == 1


def test_a_stream_has_its_time_to_the_first_piece(server: Server, told: str) -> None:
    (found,) = homeostat.Client(server.url).exchanges(user="ben")
    assert found["output"] == "30 days."
    assert 0 <= found["ttft_ms"] <= found["latency_ms"]


def test_conditions_become_filters_and_rows_become_tables(server: Server, told: str) -> None:
    client = homeostat.Client(server.url)
    low = client.exchanges(since="24h", where="score.groundedness < 0.5")
    assert [row["id"] for row in low] == [told]
    assert list(client.exchanges(where="score.groundedness >= 0.5")) == []
    assert [row["id"] for row in client.exchanges(where=["signal.thumbs = 1", "user in (anna, nobody)"])] == [told]
    assert [row["id"] for row in client.exchanges(where="attribute.plan = premium", limit=1)] == [told]
    frame = low.to_pandas()
    assert frame["score.groundedness"].tolist() == [0.3]
    assert low.to_arrow().column("input").to_pylist() == ["What is your return policy?"]
    (point,) = client.measures("mean(score.groundedness)", since="1h").get()
    assert (point["value"], point["n"]) == (0.3, 1)
    assert client.accounting().get()["stored"] == 6
    with pytest.raises(Exception, match="no filter"):
        client.exchanges(where="colour = red").get()


def test_the_same_questions_in_async_code(server: Server, told: str) -> None:
    async def ask() -> tuple[list[Any], Any, Any]:
        client = homeostat.Client(server.url)
        rows = [row["id"] async for row in client.exchanges(user="anna")]
        return rows, await client.exchange(told), await client.exchanges(limit=1)

    rows, one, some = asyncio.run(ask())
    assert rows == [told]
    assert one["id"] == told
    assert len(some) == 1


def test_pages_follow_one_another(server: Server, told: str, tmp_path: Path) -> None:
    client = homeostat.Client(server.url)
    listed = client.exchanges(kind="all")
    listed._page = 1
    assert len({row["id"] for row in listed}) == len(client.exchanges(kind="all").get()) == 3


STEERED = """
import sys, time
import homeostat

homeostat.init(exit_seconds=60)

def until(name):
    end = time.monotonic() + 120
    while homeostat.release("support", user_id="anna").name != name:
        assert time.monotonic() < end
        time.sleep(0.01)

until("A")
print("A", flush=True)
sys.stdin.readline()
until("B")
with homeostat.exchange("steered", input="q") as ex:
    served = homeostat.release("support", user_id="anna")
    ex.output = served.messages("Hi", shop="Acme")[0]["content"]
print(ex.id, flush=True)
sys.stdin.readline()
until("A")
print("A", flush=True)
"""


def test_an_application_is_steered_by_records_and_back(server: Server) -> None:
    client = homeostat.Client(server.url)
    client.make_release("A", model="gpt-4o", system="You are {{shop}}.").get()
    client.make_release("B", model="gpt-4o-mini", system="You serve {{shop}}.").get()
    assert [row["name"] for row in client.releases().get()] == ["B", "A"]
    client.put_policy("support", {"A": 1.0}, version=0).get()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HOMEOSTAT_", "OTEL_"))}
    process = subprocess.Popen(
        [sys.executable, "-c", STEERED], env={**env, "HOMEOSTAT_URL": server.url},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "A\n"
        client.put_policy("support", {"B": 1.0}, version=1, reason="try B").get()
        with pytest.raises(ClientError) as refused:
            client.put_policy("support", {"A": 1.0}, version=1).get()
        assert refused.value.status == 409
        print(file=process.stdin, flush=True)
        identity = process.stdout.readline().strip()
        client.rollback("support", to="A", reason="B is rude").get()
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "A\n"
        assert process.wait(120) == 0
    finally:
        process.kill()
    server.drain()
    found = client.exchange(identity).get()
    assert (found["release"], found["output"]) == ("B", "You serve Acme.")
    assert client.policy("support").get()["shares"] == {"A": 1.0}


GATEWAY = """
import sys, openai, homeostat
homeostat.init(exit_seconds=60)
from homeostat.sdk.instruments.clients import wrap
assert wrap("openai")
client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none")
with homeostat.context(user_id="gina"), homeostat.exchange("answer", input="How long?") as ex:
    said = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "How long?"}])
    ex.output = said.choices[0].message.content
"""


def test_a_call_that_we_tell_and_the_gateway_too_is_one_call(tmp_path: Path) -> None:
    with modelling() as model, serving(tmp_path / "data", upstream=f"{model.url}/v1", upstream_key="none") as server:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("HOMEOSTAT_", "OTEL_"))}
        subprocess.run(
            [sys.executable, "-c", GATEWAY, server.url],
            env={**env, "HOMEOSTAT_URL": server.url}, timeout=240, check=True,
        )  # fmt: skip
        assert server.drain()["stored"] == 3
        (call,) = homeostat.Client(server.url).exchanges(kind="call")
        (answer,) = homeostat.Client(server.url).exchanges()
    assert (call["response_id"], call["input_tokens"]) == ("chatcmpl-1", 11)
    assert (answer["name"], answer["calls"], answer["input_tokens"], answer["user_id"]) == ("answer", 1, 11, "gina")


def test_monitors_are_declared_in_python(server: Server) -> None:
    client = homeostat.Client(server.url)
    said: dict[str, Any] = {"measure": "share(status=error)", "against": {"limit": 0.05}, "direction": "up"}
    assert client.put_monitor("few-errors", **said).get()["version"] == 1
    assert client.put_monitor("few-errors", **said, severity="critical").get()["version"] == 2
    assert client.test_monitor("few-errors", **said, since="1h").get()["fired"] == 0
    client.pause_monitor("few-errors").get()
    [found] = [one for one in client.monitors().get() if one["name"] == "few-errors"]
    assert (found["version"], found["severity"], found["state"]) == (2, "critical", "paused")
    assert client.resume_monitor("few-errors").get()["state"] == "on"
    with pytest.raises(ClientError, match="has a side"):
        client.put_monitor("few-errors", **{**said, "direction": "both"}).get()
    assert list(client.incidents(state="open").get()) == []
    with pytest.raises(ClientError) as refused:
        client.incident(77).get()
    assert refused.value.status == 404
