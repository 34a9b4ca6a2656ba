"""`/api/v1/monitors`: what a person can say and ask."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import NOON, exchange_row, signal_row, store

WANTED = {"name": "slow", "measure": "share(latency_ms>800)", "against": {"limit": 0.05}, "direction": "up"}


@pytest.fixture
def client(api, project):
    """A key that may read and change."""
    return api.client(project, "read", "admin")


def names(client):
    answer = client.get("/api/v1/monitors")
    assert answer.status_code == 200
    return {one["name"]: one for one in answer.json()["items"]}


def test_the_default_set_is_there_from_the_start(client, api, warehouse, project):
    found = names(client)
    assert {"errors", "latency", "cost", "length"} <= set(found)
    assert found["errors"]["default"] and found["errors"]["standing"]["state"] == "no data"
    store(warehouse, signals=[signal_row(project)])
    assert {"thumbs-down", "signals", "signal-thumbs"} <= set(names(client))


def test_a_monitor_of_ones_own_with_versions(client):
    for limit, version in ((0.05, 1), (0.05, 1), (0.1, 2)):
        answer = client.post("/api/v1/monitors", json=WANTED | {"against": {"limit": limit}})
        assert answer.status_code == 201
        assert [one["version"] for one in answer.json()["items"]] == [version]
    shown = client.get("/api/v1/monitors/slow").json()
    assert [one["version"] for one in shown["versions"]] == [2, 1] and not shown["default"]
    assert client.get("/api/v1/monitors/none").status_code == 404


def test_pausing_one_of_the_default_set(client):
    assert client.patch("/api/v1/monitors/latency", json={"state": "paused"}).json()["state"] == "paused"
    assert names(client)["latency"]["state"] == "paused"
    assert client.patch("/api/v1/monitors/latency", json={"state": "on"}).json()["state"] == "on"
    assert client.patch("/api/v1/monitors/none", json={"state": "on"}).status_code == 404


def test_mistakes_are_said(client):
    answer = client.post("/api/v1/monitors", json=[WANTED, WANTED])
    assert answer.status_code == 400 and "twice" in answer.json()["error"]["message"]
    answer = client.post("/api/v1/monitors/test", json={"monitor": WANTED | {"measure": "p95(x)"}})
    assert answer.status_code == 400
    assert "slow" not in names(client)


def test_would_it_have_fired(client, warehouse, project):
    rows = [
        exchange_row(project, at=NOON - timedelta(minutes=200 - at // 5), user_id=f"u{at}",
                     latency_ms=900.0 if at > 600 else 100.0)
        for at in range(900)
    ]  # fmt: skip
    store(warehouse, exchanges=rows)
    start = (NOON - timedelta(hours=4)).isoformat()
    answer = client.post("/api/v1/monitors/test", json={"monitor": WANTED, "from": start, "to": NOON.isoformat()})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["fired"] == 1 and told["values"] == 900 and told["firings"][0]["direction"] == "up"
    assert "slow" not in names(client)


def test_findings_and_comparisons_are_lists(client):
    assert client.get("/api/v1/findings").json()["items"] == []
    assert client.get("/api/v1/comparisons").json()["items"] == []
