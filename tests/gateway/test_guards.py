"""Guards: a question that nobody is asked, an answer that nobody sees, and everybody else served as ever."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from homeostat.analyze.text.guarding import BadGuard, Matcher
from homeostat.gateway.apis import APIS
from homeostat.gateway.guards import _answered, instead
from homeostat.gateway.reading import Turn, read
from homeostat.records import guard as guards_of
from homeostat.records.guard import Guard
from homeostat.records.snapshot import Snapshot
from tests.gateway.conftest import Gate
from tests.loop.serving import until
from tests.work import costs_at_most

HI: Any = [{"role": "user", "content": "How many foxes?"}]
CHAT = {"model": "m", "messages": HI}


def put(gate: Gate, *kept: Guard) -> None:
    gate.version += 1
    gate.document = {"version": gate.version, "routes": {}, "releases": {},
                     "guards": [guards_of.as_json(guard) for guard in kept]}  # fmt: skip
    gate.snapshot = Snapshot(gate.version, "", {}, policies={"tests": gate.document})


def said(path: str, body: bytes, stream: bool) -> str:
    api = next(api for api in APIS if api.path == path)
    return "\n".join("".join(turn.text) for turn in read(api, [body], packed=False, streaming=stream).turns.values())


PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")


def asked(path: str, stream: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "m", "stream": stream}
    if path == "/v1/responses":
        return {**body, "input": "How many foxes?"}
    return {**body, "messages": HI, **({"max_tokens": 50} if path == "/v1/messages" else {})}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_withheld_in_every_api(gate: Gate, path: str, stream: bool) -> None:
    put(gate, Guard("no-foxes", words=("brown fox",)))
    status, _, body = gate.ask(asked(path, stream), path)
    assert status == 403
    assert b"fox" not in body and b"blocked" in body

    put(gate, Guard("no-foxes", words=("BROWN FOX",), do="replace", text="Ask the zoo."))
    status, headers, body = gate.ask(asked(path, stream), path)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    assert said(path, body, stream) == "Ask the zoo."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_matches_nothing_comes_whole(gate: Gate, path: str, stream: bool) -> None:
    plain = gate.ask(asked(path, stream), path)
    put(gate, Guard("no-cats", words=("cat",)))
    guarded = gate.ask(asked(path, stream), path)
    assert guarded[0] == plain[0] == 200
    assert said(path, guarded[2], stream) == said(path, plain[2], stream) != ""


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_tool_would_be_called_with_is_looked_at(gate: Gate, stream: bool) -> None:
    body = {**CHAT, "stream": stream, "tools": [{"type": "function"}]}
    assert gate.ask(body)[0] == 200
    put(gate, Guard("no-doors", words=("tür",), do="replace", text="No."))
    status, _, told = gate.ask(body)
    assert (status, said("/v1/chat/completions", told, stream)) == (200, "No.")
    put(gate, Guard("no-doors", words=("tür",)))
    status, _, told = gate.ask(body)
    assert status == 403 and b"look" not in told


@pytest.mark.parametrize(
    ("arguments", "guard"),
    [
        ('{"to": "all\\nfox \\u0041"}', Guard("g", words=("fox A",))),
        ('{"rows": [{"card": 4111111111111111}]}', Guard("g", detector="private")),
        ('{"fox": true}', Guard("g", words=("fox",))),
        ('{"to": "fo', Guard("g", words=("fo",))),
    ],
)
def test_arguments_hide_nothing_behind_their_escapes(arguments: str, guard: Guard) -> None:
    assert Matcher(guard).stops(_answered(Turn(calls={0: {"id": "1", "name": "send", "arguments": [arguments]}})))


def test_the_exchange_tells_what_was_really_said(gate: Gate) -> None:
    put(gate, Guard("no-foxes", words=("fox",)))
    gate.ask(CHAT)
    span = gate.spans(1)[0]
    assert "no-foxes" in span.status.message
    assert "quick brown fox" in str(span.attributes)


@pytest.mark.parametrize("do", ["refuse", "replace"])
@pytest.mark.parametrize("where", ["answer", "question"])
def test_what_is_withheld_is_no_error_and_says_by_whom(gate: Gate, where: Any, do: Any) -> None:
    put(gate, Guard("no-foxes", words=("fox", "foxes"), where=where, do=do))
    gate.ask(CHAT)
    span = gate.spans(1)[0]
    told = {each.key: each.value for each in span.attributes}
    assert span.status.code == span.status.STATUS_CODE_UNSET
    assert told["homeostat.blocked"].string_value == "no-foxes"
    assert [each.string_value for each in told["tag.tags"].array_value.values] == ["blocked"]


def test_a_question_is_stopped_before_anybody_is_asked(gate: Gate) -> None:
    put(gate, Guard("no-counting", pattern="how many", where="question"), Guard("b", users=("bot",), where="question"))
    assert gate.ask({"model": "m", "messages": [{"role": "user", "content": "HOW MANY"}]})[0] == 200
    seen = len(gate.fake.seen)
    status, _, body = gate.ask({"model": "m", "messages": [{"role": "user", "content": "so how many are there"}]})
    assert (status, len(gate.fake.seen)) == (403, seen)
    assert json.loads(body)["error"]["code"] == "blocked"
    assert (
        gate.ask({"model": "m", "messages": [{"role": "user", "content": "hello"}]}, x_homeostat_user="bot")[0] == 403
    )
    assert (
        gate.ask({"model": "m", "messages": [{"role": "user", "content": "hello"}]}, x_homeostat_user="eve")[0] == 200
    )


def test_generate_is_guarded_too(gate: Gate) -> None:
    put(gate, Guard("no-foxes", words=("fox",), do="replace", text="No."))
    status, _, body = gate.ask({"prompt": "tell", "model": "m"}, "/generate")
    assert (status, json.loads(body)) == (200, {"generated_text": "No."})


def test_a_guard_that_cannot_be_used_stops_nothing(gate: Gate) -> None:
    put(gate, Guard("broken", pattern="("), Guard("good", words=("fox",)))
    assert gate.ask(CHAT)[0] == 403
    put(gate, Guard("broken", pattern="("))
    assert gate.ask(CHAT)[0] == 200


def test_a_guard_is_gone_when_it_is_off(gate: Gate) -> None:
    put(gate, Guard("no-foxes", words=("fox",)))
    assert gate.ask(CHAT)[0] == 403
    put(gate)
    until(lambda: gate.ask(CHAT)[0] == 200)


def test_a_guarded_upstream_is_asked_for_plain_text(gate: Gate) -> None:
    put(gate, Guard("no-foxes", words=("fox",)))
    status, _, body = gate.ask(CHAT, accept_encoding="gzip")
    assert status == 403
    assert not body.startswith(gzip.compress(b"")[:2])


@pytest.mark.parametrize("api", [api for api in APIS if api.path in PATHS], ids=lambda api: api.name)
def test_what_stands_instead_is_read_like_any_answer(api: Any) -> None:
    for stream in (False, True):
        found = read(api, [instead(api, "Ask the zoo.", stream=stream, model="m")], packed=False, streaming=stream)
        assert ["".join(turn.text) for turn in found.turns.values()] == ["Ask the zoo."]


def test_matching_is_linear() -> None:
    """What makes a backtracking engine hang takes a moment; a long answer costs little, however many the words."""
    evil = Matcher(Guard("evil", pattern="(a+)+$"))
    assert not evil.stops("a" * 200_000 + "!")
    many = Matcher(Guard("many", words=tuple(f"word{n}" for n in range(200))))
    text = "an ordinary answer, and then some more of it. " * 200
    many.stops(text)
    assert costs_at_most(lambda: many.stops(text), 10, lambda: sum(text.encode()))


@pytest.mark.parametrize(
    ("word", "text", "stops"),
    [
        ("кот", "Это кот.", True), ("кот", "КОТ", True), ("кот", "который", False), ("ller", "Herr Müller", False),
        ("ller", "Herr Mu\u0308ller", False), ("Müller", "Herr MÜLLER, bitte", True), ("Miller", "Millers", False),
        ("قط", "هذا قط.", True), ("قط", "قطار", False), ("信用卡", "我的信用卡号码", True),
        ("iPhone", "我的iPhone很好", True),
        ("카드", "카드는 어디", True), ("บัตร", "ขอบัตรเครดิต", True), ("ल", "कल", False), ("card_1", "card_12", False),
        ("C++", "C++, say", True), ("!", "Spam!", True), ("x²", "x²", True), ("a b", "say a b now", True),
    ],
)  # fmt: skip
def test_words_are_whole_in_any_script(word: str, text: str, stops: bool) -> None:
    assert Matcher(Guard("g", words=(word,))).stops(text) is stops
    assert Matcher(Guard("g", words=("other", word, "信"))).stops(f"- {text} -") is (stops or "信" in text)


@pytest.mark.parametrize(
    "guard",
    [Guard("g"), Guard("g", pattern="("), Guard("g", detector="soul"), Guard("g", words=(" ",)),
     Guard("g", pattern="x" * 1001)],
)  # fmt: skip
def test_a_bad_guard_is_refused(guard: Guard) -> None:
    with pytest.raises(BadGuard):
        Matcher(guard)


def test_why_a_pattern_is_none_is_said_in_plain_words() -> None:
    with pytest.raises(BadGuard, match=r"^The pattern is none: missing \): кот\(\.$"):
        Matcher(Guard("g", pattern="кот("))


def test_private_data_is_found() -> None:
    matcher = Matcher(Guard("g", detector="private"))
    assert matcher.stops("Write to anna.schmidt@example.com about it.")
    assert not matcher.stops("Order 12345 is on its way.")
