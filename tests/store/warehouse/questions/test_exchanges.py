"""Lists: order, paging, filters, text."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from homeostat.records.exchange import Exchange
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.exchanges import Ask, Place, count, page
from homeostat.store.warehouse.questions.refused import Refused
from tests.builders import NOON, exchange_id, exchange_row, new_span, new_trace, score_row, signal_row, span_row, store

NOW = NOON + timedelta(hours=1)


def ask(warehouse: Warehouse, project: str, *pairs: tuple[str, str], **more: Any) -> list[Exchange]:
    return list(page(warehouse, Ask(project, NOW, filters.parse(pairs), **more)).items)


def names(found: list[Exchange]) -> set[str]:
    return {exchange.name for exchange in found}


def test_newest_first_and_every_page_continues_where_the_last_ended(warehouse: Warehouse, project: str) -> None:
    rows = [exchange_row(project, at=NOON - timedelta(hours=n * n)) for n in range(12)]
    rows += [
        exchange_row(project, at=NOON - timedelta(days=2)) for _ in range(5)
    ]  # one moment, told apart by their ids
    store(warehouse, exchanges=rows)
    expected = [
        exchange_id(r) for r in sorted(rows, key=lambda r: (r["at"], r["trace_id"], r["span_id"]), reverse=True)
    ]
    seen: list[str] = []
    cursor: Place | None = None
    for _ in range(20):
        got = page(warehouse, Ask(project, NOW, limit=3, cursor=cursor))
        seen += [exchange.id for exchange in got.items]
        cursor = got.next
        if cursor is None:
            break
        assert len(got.items) == 3
        cursor = Place.parse(str(cursor))
    assert seen == expected


def test_only_the_newest_version_counts_and_tombstones_are_gone(warehouse: Warehouse, project: str) -> None:
    first = exchange_row(project, name="old")
    lost = exchange_row(project, name="lost")
    store(warehouse, exchanges=[first, lost])
    store(warehouse, exchanges=[first | {"version": 2, "name": "new"}, lost | {"version": 2, "gone": 1}])
    assert names(ask(warehouse, project)) == {"new"}
    assert ask(warehouse, project, ("name", "old")) == []


def test_kinds(warehouse: Warehouse, project: str) -> None:
    store(
        warehouse,
        exchanges=[
            exchange_row(project, name="both"),
            exchange_row(project, name="call", is_answer=False),
            exchange_row(project, name="answer", is_call=False),
            exchange_row(project, name="orphan", answer_from=NOW + timedelta(seconds=1)),
        ],
    )
    assert names(ask(warehouse, project)) == {"both", "answer"}
    assert names(ask(warehouse, project, kind="call")) == {"both", "call", "orphan"}
    everything = ask(warehouse, project, kind="all")
    assert {e.name: e.kind for e in everything} == {
        "both": "answer",
        "call": "call",
        "answer": "answer",
        "orphan": "call",
    }


def test_open_until_it_settles(warehouse: Warehouse, project: str) -> None:
    store(
        warehouse,
        exchanges=[
            exchange_row(project, name="open", settles=NOW + timedelta(seconds=1)),
            exchange_row(project, name="done", settles=NOW),
        ],
    )
    assert {e.name: e.status for e in ask(warehouse, project)} == {"open": "open", "done": "ok"}
    assert names(ask(warehouse, project, ("status", "open"))) == {"open"}
    assert names(ask(warehouse, project, ("status", "ok"))) == {"done"}


def test_time(warehouse: Warehouse, project: str) -> None:
    store(warehouse, exchanges=[exchange_row(project, name=str(n), at=NOON - timedelta(hours=n)) for n in range(5)])
    found = ask(warehouse, project, since=NOON - timedelta(hours=3), until=NOON - timedelta(hours=1))
    assert names(found) == {"3", "2"}


MADE = {
    "a": {"model": "m-1", "user_id": "u'1", "tags": ["beta", "x"], "latency_ms": 50.0, "cost": None, "streaming": True},
    "b": {
        "model": "m-2",
        "prompt_name": "p",
        "prompt_version": "3",
        "latency_ms": 150.0,
        "error": "Upstream said 500",
        "status": "error",
    },
    "c": {
        "model": "",
        "tools": ["search"],
        "input_tokens": None,
        "output_tokens": None,
        "latency_ms": 250.0,
        "session_id": "s",
    },
}


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("model", "m-1")], "a"),
        ([("model", "m-1"), ("model", "m-2")], "ab"),
        ([("model.not", "m-1")], "bc"),
        ([("model.not", "m-1"), ("model.not", "m-2")], "c"),
        ([("model.exists", "false")], "c"),
        ([("model.contains", "M-")], "ab"),
        ([("user", "u'1")], "a"),
        ([("session.exists", "true")], "c"),
        ([("prompt", "p"), ("prompt_version", "3")], "b"),
        ([("tag", "x")], "a"),
        ([("tag", "x"), ("tag", "y")], "a"),
        ([("tag.not", "x")], "bc"),
        ([("tag.contains", "ET")], "a"),
        ([("tool.exists", "")], "c"),
        ([("latency_ms.gt", "50"), ("latency_ms.lte", "150")], "b"),
        ([("latency_ms", "150")], "b"),
        ([("latency_ms.not", "150")], "ac"),
        ([("cost.lt", "1")], "bc"),
        ([("cost.exists", "false")], "a"),
        ([("input_tokens.gte", "10")], "ab"),
        ([("tokens.lt", "10")], ""),
        ([("tokens.gte", "15")], "ab"),
        ([("tokens.exists", "false")], "c"),
        ([("input_tokens.not", "10")], "c"),
        ([("streaming", "true")], "a"),
        ([("streaming.not", "true")], "bc"),
        ([("error.exists", "true")], "b"),
        ([("error.contains", "upstream")], "b"),
        ([("status", "error")], "b"),
        ([("q", "SAID")], "b"),
        ([("name", "a"), ("model", "m-2")], ""),
        ([("name.not", "")], "abc"),
    ],
)
def test_filters_on_own_fields(warehouse: Warehouse, made: str, pairs: list[tuple[str, str]], expected: str) -> None:
    assert names(ask(warehouse, made, *pairs)) == set(expected)
    assert count(warehouse, Ask(made, NOW, filters.parse(pairs))) == len(expected)


@pytest.fixture(scope="module")
def made(warehouse: Warehouse) -> str:
    project = f"p{secrets.token_hex(6)}"
    store(warehouse, exchanges=[exchange_row(project, name=name, **given) for name, given in MADE.items()])
    return project


def test_words_stand_in_whole_texts(warehouse: Warehouse, project: str) -> None:
    far = "x" * 500
    store(
        warehouse,
        exchanges=[
            exchange_row(project, name="a", input=far + " Where is my REFUND?", output=far + " it is too late"),
            exchange_row(project, name="b", input=far + " the refund", output="Größe ÜBERALL " + far),
            exchange_row(project, name="c", input="100% of 'it' \\ _ *", output=""),
        ],
    )
    search = {
        "refund": "ab",
        "refund late": "a",
        '"too late"': "a",
        '"late too"': "",
        "überall": "b",
        "%": "c",
        "_": "c",
        "\\": "c",
        "'it'": "c",
        "*": "c",
        "absent": "",
        "refund refund": "ab",
    }
    for text, expected in search.items():
        assert names(ask(warehouse, project, ("q", text))) == set(expected), text
    assert names(ask(warehouse, project, ("q", "refund"), ("name", "b"))) == {"b"}
    assert names(ask(warehouse, project, ("input.contains", "where"))) == {"a"}
    assert names(ask(warehouse, project, ("output.contains", "refund"))) == set()


def test_ids(warehouse: Warehouse, project: str) -> None:
    member = new_span()
    one = exchange_row(project, name="one")
    one["members"] = [one["span_id"], member]
    two = exchange_row(project, name="two")
    store(warehouse, exchanges=[one, two])
    assert names(ask(warehouse, project, ("id", exchange_id(one)))) == {"one"}
    assert names(ask(warehouse, project, ("id", f"{one['trace_id']}-{member}"), ("id", exchange_id(two)))) == {
        "one",
        "two",
    }
    assert names(ask(warehouse, project, ("id.not", exchange_id(one)))) == {"two"}
    assert names(ask(warehouse, project, ("trace", two["trace_id"].upper()))) == {"two"}
    assert names(ask(warehouse, project, ("q", exchange_id(two)))) == {"two"}


def test_attributes_of_every_member_and_of_its_resource(warehouse: Warehouse, project: str) -> None:
    trace, own, inner = new_trace(), new_span(), new_span()
    one = exchange_row(project, name="one", trace_id=trace, span_id=own, members=[own, inner])
    spans = [
        span_row(
            project, trace_id=trace, span_id=own, attributes={"http.route": "/a"}, resource={"service.name": "shop"}
        ),
        span_row(
            project,
            trace_id=trace,
            span_id=inner,
            attributes_json={"k": "12.5", "on": "true"},
            at=NOON + timedelta(seconds=1),
        ),
    ]
    store(warehouse, exchanges=[one, exchange_row(project, name="two")], spans=spans)
    found = {
        ("attribute.http.route", "/a"): {"one"},
        ("attribute.http.route", "/b"): set(),
        ("attribute.http.route.not", "/a"): {"two"},
        ("attribute.service.name", "shop"): {"one"},
        ("attribute.k", "12.5"): {"one"},
        ("attribute.k.gt", "12"): {"one"},
        ("attribute.k.lt", "12"): set(),
        ("attribute.on", "true"): {"one"},
        ("attribute.k.exists", "true"): {"one"},
        ("attribute.k.exists", "false"): {"two"},
        ("attribute.service.name.contains", "HO"): {"one"},
        ("attribute.missing", ""): set(),
    }
    for pair, expected in found.items():
        assert names(ask(warehouse, project, pair)) == expected, pair


def test_scores_and_signals(warehouse: Warehouse, project: str) -> None:
    rows = {name: exchange_row(project, name=name) for name in "abc"}
    about = {name: {"trace_id": row["trace_id"], "span_id": row["span_id"]} for name, row in rows.items()}
    store(
        warehouse,
        exchanges=list(rows.values()),
        scores=[
            score_row(project, value=0.2, **about["a"]),
            score_row(project, value=0.9, rung="human", at=NOON, **about["a"]),  # costlier: counts, though it is older
            score_row(project, value=0.3, **about["b"]),
            score_row(project, value=0.4, name="tone", label="rude", **about["c"]),
        ],
        signals=[
            signal_row(project, value=-1.0, at=NOON + timedelta(days=20), **about["b"]),
            signal_row(project, name="reason", label="wrong", trace_id=rows["c"]["trace_id"]),
        ],
    )
    found = {
        ("score.relevance.lt", "0.5"): "b",
        ("score.relevance.gte", "0.5"): "a",
        ("score.relevance", "0.9"): "a",
        ("score.relevance.exists", "true"): "ab",
        ("score.relevance.exists", "false"): "c",
        ("score.tone", "rude"): "c",
        ("score.tone.not", "rude"): "ab",
        ("signal.thumbs", "-1"): "b",
        ("signal.thumbs.lt", "0"): "b",
        ("signal.reason", "wrong"): "c",
        ("signal.reason.contains", "WRO"): "c",
        ("signal.reason.exists", "false"): "ab",
        ("label", "rude"): "c",
        ("label", "wrong"): "c",
        ("label.not", "wrong"): "ab",
        ("label.exists", "true"): "c",
    }
    for pair, expected in found.items():
        assert names(ask(warehouse, project, pair)) == set(expected), pair


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (("modle", "x"), "Did you mean model"),
        (("latency", "fast"), ""),
        (("latency.gt", "nan"), ""),
        (("latency.contains", "1"), ""),
        (("model.gt", "1"), ""),
        (("id", "x"), ""),
        (("trace", "x"), ""),
        (("score", "x"), ""),
        (("attribute.", "x"), ""),
        (("model.exists", "perhaps"), ""),
        (("input", "x"), ""),
        (("model", "x" * 1001), ""),
        (("q", "a b c d e f g h i"), ""),
        (("score.relevance.gt", "inf"), ""),
    ],
)
def test_refusals_say_what_to_do(warehouse: Warehouse, project: str, pair: tuple[str, str], says: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(warehouse, project, pair)
    assert refused.value.message
    assert says in refused.value.hint


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be true and false"):
        filters.parse([("model.exists", "true"), ("model.exists", "no")])


@pytest.mark.parametrize("text", ["", "x", "AAAA", "é" * 44, "A" * 44])
def test_cursors_are_checked(text: str) -> None:
    with pytest.raises(Refused):
        Place.parse(text)


def test_when_the_time_is_up_the_page_says_where_to_go_on(warehouse: Warehouse, project: str) -> None:
    rows = [exchange_row(project, name=str(n), at=NOON - timedelta(minutes=n * 2)) for n in range(8)]
    store(warehouse, exchanges=rows)
    seen: list[str] = []
    ask = Ask(project, NOW, since=NOON - timedelta(minutes=15), until=NOON + timedelta(seconds=1))
    for _ in range(90):
        got = page(warehouse, ask, seconds=-1)  # every window ends the page
        seen += [exchange.name for exchange in got.items]
        if got.next is None:
            break
        ask = replace(ask, cursor=Place.parse(str(got.next)))
    assert seen == [str(n) for n in range(8)]
