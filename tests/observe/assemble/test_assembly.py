"""What exchanges come of spans, in whatever order and company they arrive."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.store.warehouse.client import Warehouse
from tests.observe.segments import Room, call, chain, told

MEANING = (
    "hex(span_id) AS span, is_answer, is_call, calls, input_tokens, output_tokens, model, user_id, session_id, "
    "status, tools, "
    "input_start, output_start, round(cost, 9) AS cost, dateDiff('second', received, answer_from) AS waits"
)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, warehouse: Warehouse) -> Room:
    return Room(Path(tmp_path_factory.mktemp("assembly")), warehouse)


def new_trace() -> int:
    return secrets.randbits(100) + 1


def exchanges(room: Room, *groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Load each group of spans as a segment of its own; what a reader finds."""
    project = f"p{secrets.token_hex(6)}"
    for group in groups:
        room.put(told(project, *group))
    room.load()
    return room.exchanges(project, MEANING)


def kinds(rows: list[dict[str, Any]]) -> dict[int, str]:
    names = {(True, True): "both", (True, False): "answer", (False, True): "call", (False, False): "neither"}
    return {int(row["span"], 16): names[row["is_answer"], row["is_call"]] for row in rows}


def test_an_answer_sums_its_calls(room: Room) -> None:
    trace = new_trace()
    rows = exchanges(
        room, [chain(trace, 1), call(trace, 2, parent=1), call(trace, 3, parent=1, gen_ai__usage__input_tokens=50)]
    )
    assert kinds(rows) == {1: "answer", 2: "call", 3: "call"}
    answer = next(row for row in rows if row["is_answer"])
    assert (answer["calls"], answer["input_tokens"], answer["output_tokens"]) == (2, 150, 40)
    assert answer["cost"] == pytest.approx(sum(row["cost"] for row in rows if row["is_call"]))
    assert (answer["model"], answer["input_start"]) == ("gpt-4o-mini-2024-07-18", "what the user asked")


@pytest.mark.parametrize("order", ["gateway first", "gateway last", "together"])
def test_a_call_that_a_gateway_told_in_another_trace_is_known_by_both_ids(room: Room, order: str) -> None:
    trace, other = new_trace(), new_trace()
    gateway = [call(other, 9, scope="homeostat.gateway", gen_ai__response__id="r7", homeostat__release="B")]
    application = [chain(trace, 1), call(trace, 2, parent=1, gen_ai__response__id="r7"), call(trace, 3, parent=1)]
    groups = {"gateway first": (gateway, application), "gateway last": (application, gateway)}
    project = f"p{secrets.token_hex(6)}"
    for group in groups.get(order, (gateway + application,)):
        room.put(told(project, *group))
        room.load()
    rows = room.exchanges(project, "hex(span_id) AS span, release, arrayMap(m -> hex(m), elsewhere) AS others")
    names = {f"{other:032X}{9:016X}", f"{trace:032X}{2:016X}"}
    found = {int(row["span"], 16): set(row["others"]) for row in rows}
    own = 2 if 2 in found else 9  # the call is one of the two, and knows the other
    assert set(found) == {1, own, 3}
    assert found[3] == set()
    assert found[own] == names - {f"{trace:032X}{2:016X}" if own == 2 else f"{other:032X}{9:016X}"}
    assert found[1] - {f"{trace:032X}{2:016X}"} == {f"{other:032X}{9:016X}"}, "the answer above it is known by it"
    assert {int(row["span"], 16): row["release"] for row in rows} == {1: "B", own: "B", 3: ""}


def test_a_parent_without_texts_is_no_answer(room: Room) -> None:
    trace = new_trace()
    rows = exchanges(
        room, [{"trace": trace, "span": 1, "http__method": "POST"}, call(trace, 2, parent=1), call(trace, 3, parent=1)]
    )
    assert kinds(rows) == {2: "both", 3: "both"}


def step(trace: int, span: int, **more: Any) -> dict[str, Any]:
    """A call that asks for a tool and says nothing."""
    asks = json.dumps([{"role": "assistant", "tool_calls": [{"id": "t", "function": {"name": "weather"}}]}])
    return call(trace, span, **{"output__value": asks, "at": -30.0 + span, **more})


def last(trace: int, span: int, **more: Any) -> dict[str, Any]:
    return call(trace, span, at=-30.0 + span, **more)


@pytest.mark.parametrize("agent_last", [False, True])
def test_a_silent_agent_answers_with_what_its_calls_were_asked_and_said(room: Room, agent_last: bool) -> None:
    trace = new_trace()
    agents = [
        {"trace": trace, "span": 1, "openinference__span__kind": "AGENT"},
        {"trace": trace, "span": 2, "parent": 1, "openinference__span__kind": "AGENT"},
    ]
    loop = [step(trace, 3, parent=2), last(trace, 4, parent=2, input__value="sunny", output__value="It is sunny.")]
    rows = exchanges(room, *([loop, agents] if agent_last else [agents, loop]))
    assert kinds(rows) == {1: "answer", 3: "call", 4: "call"}
    answer = next(row for row in rows if row["is_answer"])
    assert (answer["input_start"], answer["output_start"]) == ("a question", "It is sunny.")
    assert (answer["calls"], answer["input_tokens"], answer["model"]) == (2, 200, "gpt-4o-mini-2024-07-18")


def test_a_silent_agent_whose_calls_hide_their_texts_is_one_answer(room: Room) -> None:
    trace, hidden = new_trace(), {"input__value": "", "output__value": ""}
    agent = {"trace": trace, "span": 1, "gen_ai__operation__name": "invoke_agent"}
    rows = exchanges(room, [agent, call(trace, 2, parent=1, **hidden), call(trace, 3, parent=1, **hidden)])
    assert kinds(rows) == {1: "answer", 2: "call", 3: "call"}


@pytest.mark.parametrize("question", [f"question {n}" for n in range(8)])  # hashes on both sides of the middle
def test_a_loop_over_tools_that_the_application_wrote_itself_is_one_answer(room: Room, question: str) -> None:
    loops, others = new_trace(), new_trace()
    asked = {"input__value": question}
    rows = exchanges(
        room,
        [
            {"trace": loops, "span": 1, "http__method": "POST"},
            step(loops, 2, parent=1, **asked),
            last(loops, 3, parent=1, **asked),
            # Two questions in one request: two answers, as before.
            {"trace": others, "span": 11, "http__method": "POST"},
            step(others, 12, parent=11),
            last(others, 13, parent=11, input__value="another question"),
        ],
    )
    assert kinds(rows) == {1: "answer", 2: "call", 3: "call", 12: "both", 13: "both"}


def test_an_agent_over_one_call_or_over_answers_lends_nothing(room: Room) -> None:
    one, other = new_trace(), new_trace()
    rows = exchanges(
        room,
        [
            {"trace": one, "span": 1, "openinference__span__kind": "AGENT"},
            call(one, 2, parent=1),
            {"trace": other, "span": 11, "openinference__span__kind": "AGENT"},
            chain(other, 12, parent=11),
            call(other, 13, parent=12),
            call(other, 14, parent=11),
            call(other, 15, parent=11),
        ],
    )
    assert kinds(rows) == {2: "both", 12: "answer", 13: "call", 14: "both", 15: "both"}


def test_a_late_parent_takes_over_and_the_orphans_waited(room: Room) -> None:
    trace = new_trace()
    early = exchanges(room, [call(trace, 2, parent=1)])
    assert kinds(early) == {2: "both"} and early[0]["waits"] == 60
    rows = exchanges(room, [call(trace, 2, parent=1)], [chain(trace, 1)])
    assert kinds(rows) == {1: "answer", 2: "call"}
    assert [row["waits"] for row in rows if row["is_answer"]] == [0]


def test_a_merged_call_leaves_a_tombstone(room: Room) -> None:
    trace, other = new_trace(), new_trace()
    told_by_sdk = call(other, 9, scope="sdk", gen_ai__response__id="r1", at=-9.5, seconds=0.2)
    rows = exchanges(room, [told_by_sdk], [call(trace, 1, scope="instrumentor", gen_ai__response__id="r1")])
    assert kinds(rows) == {1: "both"}
    assert rows[0]["input_tokens"] == 100


def test_a_call_that_a_framework_and_its_client_tell_in_two_traces_is_summed_once(room: Room) -> None:
    trace, other = new_trace(), new_trace()
    rows = exchanges(
        room,
        [call(other, 9, scope="client", gen_ai__response__id="r2")],
        [chain(trace, 1), call(trace, 2, parent=1, scope="framework", gen_ai__response__id="r2")],
    )
    assert kinds(rows) == {1: "answer", 2: "call"}
    answer = next(row for row in rows if row["is_answer"])
    assert (answer["calls"], answer["input_tokens"]) == (1, 100)


def test_user_and_session_reach_everybody(room: Room) -> None:
    trace = new_trace()
    top = {"trace": trace, "span": 1}
    rows = exchanges(
        room, [call(trace, 3, parent=2)], [chain(trace, 2, parent=1), {**top, "user__id": "u1", "session__id": "s1"}]
    )
    assert {(row["user_id"], row["session_id"]) for row in rows} == {("u1", "s1")}


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_session_that_an_sdk_made_up_gives_way_to_one_that_was_told(room: Room, parent_first: bool) -> None:
    made_up = {"scope": "pydantic-ai", "gen_ai__conversation__id": "01a1fea0-f531-730d-9907-92c979600af2"}
    trace, alone = new_trace(), new_trace()
    groups = [
        [{"trace": trace, "span": 1, "session__id": "s1"}],
        [chain(trace, 2, parent=1, **made_up), call(trace, 3, parent=2, **made_up)],
        [chain(alone, 4, **made_up), call(alone, 5, parent=4, **made_up)],
    ]
    rows = exchanges(room, *(groups if parent_first else groups[::-1]))
    sessions = {int(row["span"], 16): row["session_id"] for row in rows}
    own = made_up["gen_ai__conversation__id"]
    assert sessions == {2: "s1", 3: "s1", 4: own, 5: own}


def test_where_a_trace_disagrees_the_nearest_ancestor_counts(room: Room) -> None:
    trace = new_trace()
    batch = {"trace": trace, "span": 1}
    one = [chain(trace, 10, parent=1, user__id="a"), call(trace, 11, parent=10)]
    two = [
        chain(trace, 20, parent=1, user__id="b"),
        {"trace": trace, "span": 21, "parent": 20},
        call(trace, 22, parent=21),
    ]
    rows = exchanges(room, [batch, *one, *two])
    assert {int(row["span"], 16): row["user_id"] for row in rows} == {10: "a", 11: "a", 20: "b", 22: "b"}


def test_a_retried_and_recovered_call_is_no_failed_answer(room: Room) -> None:
    trace = new_trace()
    rows = exchanges(room, [chain(trace, 1), call(trace, 2, parent=1, error="500"), call(trace, 3, parent=1)])
    assert {int(row["span"], 16): row["status"] for row in rows} == {1: "ok", 2: "error", 3: "ok"}


def test_circles_and_missing_parents_lose_nobody(room: Room) -> None:
    trace = new_trace()
    rows = exchanges(
        room, [call(trace, 1, parent=2), call(trace, 2, parent=1), call(trace, 3, parent=3), call(trace, 4, parent=99)]
    )
    assert kinds(rows) == {1: "both", 2: "both", 3: "both", 4: "both"}


def test_agents_that_repeat_totals_count_nothing(room: Room) -> None:
    trace = new_trace()
    agent = {
        "gen_ai__usage__input_tokens": 200,
        "gen_ai__usage__output_tokens": 40,
        "gen_ai__operation__name": "invoke_agent",
    }
    rows = exchanges(
        room,
        [
            chain(trace, 1, openinference__span__kind="AGENT", **agent),
            call(trace, 2, parent=1),
            call(trace, 3, parent=1),
        ],
    )
    assert sum(row["input_tokens"] for row in rows if row["is_call"]) == 200
    assert kinds(rows)[1] == "answer"


def test_the_same_ids_in_two_projects_do_not_touch(room: Room) -> None:
    trace = new_trace()
    assert kinds(exchanges(room, [call(trace, 2, parent=1, gen_ai__response__id="same")])) == {2: "both"}
    assert kinds(exchanges(room, [chain(trace, 1)])) == {1: "answer"}


TRACE = [
    {"span": 1, "user__id": "u", "http__method": "POST"},
    {"span": 2, "parent": 1, "make": "chain"},
    {"span": 3, "parent": 2, "make": "call", "gen_ai__response__id": "r1"},
    {"span": 4, "parent": 3, "make": "call", "gen_ai__response__id": "r1", "scope": "sdk", "output__value": ""},
    {"span": 5, "parent": 2, "make": "call", "error": "overloaded", "gen_ai__usage__input_tokens": 7},
    {
        "span": 6,
        "parent": 2,
        "openinference__span__kind": "TOOL",
        "name": "look",
        "input__value": "x",
        "output__value": "y",
    },
    {"span": 7, "parent": 6, "make": "chain", "session__id": "s"},
    {"span": 8, "parent": 7, "make": "call", "gen_ai__usage__output_tokens": 3},
]


def spans(trace: int) -> list[dict[str, Any]]:
    makes = {"call": call, "chain": chain}
    found = []
    for one in TRACE:
        own = {key: value for key, value in one.items() if key not in ("make", "span")}
        make = makes.get(str(one.get("make")))
        found.append(make(trace, one["span"], **own) if make else {"trace": trace, "span": one["span"], **own})
    return found


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TRACE))), cuts=st.lists(st.booleans(), min_size=len(TRACE), max_size=len(TRACE)))
def test_any_order_in_any_company_makes_the_same(room: Room, order: list[int], cuts: list[bool]) -> None:
    whole = exchanges(room, spans(new_trace()))
    assert kinds(whole) == {2: "answer", 3: "call", 5: "call", 8: "call"}
    rows, groups = spans(new_trace()), [[]]
    for index, cut in zip(order, cuts, strict=True):
        groups[-1].append(rows[index])
        if cut:
            groups.append([])
    assert exchanges(room, *[group for group in groups if group]) == whole
