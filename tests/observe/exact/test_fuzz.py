"""Whatever valid OTLP says: rows come, facts and messages can be read, and the engine could store every text."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.observe.dialects import FACT_MARKS, FIELDS, MESSAGE_EVENTS, OPS, Alias
from homeostat.observe.exact import Malformed, facts, messages, rows
from homeostat.observe.staged import NAMES
from homeostat.store.spool.envelope import Part

from .made import log, mapped, request, span
from .recorded import SETS, envelope, envelopes

KEYS = sorted(
    {alias.key if isinstance(alias, Alias) else f"{alias.prefix}0{alias.suffixes[0]}".replace("N", "1")
     for field in FIELDS for alias in field.aliases}
    | set(FACT_MARKS.attributes)
)  # fmt: skip
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False)
    | st.sampled_from(["", "text", "null", "é\ud83d", "\0"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "role", "content", "parts", "type", "text", "messages", "tool_calls", "choices", "message",
            "id", "name", "arguments", "kwargs", "function", "input", "output", "usage", "data",
            "generations", "documents", "score", "metadata", "stream", "prompt_tokens", "input_tokens",
            "total", "event.name", "gen_ai.choice", "toolUse", "message_content", "candidates",
        ]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
WORDS = st.sampled_from(["user", "assistant", "tool", "tool_call", "text", "gen_ai.choice", "human", *OPS])
VALUES = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | WORDS
    | SHAPES.map(lambda shape: json.dumps(shape))
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats()
    | st.booleans()
    | st.binary(max_size=8)
    | st.recursive(
        st.none() | st.integers(0, 9) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | WORDS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["role", "content", "parts", "type", "text", "", "a.0.b"]), inner, max_size=3),
        max_leaves=8)
)  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from(KEYS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=9), VALUES, max_size=8
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*MESSAGE_EVENTS, *FACT_MARKS.events, "exception", "First Token Stream Event", ""]), ATTRIBUTES
    ),
    max_size=2,
)


def check(told: list[dict[str, Any]]) -> None:
    for one in told:
        assert tuple(one) == NAMES
        for text in [one["input"], one["output"], one["events"], one["error"], *one["attributes"].values()]:
            text.encode()
            assert "\0" not in text
        for text in one["attributes_json"].values():
            json.loads(text, parse_constant=_not_json)
        for column in ("documents", "tool_calls", "events", "links"):
            assert one[column] == "" or isinstance(json.loads(one[column], parse_constant=_not_json), list)
        messages(one["attributes"], one["attributes_json"], one["events"])
    facts(told)


def _not_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def try_one(attributes: dict[str, Any], events: list[Any], body: Any) -> None:
    check(mapped(span(attributes, events), attribute_limit=1 << 16))
    check([log(next((name for name, _ in events), ""), attributes, body)])


@settings(max_examples=500)
@given(ATTRIBUTES, EVENTS, VALUES)
def test_rows_never_raise(attributes: dict[str, Any], events: list[Any], body: Any) -> None:
    try_one(attributes, events, body)


@pytest.mark.nightly
@settings(max_examples=20_000)
@given(ATTRIBUTES, EVENTS, VALUES)
def test_rows_never_raise_at_length(attributes: dict[str, Any], events: list[Any], body: Any) -> None:
    try_one(attributes, events, body)


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_request_are_refused_or_read(body: bytes) -> None:
    with suppress(Malformed):
        check(rows(envelope(request(span({"a": "b"})) + body), 0, attribute_limit=99, text_limit=99))


@pytest.mark.parametrize("name", SETS)
def test_damaged_recordings_are_refused_or_read(name: str) -> None:
    dice = random.Random(name)
    for one in envelopes(name)[:2]:
        for _ in range(20):
            body = bytearray(one.body[:20_000])
            body[dice.randrange(len(body))] = dice.randrange(256)
            with suppress(Malformed):
                check(
                    rows(
                        envelope(bytes(body), "logs" if one.part is Part.LOGS else "traces"),
                        0,
                        attribute_limit=1 << 16,
                        text_limit=1 << 16,
                    )
                )
