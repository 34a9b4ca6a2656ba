"""What is said about a session or a user belongs to one answer, and every place says the same."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.records.instant import iso, micros
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_id, exchange_row, score_row, signal_row, store

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
#: Answers by name: session, user, when.
ANSWERS = {
    "e1": ("e", "", NOON),
    "e2": ("e", "", NOON + 10 * MINUTE),
    "old": ("o", "", NOON - 3 * DAY),
    "went": ("c", "", NOON - 3 * DAY),
    "came back": ("c", "", NOON),
    "anna 1": ("", "anna", NOON - 120 * MINUTE),
    "anna 2": ("a", "anna", NOON - 60 * MINUTE),
    "ben": ("", "ben", NOON),
    "carl": ("", "carl", NOON - 25 * 60 * MINUTE),
}
#: Signals by name: about what, when, and the answer that each belongs to.
SIGNALS = {
    "before": ({"session_id": "e"}, NOON - 10 * MINUTE, "e1"),
    "between": ({"session_id": "e"}, NOON + 5 * MINUTE, "e1"),
    "after": ({"session_id": "e"}, NOON + 9 * DAY, "e2"),
    "weeks": ({"session_id": "o"}, NOON + 20 * DAY, "old"),
    "days before": ({"session_id": "o"}, NOON - 5 * DAY, ""),
    "return": ({"session_id": "c"}, NOON - 120 * MINUTE, "came back"),
    "thumbs": ({"user_id": "anna"}, NOON, "anna 2"),
    "hello": ({"user_id": "ben"}, NOON - 5 * MINUTE, "ben"),
    "much later": ({"user_id": "carl"}, NOON, ""),
    "nobody": ({"user_id": "dora"}, NOON, ""),
    "of both": ({"user_id": "anna", "session_id": "e"}, NOON + MINUTE, "e1"),
}


@pytest.fixture
def answers(warehouse: Warehouse, project: str) -> dict[str, dict[str, Any]]:
    rows = {
        name: exchange_row(project, name=name, session_id=session, user_id=user, at=at)
        for name, (session, user, at) in ANSWERS.items()
    }
    signals = [
        signal_row(project, name=name, value=1.0, label=f"it is {name}", at=at, **about)
        for name, (about, at, _) in SIGNALS.items()
    ]
    store(warehouse, exchanges=list(rows.values()), signals=signals)
    return rows


def found(client: TestClient, **asked: str) -> list[str]:
    items = client.get("/api/v1/exchanges", params={"from": "30d", **asked}).json()["items"]
    return sorted(item["name"] for item in items)


def measured(client: TestClient, measure: str, **asked: str) -> list[str]:
    points = client.get("/api/v1/measures", params={"measure": measure, "by": "name", "from": "30d", **asked}).json()
    return sorted(point["name"] for point in points["points"] if point["value"])


@pytest.mark.parametrize("name", SIGNALS)
def test_filters_and_measures_agree(client: TestClient, answers: dict[str, dict[str, Any]], name: str) -> None:
    expected = [SIGNALS[name][2]] if SIGNALS[name][2] else []
    assert found(client, **{f"signal.{name}.exists": "true"}) == expected
    assert found(client, **{f"signal.{name}": "1"}) == expected
    assert found(client, label=f"it is {name}") == expected
    assert measured(client, f"count(signal.'{name}'=1)") == expected
    # What a window shows does not depend on where it begins.
    for low, high in ((NOON - 4 * DAY, NOON), (NOON, NOON + DAY)):
        window = {"from": iso(micros(low)), "to": iso(micros(high))}
        own = [answer for answer in expected if low <= ANSWERS[answer][2] < high]
        assert measured(client, f"count(signal.'{name}'=1)", **window) == own


def test_lists_pages_and_exports_agree(client: TestClient, answers: dict[str, dict[str, Any]]) -> None:
    expected = {
        answer: sorted(name for name, (_, _, theirs) in SIGNALS.items() if theirs == answer) for answer in ANSWERS
    }
    listed = client.get("/api/v1/exchanges", params={"from": "30d"}).json()["items"]
    exported = client.get("/api/v1/exchanges/export", params={"from": "30d", "format": "jsonl"}).text.splitlines()
    pages = [client.get(f"/api/v1/exchanges/{exchange_id(row)}").json() for row in answers.values()]
    for items in (listed, [json.loads(line) for line in exported], pages):
        told = {item["name"]: sorted(signal["name"] for signal in item["signals"]) for item in items}
        assert told == expected
    session = client.get("/api/v1/sessions/o").json()
    assert {signal["name"] for signal in session["signals"]} == {"weeks"}


def test_long_names_of_many_users(client: TestClient, warehouse: Warehouse, project: str) -> None:
    rows = [exchange_row(project, user_id=f"{n}" + "u" * 100_000, session_id=f"{n}" + "s" * 100_000) for n in range(60)]
    store(warehouse, exchanges=rows, signals=[signal_row(project, user_id=rows[7]["user_id"], id="long")])
    items = client.get("/api/v1/exchanges", params={"limit": 100}).json()["items"]
    assert [[signal["id"] for signal in item["signals"]] for item in items if item["signals"]] == [["long"]]


def test_a_score_of_a_session_stands_at_its_answer(
    client: TestClient, warehouse: Warehouse, answers: dict[str, dict[str, Any]], project: str
) -> None:
    own = {"trace_id": answers["e1"]["trace_id"], "span_id": answers["e1"]["span_id"]}
    scores = [
        score_row(project, name="q", value=0.3, label="poor", session_id="o"),
        score_row(project, name="q", value=0.9, session_id="e", at=NOON + 5 * MINUTE),
        score_row(project, name="q", value=0.1, **own),
        score_row(project, name="q", value=0.4, session_id="e", at=NOON + DAY),
        score_row(project, name="q", value=0.5, session_id="e", at=NOON + DAY, rung="human"),
        score_row(project, name="q", value=0.2, session_id="never"),
    ]
    store(warehouse, scores=scores)
    expected = {"old": 0.3, "e1": 0.1, "e2": 0.5}
    listed = client.get("/api/v1/exchanges", params={"from": "30d"}).json()["items"]
    assert {item["name"]: item["scores"]["q"]["value"] for item in listed if item["scores"]} == expected
    exported = client.get("/api/v1/exchanges/export", params={"from": "30d", "format": "jsonl"}).text.splitlines()
    lines = [json.loads(line) for line in exported]
    assert {line["name"]: line["scores"]["q"]["value"] for line in lines if line["scores"]} == expected
    page = client.get(f"/api/v1/exchanges/{exchange_id(answers['e2'])}").json()
    assert page["scores"]["q"]["rung"] == "human"
    assert client.get("/api/v1/sessions/o").json()["items"][0]["scores"]["q"]["value"] == 0.3
    assert found(client, **{"score.q.exists": "true"}) == sorted(expected)
    assert found(client, **{"score.q.lt": "0.35"}) == ["e1", "old"]
    assert found(client, label="poor") == ["old"]
    params = {"measure": "mean(score.q),coverage(score.q)", "from": "30d"}
    mean, coverage = client.get("/api/v1/measures", params=params).json()["points"]
    assert (mean["value"], mean["n"]) == (pytest.approx(0.3), 3)
    assert coverage["value"] == pytest.approx(3 / len(ANSWERS))
