"""`GET /api/v1/measures` through the whole application."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.store.ledger import marks
from homeostat.store.warehouse import rollups
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.measures import query
from tests.builders import Row, exchange_row, score_row, signal_row, store, told_by
from tests.store.warehouse.questions.measures import made
from tests.web.conftest import NOW, Api


@pytest.fixture
def rows(warehouse: Warehouse, project: str) -> Iterator[list[dict[str, Any]]]:
    """Twelve answers in the last six hours, every third an error."""
    rows = []
    for i in range(12):
        at = NOW - timedelta(minutes=5 + 30 * i)
        rows.append(
            made.exchange(
                project,
                random.Random(i),
                at=at,
                received=at,
                answer_from=at,
                settles=at,
                is_answer=True,
                is_call=True,
                status="error" if i % 3 == 0 else "ok",
                model="large" if i % 2 else "small",
                latency_ms=100.0 * (i + 1),
                cost=None,
                tags=["vip"] if i < 2 else [],
            )
        )
    made.put(warehouse, rows)
    yield rows


def test_points_have_value_ends_and_n(client: TestClient, rows: list[dict[str, Any]]) -> None:
    answer = client.get("/api/v1/measures", params={"measure": "mean(latency),share(status=error)|count"})
    assert answer.status_code == 200
    mean, share, count = answer.json()["points"]
    assert mean["measure"] == "mean(latency_ms)"
    assert (mean["value"], mean["n"]) == (650.0, 12)
    assert mean["low"] < 650 < mean["high"]
    assert (share["value"], share["n"]) == (pytest.approx(4 / 12), 12)
    assert 0 < share["low"] < 4 / 12 < share["high"] < 1
    assert (count["value"], count["low"], count["high"]) == (12, 12, 12)


def test_by_dimension_and_hour(client: TestClient, rows: list[dict[str, Any]]) -> None:
    params = {"measure": "count", "by": "model", "every": "1h", "from": "12h"}
    points = client.get("/api/v1/measures", params=params).json()["points"]
    assert sum(point["value"] for point in points) == 12
    assert {point["model"] for point in points} == {"small", "large"}
    assert all(point["at"].endswith(":00:00.000000Z") for point in points)


def test_nothing_to_say_is_null_with_a_reason(client: TestClient, rows: list[dict[str, Any]]) -> None:
    points = client.get("/api/v1/measures", params={"measure": "mean(cost),count,p95(ttft)", "model": "none"}).json()[
        "points"
    ]
    nothing = {"value": None, "low": None, "high": None, "n": 0, "reason": "not_enough_data"}
    assert [{k: v for k, v in point.items() if k not in ("measure", "at")} for point in points] == [
        nothing,
        {"value": 0, "low": 0, "high": 0, "n": 0},
        nothing,
    ]


def test_what_is_too_large_says_so(client: TestClient, warehouse: Warehouse, project: str) -> None:
    store(warehouse, exchanges=[exchange_row(project, cost=1e308) for _ in range(2)])
    total, mean, most = client.get("/api/v1/measures", params={"measure": "sum(cost),mean(cost),max(cost)"}).json()[
        "points"
    ]
    for point in (total, mean):
        assert (point["value"], point["n"], point["reason"]) == (None, 2, "too_large")
    assert most["value"] == 1e308


def test_the_same_after_rollups_and_filters(
    api: Api, client: TestClient, warehouse: Warehouse, project: str, rows: list[dict[str, Any]]
) -> None:
    asked = [
        {"measure": "p50(latency),sum(tokens),max(latency)", "every": "1h", "by": "model"},
        {"measure": "count", "status": "error"},
        {"measure": "unique(user),count", "tag": "vip"},
        {"measure": "count", "by": "tag"},
    ]
    before = [client.get("/api/v1/measures", params=params).json()["points"] for params in asked]
    hours = {row["at"].replace(minute=0, second=0, microsecond=0) for row in rows}
    marks.add(api.core.ledger, {(project, hour, marks.EVERY) for hour in hours}, 1)
    assert rollups.run(warehouse, api.core.ledger, NOW).rebuilt == len(hours)
    assert [client.get("/api/v1/measures", params=params).json()["points"] for params in asked] == before
    assert before[1][0]["value"] == 4
    assert {point["tag"]: point["value"] for point in before[3]} == {"": 10, "vip": 2}


def test_the_same_when_buckets_are_counted_in_the_engine(
    client: TestClient, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"measure": "p50(latency),p95(latency),p5(tokens),count", "by": "model"}
    listed = client.get("/api/v1/measures", params=asked).json()["points"]
    monkeypatch.setattr(query, "LONG", 0)
    assert client.get("/api/v1/measures", params=asked).json()["points"] == listed
    assert len(listed) == 8


@pytest.fixture
def two(warehouse: Warehouse, project: str) -> Row:
    """An answer about a refund, of the plan premium, with thumbs, a survey and a score; and one with nothing."""
    first = exchange_row(project, input="a refund, please", session_id="s1", ttft_ms=5.0, streaming=False)
    second = exchange_row(project, input="", output="", model="", input_tokens=None, output_tokens=None)
    store(
        warehouse,
        spans=[told_by(first, attributes={"plan": "premium"})],
        exchanges=[first, second],
        signals=[
            signal_row(project, trace_id=first["trace_id"], value=1.0),
            signal_row(project, trace_id=first["trace_id"], name="survey", label="very angry"),
        ],
        scores=[score_row(project, trace_id=first["trace_id"], span_id=first["span_id"], label="poor")],
    )
    return first


@pytest.mark.parametrize(
    ("measure", "value", "n"),
    [
        ("share(input.contains=refund)", 0.5, 2),
        ("share(output.contains=x)", 0, 2),
        ("count(output.contains=answer)", 1, 2),
        ("share(input.exists=true)", 0.5, 2),
        ("share(input.exists=false)", 0.5, 2),
        ("share(model.contains=GPT)", 0.5, 2),
        ("share(cost.exists=true)", 1, 2),
        ("share(ttft>1)", 1, 1),
        ("share(ttft_ms>1)", 1, 1),
        ("share(latency>=100)", 1, 2),
        ("share(tokens<10)", 0, 1),
        ("share(tokens!=15)", 0, 1),
        ("share(tokens.exists=false)", 0.5, 2),
        ("share(streaming=false)", 1, 1),
        ("share(attribute.plan.contains=pre)", 0.5, 2),
        ("share(attribute.plan.exists=true)", 0.5, 2),
        ("share(signal.thumbs.exists=true)", 0.5, 2),
        ("share(score.relevance.exists=false)", 0.5, 2),
        ("share(signal.survey.contains=ANGRY)", 1, 1),
        ("share(score.relevance.contains=fine)", 0, 1),
        ("share(label.exists=true)", 0.5, 2),
    ],
)
def test_every_condition_of_the_lists_is_a_measure(
    client: TestClient, two: Row, measure: str, value: float, n: int
) -> None:
    answer = client.get("/api/v1/measures", params={"measure": measure})
    assert answer.status_code == 200, answer.text
    [point] = answer.json()["points"]
    assert (point["measure"], point["value"], point["n"]) == (measure, value, n)


def test_another_project_sees_nothing(api: Api, rows: list[dict[str, Any]]) -> None:
    stranger = api.client(f"{rows[0]['project']}x")
    assert stranger.get("/api/v1/measures", params={"measure": "count"}).json()["points"][0]["value"] == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "bad_request"),
        ({"measure": "p95(latncy)"}, "bad_measure"),
        ({"measure": "count", "by": "modl"}, "unknown_dimension"),
        ({"measure": "count", "every": "1 fortnight"}, "bad_every"),
        ({"measure": "count", "every": "1s", "from": "30d"}, "too_many_points"),
        ({"measure": "count", "tz": "Mars/Olympus"}, "bad_request"),
        ({"measure": "count", "from": "2026-01-02", "to": "2026-01-01"}, "bad_time"),
        ({"measure": "count", "colour": "red"}, "unknown_filter"),
    ],
)
def test_mistakes_are_told(client: TestClient, params: dict[str, str], code: str) -> None:
    answer = client.get("/api/v1/measures", params=params)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_too_many_groups_are_refused_not_cut(
    client: TestClient, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_GROUPS", 2)
    # The package exports a function of the same name as its module.
    monkeypatch.setattr(sys.modules["homeostat.store.warehouse.questions.measures.ask"], "MAX_GROUPS", 2)
    answer = client.get("/api/v1/measures", params={"measure": "count,p50(latency)", "every": "1h", "by": "model"})
    assert answer.json()["error"]["code"] == "too_many_points"
