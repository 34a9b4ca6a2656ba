"""Traces and sessions over HTTP."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from starlette.testclient import TestClient

from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_row, new_span, new_trace, signal_row, span_row, store


def test_a_trace_has_every_span_with_its_parent_and_raw_attributes(
    client: TestClient, warehouse: Warehouse, project: str
) -> None:
    trace, root, child = new_trace(), new_span(), new_span()
    spans = [
        span_row(
            project,
            trace_id=trace,
            span_id=child,
            parent_id=root,
            at=NOON + timedelta(seconds=1),
            model="m",
            input_tokens=3,
        ),
        span_row(
            project, trace_id=trace, span_id=root, op="", name="GET /", attributes={"k": "v"}, events='[{"name":"e"}]'
        ),
        span_row(project, trace_id=trace, span_id=child, form="log", ident="x", at=NOON + timedelta(seconds=2)),
    ]
    store(
        warehouse,
        spans=spans,
        exchanges=[exchange_row(project, trace_id=trace, span_id=child, at=NOON + timedelta(seconds=1))],
        signals=[signal_row(project, trace_id=trace, id="s")],
    )
    found = client.get(f"/api/v1/traces/{trace}").json()
    assert [(s["span_id"], s["parent_id"], s["form"]) for s in found["spans"]] == [
        (root, None, "span"),
        (child, root, "span"),
        (child, None, "log"),
    ]
    assert found["spans"][0]["attributes"] == {"k": "v"}
    assert found["spans"][0]["events"] == [{"name": "e"}]
    assert found["spans"][1]["fields"]["model"] == "m"
    assert found["spans"][1]["fields"]["input_tokens"] == 3
    assert found["spans"][1]["duration_ms"] == 1000.0
    assert [e["span_id"] for e in found["exchanges"]] == [child]
    assert [s["id"] for s in found["signals"]] == ["s"]
    assert found["cut"] is False


def test_a_session_in_its_order_with_totals(client: TestClient, warehouse: Warehouse, project: str) -> None:
    session = "two\nlines, a/b c?ü"
    rows = [
        exchange_row(
            project,
            name="2",
            session_id=session,
            at=NOON + timedelta(minutes=2),
            cost=None,
            status="error",
            user_id="u",
        ),
        exchange_row(project, name="1", session_id=session, cost=0.5),
        exchange_row(project, name="call", session_id=session, is_answer=False),
        exchange_row(project, name="other", session_id="other"),
    ]
    store(
        warehouse,
        exchanges=rows,
        signals=[signal_row(project, session_id=session, id="s"), signal_row(project, session_id="other")],
    )
    found = client.get(f"/api/v1/sessions/{quote(session, safe='')}").json()
    assert found["session_id"] == session
    assert [item["name"] for item in found["items"]] == ["1", "2"]
    totals = found["totals"]
    assert (totals["answers"], totals["input_tokens"], totals["cost"], totals["errors"], totals["users"]) == (
        2,
        20,
        0.5,
        1,
        ["u"],
    )
    assert [s["id"] for s in found["signals"]] == ["s"]
