"""Policies are obeyed: who serves, what a release changes of a request, shadows, fallbacks."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from typing import Any

import pytest

from homeostat.gateway import body as bodies
from homeostat.gateway.apis import BY_ROUTE
from homeostat.gateway.routing import Asked, asked
from tests.gateway.conftest import Gate, Open, Release, Shadow, each_span, told
from tests.loop.serving import until

CHAT = BY_ROUTE["POST", "/v1/chat/completions"]
HI: Any = [{"role": "user", "content": "Hi"}]
FULL = Release(
    "F", model="m2", system="You are {{who}}.", parameters={"temperature": 0.1, "model": "not this", "stream": True},
    examples=({"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}),
)  # fmt: skip
EXAMPLES = [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}]


def laid(path: str, body: dict[str, Any], release: Release = FULL) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    found: dict[str, Any] = json.loads(bodies.applied(BY_ROUTE["POST", path], raw, asked([], raw), release))
    return found


def test_a_release_over_chat() -> None:
    said = laid("/v1/chat/completions", {
        "model": "m", "temperature": 1, "top_p": 0.5, "stream": False, "homeostat": {"variables": {"who": "kind"}},
        "messages": [{"role": "system", "content": "old"}, {"role": "system", "content": "older"}, *HI],
    })  # fmt: skip
    assert said == {
        "model": "m2", "temperature": 0.1, "top_p": 0.5, "stream": False,
        "messages": [{"role": "system", "content": "You are kind."}, *EXAMPLES, *HI],
    }  # fmt: skip


def test_a_developer_message_stays_one() -> None:
    said = laid("/v1/chat/completions", {"model": "m", "messages": [{"role": "developer", "content": "x"}, *HI]})
    assert said["messages"][0] == {"role": "developer", "content": "You are {{who}}."}


def test_a_release_without_a_prompt_leaves_the_requests() -> None:
    said = laid(
        "/v1/chat/completions",
        {"model": "m", "messages": [{"role": "system", "content": "x"}]},
        Release("R", model="m2"),
    )
    assert said == {"model": "m2", "messages": [{"role": "system", "content": "x"}]}


def test_a_release_over_responses() -> None:
    said = laid("/v1/responses", {"model": "m", "input": "Hi", "instructions": "old"})
    assert said["instructions"] == "You are {{who}}."
    assert said["input"] == [*EXAMPLES, {"role": "user", "content": "Hi"}]


def test_a_release_over_messages() -> None:
    said = laid("/v1/messages", {"model": "m", "max_tokens": 5, "messages": HI})
    assert (said["system"], said["messages"], said["max_tokens"]) == ("You are {{who}}.", [*EXAMPLES, *HI], 5)


def test_a_release_over_embeddings_has_no_prompt() -> None:
    assert laid("/v1/embeddings", {"model": "e", "input": "x"}, Release("R", system="no")) == {
        "model": "e",
        "input": "x",
    }


@pytest.mark.parametrize("text", [b"", b"[1]", b"not json", b'"x"', b'{"model": "m"', b"\xff", b"[" * 5000])
def test_what_is_no_request_goes_on_as_it_came(text: bytes) -> None:
    assert bodies.applied(CHAT, text, asked([], text), FULL) == text


def test_nothing_to_change_is_the_same_bytes() -> None:
    text = b'{ "model" : "m2",\n "messages":[] }'
    assert bodies.applied(CHAT, text, asked([], text), Release("R", model="m2")) is text
    assert bodies.applied(CHAT, text, asked([], text), None) is text


@pytest.mark.parametrize(
    ("headers", "body", "user", "session"),
    [
        ([(b"x-homeostat-user", b"h")], {"user": "b"}, "h", ""),
        ([], {"user": "b", "safety_identifier": "s"}, "b", ""),
        ([], {"safety_identifier": "s", "metadata": {"user_id": "m"}}, "s", ""),
        ([], {"metadata": {"user_id": "m", "session_id": "n"}}, "m", "n"),
        ([(b"x-homeostat-session", b"h")], {"metadata": {"session_id": "n"}}, "", "h"),
        ([], {"user": 7, "metadata": "x"}, "7", ""),
        ([], {"user": {"a": 1}, "metadata": None}, "", ""),
    ],
)
def test_who_asks(headers: Any, body: Any, user: str, session: str) -> None:
    found = asked(headers, json.dumps(body).encode())
    assert (found.user, found.session) == (user, session)


def test_variables_are_never_templates() -> None:
    raw = json.dumps({"homeostat": {"variables": {"who": "{{secret}} {0.__class__}"}}, "messages": []}).encode()
    said = json.loads(bodies.applied(CHAT, raw, asked([], raw), FULL))
    assert said["messages"][0]["content"] == "You are {{secret}} {0.__class__}."


def test_asking_twice_is_the_same_as_once() -> None:
    assert asked([], b"{}") == Asked()


def test_shares_are_kept_and_users_stay(gate: Gate) -> None:
    gate.publish(Release("A"), Release("B"), shares={"A": 0.7, "B": 0.3})
    served = {}
    for number in range(150):
        _, headers, _ = gate.ask({"model": "m", "user": f"u{number}", "messages": HI})
        served[number] = headers["x-homeostat-release"]
    counted = Counter(served.values())
    assert 85 <= counted["A"] <= 125
    for number in range(0, 150, 10):
        _, headers, _ = gate.ask({"model": "m", "user": f"u{number}", "messages": HI})
        assert headers["x-homeostat-release"] == served[number]


def test_the_model_names_the_route_and_nothing_else_does(gate: Gate) -> None:
    gate.publish(Release("A", model="m-a"), shares={"A": 1.0})
    gate.publish(Release("S", model="m-s"), shares={"S": 1.0}, route="support")
    for model, served in (("support", "S"), ("gpt-x", "A"), ("default", "A")):
        _, headers, _ = gate.ask({"model": model, "messages": HI}, x_homeostat_route="support")
        assert headers["x-homeostat-release"] == served
    assert [seen.json["model"] for seen in gate.fake.seen] == ["m-s", "m-a", "m-a"]


def test_a_change_counts_for_the_next_request(gate: Gate) -> None:
    for name in ("A", "B", "A"):
        gate.publish(Release("A"), Release("B"), shares={name: 1.0})
        assert gate.ask({"model": "m", "messages": HI})[1]["x-homeostat-release"] == name


def changing(gate: Gate, changes: int) -> int:
    """The policy changes again and again while four clients call; returns the calls."""
    sides = [Release(name, model=f"m-{name}", system=f"I am {name}.", parameters={"seed": name}) for name in "AB"]
    ended, served = threading.Event(), {}

    def client(number: int) -> None:
        turn = 0
        while not ended.is_set():
            asked = {"model": "m", "messages": [{"role": "user", "content": f"{number}-{turn}"}]}
            status, headers, _ = gate.ask(asked)
            assert status == 200
            served[f"{number}-{turn}"] = headers["x-homeostat-release"]
            turn += 1

    gate.publish(*sides, shares={"A": 1.0})
    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    change = 0
    while change < changes or len(gate.fake.seen) <= changes // 4:
        gate.publish(*sides, shares={"BA"[change % 2]: 1.0})
        time.sleep(0.002)
        change += 1
    ended.set()
    for thread in threads:
        thread.join()
    for seen in gate.fake.seen:
        system, user = seen.json["messages"]
        release = served.pop(user["content"])
        assert (seen.json["model"], seen.json["seed"], system["content"]) == (
            f"m-{release}",
            release,
            f"I am {release}.",
        )
    assert served == {}
    told_ = [told(span) for envelope in gate.spool.envelopes for span in each_span(envelope)]
    assert {(said["homeostat.release"], said["gen_ai.request.model"]) for said in told_} == {("A", "m-A"), ("B", "m-B")}
    return len(gate.fake.seen)


def test_each_call_is_served_by_one_release_whole_while_policies_change(gate: Gate) -> None:
    changing(gate, 200)


@pytest.mark.nightly
def test_the_same_over_a_thousand_changes(gate: Gate) -> None:
    print(f"1,000 changes or more, {changing(gate, 1000)} calls")


def test_a_pinned_user(gate: Gate) -> None:
    gate.publish(Release("A"), Release("B"), shares={"A": 1.0}, pinned={"vip": "B"})
    assert gate.ask({"model": "m", "user": "vip"})[1]["x-homeostat-release"] == "B"
    assert gate.told()["homeostat.assigned"] == "pinned"


def test_without_a_policy_no_release(gate: Gate) -> None:
    _, headers, _ = gate.ask({"model": "m", "messages": HI})
    assert "x-homeostat-release" not in headers
    assert "homeostat.release" not in gate.told()


def test_odd_names_make_harmless_headers(gate: Gate) -> None:
    gate.publish(Release("Ünï\r\nx: y"), shares={"Ünï\r\nx: y": 1.0})
    _, headers, _ = gate.ask({"model": "m"})
    assert (headers["x-homeostat-release"], "x" in headers) == ("%C3%9Cn%C3%AF%0D%0Ax: y", False)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_shadow_is_stored_and_never_returned(open_gate: Open, other: Any, stream: bool) -> None:
    gate = open_gate(upstreams={"b": {"url": other.url}})
    other.always = ""
    gate.publish(
        Release("A", model="m-a"), Release("B", model="m-b", endpoint="b"), shares={"A": 1.0}, shadow=Shadow("B")
    )
    status, headers, body = gate.ask({"model": "m", "stream": stream, "messages": HI, "user": "u"})
    assert (status, headers["x-homeostat-release"], body) == (200, "A", gate.fake.seen[0].sent)
    spans = {told(span)["homeostat.release"]: span for span in gate.spans(2)}
    said = told(spans["B"])
    assert (said["homeostat.shadow"], said["tag.tags"], said["gen_ai.request.model"]) == (True, ["shadow"], "m-b")
    assert said["homeostat.shadow_of"] == headers["x-homeostat-exchange-id"]
    assert spans["B"].trace_id != spans["A"].trace_id
    assert "The quick" in said["gen_ai.output.messages"]


@pytest.mark.parametrize("fault", ["hang", "500", "close", "cut_sse"])
def test_a_bad_shadow_harms_nobody(open_gate: Open, other: Any, fault: str) -> None:
    gate = open_gate(upstreams={"b": {"url": other.url}})
    gate.publish(Release("A"), Release("B", endpoint="b"), shares={"A": 1.0}, shadow=Shadow("B"))
    other.always = fault
    for _ in range(20):
        status, headers, _ = gate.ask({"model": "m", "messages": HI})
        assert (status, headers["x-homeostat-release"]) == (200, "A")
    until(lambda: len(other.seen) >= 10)
    if fault == "hang":  # nobody waited: the shadows still hang
        dropped = "homeostat_edge_shadow_dropped_total 4\n"
        until(lambda: dropped in gate.send("GET", "/metrics?part=edge")[2].decode())
        assert len(other.seen) <= 16, "sixteen at once, no more"


def test_a_share_is_shadowed(open_gate: Open, other: Any) -> None:
    gate = open_gate(upstreams={"b": {"url": other.url}})
    gate.publish(Release("A"), Release("B", endpoint="b"), shares={"A": 1.0}, shadow=Shadow("B", 0.3))
    for _ in range(100):
        gate.ask({"model": "m", "messages": HI, "user": "same"})
    until(lambda: len(other.seen) >= 12)
    time.sleep(0.3)
    assert len(other.seen) <= 50


def test_at_most_three_fallbacks(open_gate: Open) -> None:
    gate = open_gate(upstream="http://127.0.0.1:1/v1", upstreams={"good": {"url": "http://127.0.0.1:1"}})
    names = ("F1", "F2", "F3", "F4")
    gate.publish(Release("A", fallbacks=names), *(Release(name) for name in names), shares={"A": 1.0})
    assert gate.ask({"model": "m"}, x_fake="{}")[1]["x-homeostat-release"] == "F3"
