"""Where spans stand, against a plain walk over the same tree."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.observe.assemble import places

FIELDS = (*places._UNSIGNED, *places._SIGNED)


def node(span: int, parent: int = 0, trace: int = 1, **more: Any) -> dict[str, int]:
    return dict.fromkeys(FIELDS, 0) | {
        "trace": trace, "span": span, "parent": parent, "row": 1000 * trace + span, "start": span, "end": span + 10,
        "tokens_in": -1, "tokens_out": -1, **{key: int(value) for key, value in more.items()},
    }  # fmt: skip


def found(nodes: list[dict[str, int]]) -> dict[tuple[int, int], dict[str, int]]:
    data = b"".join(
        struct.pack(f"<{len(places._UNSIGNED)}Q{len(places._SIGNED)}q", *(one[f] for f in FIELDS)) for one in nodes
    )
    columns = places.find(data)
    names = [name for name, _ in places.COLUMNS]
    rows = [dict(zip(names, map(int, values), strict=True)) for values in zip(*columns, strict=True)]
    return {(row["trace_key"], row["span_key"]): row for row in rows}


def call(span: int, parent: int = 0, **more: Any) -> dict[str, int]:
    return node(span, parent, **{"call": 1, "told": 1, **more})


def leads(nodes: list[dict[str, int]]) -> dict[int, int]:
    return {span: row["lead_key"] for (_, span), row in found(nodes).items()}


@settings(max_examples=200)
@given(st.data())
def test_topmost_answers_and_lost_ways(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    parents = data.draw(st.lists(st.integers(0, size + 2), min_size=size, max_size=size))
    capable = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    nodes = [node(n + 1, parents[n], capable=capable[n]) for n in range(size)]
    rows = found(nodes)
    up = {n + 1: parents[n] for n in range(size)}
    for span in up:
        way, at = [span], span
        while up.get(up[at]) is not None and up[at] not in way:
            at = up[at]
            way.append(at)
        circle = up.get(up[at]) is not None
        way = [span] if circle else way
        answers = [one for one in way if capable[one - 1]]
        assert rows[1, span]["top_key"] == (answers[-1] if answers else 0)
        assert rows[1, span]["lost"] == int(not circle and up[way[-1]] != 0)


def test_a_chain_of_ten_thousand_is_no_trouble() -> None:
    nodes = [node(n, n - 1, capable=n == 3) for n in range(1, 10_001)]
    rows = found(nodes)
    assert rows[1, 10_000]["top_key"] == 3
    assert rows[1, 2]["top_key"] == 0
    assert not rows[1, 10_000]["lost"]


def test_the_same_ids_in_another_trace_are_others() -> None:
    rows = found([node(1, capable=1), node(2, 1), node(1, trace=2), node(2, 1, trace=2)])
    assert (rows[1, 2]["top_key"], rows[2, 2]["top_key"]) == (1, 0)


def test_parent_and_child_that_repeat_the_usage_are_one_call() -> None:
    usage = {"tokens_in": 10, "tokens_out": 2}
    assert leads([call(1, **usage), call(2, 1, **usage)]) == {1: 1, 2: 1}
    # Through a span between them as well.
    assert leads([call(1, **usage), node(2, 1), call(3, 2, **usage)]) == {1: 1, 2: 0, 3: 1}


def test_a_child_that_knows_no_usage_is_the_same_call() -> None:
    assert leads([call(1, tokens_in=10, tokens_out=2), call(2, 1)]) == {1: 1, 2: 1}


def test_a_wrapper_of_several_calls_is_none() -> None:
    wrapped = [
        call(1, tokens_in=30, tokens_out=3),
        call(2, 1, tokens_in=10, tokens_out=1),
        call(3, 1, tokens_in=20, tokens_out=2),
    ]
    assert leads(wrapped) == {1: 0, 2: 2, 3: 3}


def test_two_answers_of_the_provider_are_two_calls() -> None:
    nested = [
        call(1, named=1, response=7, tokens_in=5, tokens_out=5),
        call(2, 1, named=1, response=8, tokens_in=5, tokens_out=5),
    ]
    assert leads(nested) == {1: 1, 2: 2}


def test_one_answer_told_in_two_traces_by_two_scopes() -> None:
    told = {"named": 1, "response": 7}
    pair = [call(1, scope=1, **told), call(2, trace=2, scope=2, **told)]
    assert {key: (row["lead_trace"], row["lead_key"]) for key, row in found(pair).items()} == {
        (1, 1): (1, 1),
        (2, 2): (1, 1),
    }
    same_scope = [call(1, scope=1, **told), call(2, trace=2, scope=1, **told)]
    assert leads(same_scope) == {1: 1, 2: 2}
    at_another_time = [call(1, scope=1, **told), call(2, trace=2, scope=2, start=100, end=110, **told)]
    assert leads(at_another_time) == {1: 1, 2: 2}


def test_a_call_that_a_framework_and_its_client_tell_in_two_traces_is_the_frameworks() -> None:
    """The client's trace is nothing but the call; the framework's knows what the call was for."""
    framework = [node(1, trace=1, capable=1), call(2, 1, trace=1, response=7, named=1, scope=1, capable=1, start=5)]
    client = [call(3, trace=2, response=7, named=1, scope=2, capable=1, start=5)]
    assert leads([*client, *framework]) == {1: 0, 2: 2, 3: 2}


def test_a_response_id_of_a_crowd_says_nothing() -> None:
    crowd = [call(n, trace=n, scope=n, named=1, response=7, start=1, end=9) for n in range(1, places.CROWD + 2)]
    assert leads(crowd) == {n: n for n in range(1, places.CROWD + 2)}


def test_the_halves_of_a_stream() -> None:
    asked = call(1, scope=1, response=7, start=10, end=20)
    told = call(2, trace=2, scope=1, response=7, start=25, end=25, tokens_in=1, tokens_out=1, answered=1)
    assert leads([asked, told]) == {1: 1, 2: 1}
    assert leads([asked, told | {"start": 25 + places.LATER, "end": 25 + places.LATER}]) == {1: 1, 2: 2}


def test_siblings_of_a_framework_and_its_client_tell_one_call() -> None:
    asked = {"asked": 5, "wanted": 6}
    framework = call(2, 1, scope=1, start=10, end=30, tokens_in=9, tokens_out=1, **asked)
    client = call(3, 1, scope=2, start=10, end=29, tokens_in=9, tokens_out=1, named=1, response=7, **asked)
    for one in (
        client,
        client | {"tokens_in": -1, "tokens_out": -1},
        client | {"named": 0, "response": 0, "start": 11},
    ):
        assert set(leads([node(1), framework, one]).values()) in ({0, 2}, {0, 3})
    assert leads([node(1), framework, client]) == {1: 0, 2: 3, 3: 3}
    for other in (
        {"tokens_in": 8},
        {"asked": 4},
        {"wanted": 4},
        {"scope": 1},
        {"end": 31},
        {"parent": 0},
        {"embedding": 1},
    ):
        assert leads([node(1), framework, client | other]) == {1: 0, 2: 2, 3: 3}
    assert leads([node(1), framework | {"named": 1, "response": 8}, client]) == {1: 0, 2: 2, 3: 3}


def test_siblings_that_ask_the_same_several_times_go_in_pairs() -> None:
    asked = {"asked": 5, "wanted": 6}
    nodes = [node(1)]
    for n in range(3):  # at the same time, or one after the other
        nodes.append(call(10 + n, 1, scope=1, start=n, end=40 + n, **asked))
        nodes.append(call(20 + n, 1, scope=2, start=n + 1, end=39 + n, named=1, response=n + 1, **asked))
    assert leads(nodes) == {1: 0, 10: 20, 20: 20, 11: 21, 21: 21, 12: 22, 22: 22}


@settings(max_examples=100)
@given(st.data())
def test_leaders_lead_themselves(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 10))
    draw = st.integers(0, 3)
    nodes = [
        call(
            n + 1, data.draw(st.integers(0, size)), scope=data.draw(draw), response=data.draw(draw), named=1,
            tokens_in=data.draw(st.integers(-1, 2)), tokens_out=data.draw(st.integers(-1, 2)),
            told=data.draw(st.booleans()),
        )
        for n in range(size)
    ]  # fmt: skip
    lead = leads(nodes)
    assert all(lead[to] == to for to in lead.values() if to)
