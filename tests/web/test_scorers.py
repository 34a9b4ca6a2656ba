"""`/api/v1/scorers` through the guard: made, tried, paused, versioned, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

from tests.builders import NOON, exchange_row, store
from tests.web.conftest import Api


def test_a_project_begins_with_a_set_and_a_change_is_a_version(api: Api, project: str) -> None:
    client = api.client(project, "admin", "read")
    items = {each["name"]: each for each in client.get("/api/v1/scorers").json()["items"]}
    assert {"answered", "relevance", "safety"} <= items.keys()
    assert (items["relevance"]["coverage"], items["relevance"]["mean"], items["relevance"]["silent"]) == (
        None,
        None,
        False,
    )
    wanted = {"name": "polite", "kind": "civil", "filters": [["model", "a"]], "share": 0.5}
    first = client.post("/api/v1/scorers", json=wanted)
    assert (first.status_code, first.json()["scorer"]) == (201, "polite@1")
    assert client.post("/api/v1/scorers", json=wanted).status_code == 200, "the same is no new version"
    second = client.post("/api/v1/scorers", json=wanted | {"share": 1.0})
    assert (second.status_code, second.json()["scorer"]) == (201, "polite@2")
    shown = client.get("/api/v1/scorers/polite").json()
    assert [each["scorer"] for each in shown["versions"]] == ["polite@2", "polite@1"]
    paused = client.patch("/api/v1/scorers/polite", json={"state": "paused"})
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    assert [e["action"] for e in client.get("/api/v1/audit").json()["items"]][:1] == ["scorer.paused"]


def test_what_cannot_be_is_refused_in_words(api: Api, project: str) -> None:
    client = api.client(project, "admin", "read")
    for wrong in ({"kind": "nothing"}, {"kind": "os:system"}, {"kind": "judge", "settings": {"dimension": "mood"}},
                  {"kind": "civil", "filters": [["nonsense", "1"]]}, {"kind": "civil", "share": 0}):  # fmt: skip
        answer = client.post("/api/v1/scorers", json={"name": "x", **wrong})
        assert answer.status_code == 400 and answer.json()["error"]["message"], wrong
    assert client.post("/api/v1/scorers", json={"name": "../x", "kind": "civil"}).status_code == 400
    for path in ("/api/v1/scorers/never", "/api/v1/scorers/never/quality"):
        assert client.get(path).status_code == 404
    judge = {"kind": "judge", "settings": {"dimension": "relevance"}}
    assert client.post("/api/v1/scorers/test", json=judge).json()["error"]["code"] == "no_judge"


def test_tried_on_recent_exchanges_and_history_is_estimated_first(api: Api, project: str) -> None:
    rows = [exchange_row(project, output=text, at=NOON + timedelta(seconds=n))
            for n, text in enumerate(("You are an idiot.", "Within thirty days."))]  # fmt: skip
    store(api.core.warehouse, exchanges=rows)
    client = api.client(project, "admin", "read")
    told = client.post("/api/v1/scorers/test", json={"kind": "civil"}).json()
    assert [item["label"] for item in told["items"]] == ["good", "bad"]
    client.post("/api/v1/scorers", json={"name": "polite", "kind": "civil"})
    past = {"from": "24h"}
    estimate = client.post("/api/v1/scorers/polite/backfill", json=past)
    assert estimate.status_code == 200 and estimate.json()["estimate"]["exchanges"] == 2
    assert client.get("/api/v1/scorers/polite").json()["history"] == []
    begun = client.post("/api/v1/scorers/polite/backfill", json=past | {"start": True})
    assert begun.status_code == 202
    assert client.get("/api/v1/scorers/polite").json()["history"][0]["total"] == 2


def test_what_a_scorer_waits_for_is_said_when_it_is_added(api: Api, project: str) -> None:
    client = api.client(project, "admin", "read")
    waits = {
        "exact": "homeostat.reference", "correctness": "homeostat.reference", "factuality": "documents", "safety": "",
        "latency": "",
    }  # fmt: skip
    for kind, needed in waits.items():
        told = client.post("/api/v1/scorers", json={"name": kind, "kind": kind}).json()["needs"]
        assert needed in told and bool(needed) == bool(told), kind
    judge = {"name": "judged", "kind": "judge", "settings": {"dimension": "relevance"}}
    assert "judge_url" in client.post("/api/v1/scorers", json=judge).json()["needs"]
    listed = {each["kind"]: each["needs"] for each in client.get("/api/v1/scorers/kinds").json()["items"]}
    assert (listed["bleu"], listed["safety"], listed["judge"]) == ("homeostat.reference", "", "")


def test_history_that_nobody_would_score_is_not_begun(api: Api, project: str) -> None:
    client = api.client(project, "admin", "read")
    client.post("/api/v1/scorers", json={"name": "polite", "kind": "civil"})
    client.patch("/api/v1/scorers/polite", json={"state": "paused"})
    client.post("/api/v1/scorers", json={"name": "judged", "kind": "judge", "settings": {"dimension": "relevance"}})
    for name, code in (("polite", "bad_state"), ("judged", "no_judge")):
        path = f"/api/v1/scorers/{name}/backfill"
        refused = client.post(path, json={"from": "24h", "start": True})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
        assert client.post(path, json={"from": "24h"}).status_code == 200, "what it would take is told all the same"
        assert client.get(f"/api/v1/scorers/{name}").json()["history"] == []
    client.patch("/api/v1/scorers/polite", json={"state": "on"})
    begun = client.post("/api/v1/scorers/polite/backfill", json={"from": "24h", "start": True})
    assert begun.status_code == 202
    client.patch("/api/v1/scorers/polite", json={"state": "paused"})
    [past] = client.get("/api/v1/scorers/polite").json()["history"]
    assert past["state"] == "waiting" and "resume polite" in past["why"]


def test_nobody_sees_or_changes_the_scorers_of_others(api: Api, project: str) -> None:
    client, other = api.client(project, "admin", "read"), api.client(f"{project}x", "admin", "read")
    client.post("/api/v1/scorers", json={"name": "secret_thing", "kind": "civil"})
    assert "secret_thing" not in other.get("/api/v1/scorers").text
    assert other.get("/api/v1/scorers/secret_thing").status_code == 404
    assert other.patch("/api/v1/scorers/secret_thing", json={"state": "paused"}).status_code == 404
    assert other.post("/api/v1/scorers/secret_thing/backfill", json={}).status_code == 404
    reader = api.client(project, "read")
    assert reader.get("/api/v1/scorers").status_code == 200
    assert reader.post("/api/v1/scorers", json={"name": "x", "kind": "civil"}).status_code == 403
