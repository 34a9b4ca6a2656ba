"""Lists and single exchanges over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from homeostat.observe.plain.ids import exchange_of, span_of
from homeostat.store.warehouse.client import Warehouse
from tests.builders import (
    NOON,
    exchange_id,
    exchange_row,
    new_span,
    new_trace,
    score_row,
    signal_row,
    span_row,
    store,
)


def test_a_page_and_the_next(client: TestClient, warehouse: Warehouse, project: str) -> None:
    rows = [exchange_row(project, at=NOON - timedelta(minutes=n), input="q" * 400) for n in range(5)]
    store(warehouse, exchanges=rows)
    first = client.get("/api/v1/exchanges", params={"limit": 3}).json()
    assert [item["id"] for item in first["items"]] == [exchange_id(row) for row in rows[:3]]
    item = first["items"][0]
    assert item["input"] == "q" * 160
    assert item["input_chars"] == 400
    assert item["at"] == "2026-11-20T12:00:00.000000Z"
    assert item["project"] == project
    assert {"messages", "attributes", "documents"}.isdisjoint(item)
    second = client.get("/api/v1/exchanges", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["id"] for item in second["items"]] == [exchange_id(row) for row in rows[3:]]
    assert second["next"] is None


def test_a_list_has_the_beginning_of_an_error_and_the_page_of_one_has_all_of_it(
    client: TestClient, warehouse: Warehouse, project: str
) -> None:
    error = "€" * 9000
    row, other = exchange_row(project, error=error, status="error"), exchange_row(project)
    spans = [span_row(project, trace_id=row["trace_id"], span_id=row["span_id"], error=error)]
    spans += [span_row(project, trace_id=other["trace_id"], span_id=other["span_id"], error="not its own")]
    store(warehouse, exchanges=[row, other], spans=spans)
    listed = client.get("/api/v1/exchanges", params={"error.contains": "€€€"}).json()["items"]
    assert [item["error"] for item in listed] == [error[:4000]]
    whole = [client.get(f"/api/v1/exchanges/{exchange_id(each)}").json()["error"] for each in (row, other)]
    assert whole == [error, None]


def test_a_list_has_the_beginnings_of_what_was_said(client: TestClient, warehouse: Warehouse, project: str) -> None:
    row = exchange_row(project)
    about = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
    signal = signal_row(project, comment="c" * 9000, correction="é" * 9000, **about)
    store(warehouse, exchanges=[row], scores=[score_row(project, reason="r" * 9000, **about)], signals=[signal])
    (item,) = client.get("/api/v1/exchanges").json()["items"]
    whole = client.get(f"/api/v1/exchanges/{exchange_id(row)}").json()
    exported = json.loads(client.get("/api/v1/exchanges/export").text)
    for found, length in ((item, 4000), (whole, 9000), (exported, 9000)):
        assert found["scores"]["relevance"]["reason"] == "r" * length
        assert found["signals"][0]["comment"] == "c" * length
        assert found["signals"][0]["correction"] == "é" * length


def test_an_empty_project_has_an_empty_page(client: TestClient) -> None:
    answer = client.get("/api/v1/exchanges")
    assert answer.status_code == 200
    assert answer.json() == {"items": [], "next": None}


def test_scores_and_signals_come_with_the_page(client: TestClient, warehouse: Warehouse, project: str) -> None:
    row = exchange_row(project)
    about = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
    store(
        warehouse,
        exchanges=[row],
        scores=[
            score_row(project, value=0.1, trace_id=row["trace_id"]),
            score_row(project, value=0.7, reason="why", rung="judge", **about),
            score_row(project, name="nan", value=float("nan"), **about),
        ],
        signals=[
            signal_row(project, value=-1.0, id="s1", **about),
            signal_row(project, name="late", id="s2", at=NOON + timedelta(days=9), **about),
        ],
    )
    (item,) = client.get("/api/v1/exchanges").json()["items"]
    assert item["scores"] == {
        "relevance": {"value": 0.7, "label": None, "reason": "why", "scorer": "tests", "rung": "judge"},
        "nan": {"value": None, "label": None, "reason": None, "scorer": "tests", "rung": "engine"},
    }
    assert [signal["id"] for signal in item["signals"]] == ["s1", "s2"]
    assert item["signals"][0]["exchange_id"] == item["id"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "kind=thing",
        "from=yesterday",
        "cursor=zz",
        "modle=x",
        "latency_ms.gt=x",
        "to=2026-13-01",
        "from=",
        "latency_ms.lt=nan",
        "a" * 20000 + "=1",
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/exchanges?{query}")
    if query == "from=":
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["message"]
    assert set(error) <= {"code", "message", "hint"}


def test_the_nearest_known_filter_is_named(client: TestClient) -> None:
    error = client.get("/api/v1/exchanges?sesion=1").json()["error"]
    assert error["code"] == "unknown_filter"
    assert "session" in error["hint"]


def test_one_whole_exchange(client: TestClient, warehouse: Warehouse, project: str) -> None:
    trace, root, call, retriever, twin = new_trace(), new_span(), new_span(), new_span(), new_span()
    long_in, long_out = "in " * 300, "out " * 300
    answer = exchange_row(
        project,
        trace_id=trace,
        span_id=root,
        members=[root, twin],
        is_call=False,
        op="chain",
        name="root",
        input=long_in,
        output=long_out,
        session_id="s1",
        user_id="u1",
        calls=1,
    )
    inner = exchange_row(
        project, trace_id=trace, span_id=call, is_answer=False, name="inner", at=NOON + timedelta(seconds=2)
    )
    spans = [
        span_row(
            project,
            trace_id=trace,
            span_id=root,
            input=long_in,
            output=long_out,
            op="chain",
            attributes={"a": "own", "b": "1"},
            attributes_json={"n": "1.5", "list": "[1,2]"},
            resource={"service.name": "shop"},
        ),
        span_row(project, trace_id=trace, span_id=twin, parent_id=root, attributes={"a": "other", "c": "2"}),
        span_row(
            project,
            trace_id=trace,
            span_id=retriever,
            parent_id=root,
            op="retriever",
            documents='[{"id":"d1","text":"t"}]',
        ),
        span_row(
            project,
            trace_id=trace,
            span_id=call,
            parent_id=retriever,
            tool_calls='[{"id":"c1","name":"f","arguments":"{}"}]',
        ),
    ]
    store(
        warehouse,
        exchanges=[answer, inner],
        spans=spans,
        signals=[
            signal_row(project, id="by-trace", trace_id=trace),
            signal_row(project, id="by-session", session_id="s1", at=NOON + timedelta(days=3)),
            signal_row(project, id="by-user", user_id="u1", at=NOON + timedelta(hours=23)),
            signal_row(project, id="user-later", user_id="u1", at=NOON + timedelta(hours=25)),
            signal_row(project, id="about-its-call", trace_id=trace, span_id=call),
        ],
    )
    found = client.get(f"/api/v1/exchanges/{trace}-{root}")
    assert found.status_code == 200
    item = found.json()
    assert item["input"] == long_in
    assert item["output"] == long_out
    assert item["attributes"] == {"a": "own", "b": "1", "c": "2", "n": 1.5, "list": [1, 2]}
    assert item["resource"] == {"service.name": "shop"}
    assert item["documents"] == [{"id": "d1", "text": "t"}]
    assert item["tool_calls"][0]["name"] == "f"
    assert [each["id"] for each in item["call_items"]] == [f"{trace}-{call}"]
    assert {signal["id"] for signal in item["signals"]} == {"by-trace", "by-session", "by-user", "about-its-call"}
    assert [m["role"] for m in item["messages"]] == ["user", "assistant"]
    assert client.get(f"/api/v1/exchanges/{trace}-{twin}").json()["id"] == f"{trace}-{root}"
    assert client.get(f"/api/v1/exchanges/{trace}-{call}").json()["kind"] == "call"


def test_messages_are_rebuilt_from_attributes(client: TestClient, warehouse: Warehouse, project: str) -> None:
    turns = (("system", "be kind"), ("user", "hi"))
    told = json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in turns])
    row = exchange_row(project, input="hi", output="hello")
    own = span_row(
        project,
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        input="hi",
        output="hello",
        attributes={"gen_ai.input.messages": told},
    )
    store(warehouse, exchanges=[row], spans=[own])
    messages = client.get(f"/api/v1/exchanges/{exchange_id(row)}").json()["messages"]
    assert [(m["role"], m["content"]) for m in messages[:2]] == [("system", "be kind"), ("user", "hi")]


def test_an_id_that_was_merged_into_another_trace_finds_it(
    client: TestClient, warehouse: Warehouse, project: str
) -> None:
    kept = exchange_row(project, response_id="r-1", name="kept")
    twin = exchange_row(project, response_id="r-1", gone=1, version=2)
    told = span_row(project, trace_id=twin["trace_id"], span_id=twin["span_id"], response_id="r-1")
    store(warehouse, exchanges=[kept, twin], spans=[told])
    found = client.get(f"/api/v1/exchanges/{exchange_id(twin)}")
    assert found.status_code == 200
    assert found.json()["id"] == exchange_id(kept)


@pytest.mark.parametrize(
    "path", ["exchanges/x", "exchanges/" + "0" * 32 + "-" + "1" * 16, "traces/x", "traces/" + "1" * 32, "sessions/none"]
)
def test_what_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_an_id_of_your_own_finds_what_was_sent_with_it(client: TestClient, warehouse: Warehouse, project: str) -> None:
    """With a trace, without one, and not where several have it; another project has none of it."""

    def sent(own: str, trace: str = "", project: str = project, form: str = "plain") -> str:
        ids = exchange_of(own, project)
        here = {"trace_id": trace or ids[0], "span_id": span_of(own, project) if trace else ids[1]}
        row = exchange_row(project, **here)
        span = span_row(project, form=form, attributes={"client_id": own}, **here)
        store(warehouse, exchanges=[row], spans=[span])
        return exchange_id(row)

    first, alone = sent("order 17", new_trace()), sent("order 18")
    for own, meant in (("order 17", first), ("order 18", alone)):
        assert client.get(f"/api/v1/exchanges/{quote(own)}").json()["id"] == meant
    second = sent("order 17", new_trace())
    several = client.get("/api/v1/exchanges/order%2017")
    assert several.status_code == 409
    told = several.json()["error"]
    assert told["message"] == "2 exchanges have this id." and first in told["hint"] and second in told["hint"]
    for _ in range(4):
        sent("order 17", new_trace())
    assert (
        client.get("/api/v1/exchanges/order%2017").json()["error"]["message"] == "More than 5 exchanges have this id."
    )
    sent("order 19", new_trace(), project=new_trace())
    sent("order 20", new_trace(), form="span")
    for own in ("order 19", "order 20", "order 21"):
        assert client.get(f"/api/v1/exchanges/{quote(own)}").status_code == 404
