"""A conversation, whole, for the reader of one exchange."""

from __future__ import annotations

import json

import pytest

from homeostat.observe.exact import Row, messages

from .made import row
from .recorded import SETS, rows_of
from .test_variants import CALLS, A, Q


def of(told: Row) -> list[dict[str, object]]:
    return messages(told["attributes"], told["attributes_json"], told["events"])


ASKED = "Where is my order KW-1042?"
#: LlamaIndex runs the tool itself; OpenLIT leaves the turn that asks for the tool out of the history; older events
#: tell each turn in a log record of its own; no tool was used in Haystack; in the last ones it was another question.
NO_HISTORY = (
    "i_llamaindex_openinference", "j_openlit", "p_genai_openai_old_events", "q_haystack",
    "s_semantic_kernel", "t_strands", "u_logfire_openai_agents",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in SETS if name not in NO_HISTORY])
def test_a_tool_conversation_is_rebuilt_in_every_dialect(name: str) -> None:
    last = [
        one for one in rows_of(name) if one["op"] == "call" and one["input"] == ASKED and "KW-1042" in one["output"]
    ]
    assert last
    turns = of(last[-1])
    assert [turn["role"] for turn in turns if turn["role"] != "system"] == ["user", "assistant", "tool", "assistant"]
    user, asks, _, answer = [turn for turn in turns if turn["role"] != "system"]
    assert user["content"] == ASKED
    assert asks["tool_calls"][0]["name"] in ("lookup_order", "get_order_status")  # type: ignore[index]
    assert str(answer["content"]).startswith(("Order KW-1042 left our warehouse", "Order KW-1042 has been shipped"))


@pytest.mark.parametrize("name", CALLS)
def test_other_words(name: str) -> None:
    turns = of(row(CALLS[name]))
    assert [turn["content"] for turn in turns if turn["role"] == "user" and turn["content"]] == [Q]
    assert turns[-1] == {"role": "assistant", "content": A}


def test_instructions_come_first_when_no_turn_is_the_systems() -> None:
    told = row({
        "gen_ai.operation.name": "chat", "gen_ai.system_instructions": '[{"type":"text","content":"Be brief."}]',
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": Q}]}]),
    })  # fmt: skip
    assert of(told) == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": Q}]


def test_one_list_for_both_sides_is_told_once() -> None:
    told = row({"pydantic_ai.all_messages": json.dumps([
        {"role": "user", "parts": [{"type": "text", "content": Q}]},
        {"role": "assistant", "parts": [{"type": "text", "content": A}]}])})  # fmt: skip
    assert [turn["role"] for turn in of(told)] == ["user", "assistant"]


def test_tool_calls_that_stand_apart_belong_to_the_answer() -> None:
    asks = next(one for one in rows_of("m_vercel_ai") if one["tool_calls"])
    assert of(asks)[-1]["tool_calls"] == json.loads(asks["tool_calls"])


def test_plain_texts_are_two_turns() -> None:
    assert of(row({"input.value": Q, "output.value": A})) == [
        {"role": "user", "content": Q},
        {"role": "assistant", "content": A},
    ]


def test_message_events_of_a_span() -> None:
    told = row(
        {"gen_ai.operation.name": "chat"},
        events=[("gen_ai.system.message", {"content": "Be brief."}), ("gen_ai.user.message", {"content": Q}),
                ("gen_ai.choice", {"message": json.dumps([{"text": A}])})],
    )  # fmt: skip
    assert [(turn["role"], turn["content"]) for turn in of(told)] == [
        ("system", "Be brief."),
        ("user", Q),
        ("assistant", A),
    ]


def test_nothing_told_is_no_turn() -> None:
    assert messages({}, {}) == []
    assert messages({"gen_ai.input.messages": "[{"}, {"x": "broken {"}, "nonsense") == [
        {"role": "user", "content": "[{"}
    ]


def test_a_cut_emoji_can_be_sent_on() -> None:
    turns = messages({"gen_ai.input.messages": '[{"role":"user","content":"cut \\ud83d"}]'}, {})
    assert turns == [{"role": "user", "content": "cut \ufffd"}]


@pytest.mark.parametrize("events", ["[1, null, [2]]", '[{"name": "gen_ai.choice", "attributes": 3}]', '"text"', "{}"])
def test_stored_events_of_any_shape_break_nothing(events: str) -> None:
    assert [turn["content"] for turn in messages({"input.value": Q}, {}, events) if turn["content"]] == [Q]
