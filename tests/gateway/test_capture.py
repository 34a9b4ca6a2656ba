"""What an exchange holds of a call: every API, streamed or not, tools, usage, and bounds."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

import pytest

from homeostat.observe import exact
from homeostat.store.spool.writer import SpoolFull
from tests.gateway.conftest import Gate, Open, Release, told
from tests.loop.serving import until

WORDS = "The quick brown fox jumps over the lazy dog and sleeps under the old oak tree"
CHAT = {"model": "m1", "temperature": 0.5, "max_tokens": 50, "messages": [
    {"role": "system", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "Où?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}  # fmt: skip
RESPONSES = {"model": "m1", "instructions": "Be kind.", "input": "Où?", "temperature": 0.5, "max_output_tokens": 50}
MESSAGES = {"model": "m1", "system": [{"type": "text", "text": "Be kind."}], "temperature": 0.5, "max_tokens": 50,
            "messages": [{"role": "user", "content": "Où?"}]}  # fmt: skip


def row(gate: Gate, count: int = 1) -> dict[str, Any]:
    """The last call as the loader reads it."""
    gate.spans(count)
    (found,) = list(exact.rows(gate.spool.envelopes[-1], 0, attribute_limit=1 << 16, text_limit=1 << 20))
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES), ("/v1/messages", MESSAGES)],
    ids=["chat", "responses", "messages"],
)
def test_every_api_as_the_loader_reads_it(gate: Gate, path: str, body: dict[str, Any], stream: bool) -> None:
    body = {**body, "stream": stream, "stream_options": {"include_usage": True}}
    gate.ask(body, path, x_homeostat_user="u1", x_homeostat_session="s1")
    found = row(gate)
    assert (found["op"], found["provider"], found["requested_model"]) == ("call", "openai", "m1")
    assert found["model"] in ("m1", "m1-2026")
    assert (found["user_id"], found["session_id"], found["status_code"]) == ("u1", "s1", 0)
    assert found["input"] == "Où?"
    assert found["output"].strip() == WORDS
    assert found["response_id"].endswith("00000001")
    assert (found["input_tokens"], found["output_tokens"], found["cached_tokens"]) == (
        (21, 9, 2) if path == "/v1/messages" else (21, 9, 5)
    )
    assert (found["ttft_ms"] is not None, bool(found["streaming"])) == (stream, stream)
    assert found["finish_reason"] in ("stop", "completed", "end_turn")
    said = told(gate.spans()[0])
    assert (said["gen_ai.request.temperature"], said["gen_ai.request.max_tokens"]) == (0.5, 50)
    messages = json.loads(said["gen_ai.input.messages"])
    assert messages[0] == {"role": "system", "parts": [{"type": "text", "content": "Be kind."}]}
    assert "AAAA" not in said["gen_ai.input.messages"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tools(gate: Gate, stream: bool) -> None:
    asked = {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c0", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}  # fmt: skip
    messages = [{"role": "user", "content": "Go"}, asked, {"role": "tool", "tool_call_id": "c0", "content": "here"}]
    gate.ask({"model": "m", "stream": stream, "tools": [{"type": "function"}], "messages": messages})
    found = row(gate)
    assert json.loads(found["tool_calls"]) == [{"id": "call_1", "name": "look", "arguments": {"where": "tür"}}]
    assert (found["input"], found["finish_reason"]) == ("Go", "tool_calls")


def test_what_our_judges_ask_is_no_exchange(gate: Gate) -> None:
    gate.ask(CHAT, x_homeostat_purpose="judge")
    assert row(gate)["op"] == "evaluator"


def test_embeddings(gate: Gate) -> None:
    gate.ask({"model": "e1", "input": ["one", "two"]}, "/v1/embeddings")
    found = row(gate)
    assert (found["op"], found["input"], found["input_tokens"], found["output"]) == ("embedding", "one\ntwo", 8, "")


def test_a_stream_without_usage_tells_none(gate: Gate) -> None:
    """The client's bytes are not changed to get it; the loader estimates, and says so."""
    gate.ask({**CHAT, "stream": True})
    found = row(gate)
    assert (found["input_tokens"], found["output_tokens"], found["output"].strip()) == (None, None, WORDS)
    assert "stream_options" not in gate.fake.seen[0].json


def test_packed_answers_are_read(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.gateway import fake

    async def packed(self: Any, status: int, value: Any, more: Any = None) -> bool:
        text = gzip.compress(json.dumps(value).encode())
        self._head(status, {"content-type": "application/json", "content-encoding": "gzip",
                            "content-length": str(len(text))})  # fmt: skip
        self.seen.sent = text
        self.writer.write(text)
        return True

    monkeypatch.setattr(fake.Answer, "_json", packed)
    _, headers, body = gate.ask(CHAT, accept_encoding="br, gzip;q=0.8, zstd")
    assert (gate.fake.seen[0].header("accept-encoding"), headers["content-encoding"]) == ("gzip", "gzip")
    assert body == gate.fake.seen[0].sent
    assert row(gate)["output"] == WORDS


def test_only_packings_that_can_be_read_are_asked_for(gate: Gate) -> None:
    gate.ask(CHAT, accept_encoding="br, zstd, gzip;q=0")
    gate.ask({**CHAT, "stream": True}, accept_encoding="gzip")
    assert [seen.header("accept-encoding") for seen in gate.fake.seen] == ["identity", "identity"]


def test_content_can_be_left_out(open_gate: Open) -> None:
    gate = open_gate(content="off")
    gate.ask(CHAT)
    said = told(gate.spans()[0])
    assert not {"gen_ai.input.messages", "gen_ai.output.messages"} & set(said)
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.response.model"]) == (21, "m1-2026")


def test_content_can_be_redacted(open_gate: Open) -> None:
    gate = open_gate(content="redacted")
    text = "I am ann@example.org, card 4111 1111 1111 1111."
    gate.ask({"model": "m", "user": "u1", "messages": [{"role": "user", "content": text}]}, x_fake='{"fault": "400"}')
    assert text in gate.fake.seen[0].body.decode(), "the provider gets what was asked"
    kept = str(gate.spool.envelopes[0].body) if gate.spans() else ""
    assert "ann@example.org" not in kept
    assert "4111" not in kept
    assert "[email]" in told(gate.spans()[0])["gen_ai.input.messages"]


def test_many_calls_share_an_envelope(gate: Gate) -> None:
    gate.spool.gate = threading.Event()  # what comes while one is written waits together
    threads = [threading.Thread(target=gate.ask, args=(CHAT,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate.spool.gate.set()
    assert len({span.span_id for span in gate.spans(20)}) == 20
    assert len(gate.spool.envelopes) < 20
    assert sum(envelope.items for envelope in gate.spool.envelopes) == 20


def test_projects_are_kept_apart(gate: Gate) -> None:
    for project in ("one", "two", "one"):
        gate.ask(CHAT, x_test_project=project)
    gate.spans(3)
    kept = [(envelope.project, envelope.items) for envelope in gate.spool.envelopes]
    assert sum(items for project, items in kept if project == "one") == 2
    assert {project for project, _ in kept} == {"one", "two"}


def test_a_spool_that_refuses_delays_nobody_and_loses_nothing_soon(gate: Gate) -> None:
    gate.spool.failure = SpoolFull("no room")
    assert [gate.ask(CHAT)[0] for _ in range(5)] == [200] * 5
    gate.spool.failure = None
    assert len(gate.spans(5)) == 5
    assert "homeostat_edge_capture_dropped_total 0\n" in gate.send("GET", "/metrics?part=edge")[2].decode()


def test_what_does_not_fit_is_dropped_and_counted(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeostat.gateway.capture.WAITING_BYTES", 10_000)
    gate.spool.failure = SpoolFull("no room")
    assert [gate.ask(CHAT)[0] for _ in range(8)] == [200] * 8
    figures = gate.send("GET", "/metrics?part=edge")[2].decode()
    dropped = int(figures.split("\nhomeostat_edge_capture_dropped_total ")[1].split("\n")[0])
    gate.spool.failure = None
    assert dropped > 0
    assert len(gate.spans(8 - dropped)) == 8 - dropped


def test_release_and_prompt_are_told(gate: Gate) -> None:
    release = Release("A", model="m2", system="Hello {{name}}", prompt_name="greet", prompt_version=3)
    gate.publish(release, shares={"A": 1.0}, route="support")
    _, headers, _ = gate.ask({"model": "support", "messages": [], "homeostat": {"variables": {"name": "Ann"}}})
    found = row(gate)
    assert (found["release"], headers["x-homeostat-release"]) == ("A", "A")
    assert (found["prompt_name"], found["prompt_version"], found["requested_model"]) == ("greet", "3", "m2")
    said = told(gate.spans()[0])
    assert (said["homeostat.route"], said["homeostat.assigned"], said["homeostat.attempts"]) == ("support", "share", 1)
    assert "Hello Ann" in said["gen_ai.input.messages"]


def test_calls_that_wait_are_stored_at_the_end(tmp_path: Any, fake: Any) -> None:
    from tests.gateway.conftest import gateway

    with gateway(tmp_path, fake) as gate:
        gate.ask(CHAT)
        gate.ask(CHAT)
    assert sum(envelope.items for envelope in gate.spool.envelopes) == 2


def test_a_bug_in_telling_costs_one_call(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    from homeostat.gateway import span

    whole = span.write

    def write(call: Any, into: Any, **more: Any) -> None:
        whole(call, into, **more)
        if call.ask.user == "bad":
            raise ZeroDivisionError

    monkeypatch.setattr(span, "write", write)
    for user in ("good", "bad", "good"):
        gate.ask({**CHAT, "user": user})
    assert [told(one)["user.id"] for one in gate.spans(2)] == ["good", "good"]
    until(lambda: "homeostat_edge_capture_dropped_total 1\n" in gate.send("GET", "/metrics?part=edge")[2].decode())
