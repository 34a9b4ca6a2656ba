"""Actions, verdicts, experiments and datasets through the API: stated first, done once, told in words, audited."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.cli.experiments import _ended
from homeostat.records.verdict import Verdict
from homeostat.store.ledger import audit, projects, verdicts
from tests.builders import NOON, exchange_row, score_row, signal_row, span_row, store
from tests.web.conftest import Api

EXPECTS = {"measure": "mean(score.relevance)", "direction": "up", "at_least": 0.05, "by": "24h"}
BACK: dict[str, Any] = {
    "remedy": "rollback", "parameters": {"route": "default", "to": "A"}, "expects": EXPECTS, "why": "B is wordy",
}  # fmt: skip


@pytest.fixture
def there(make_api: Callable[..., Api], project: str) -> tuple[Api, TestClient]:
    """Releases A and B, nine in ten on A."""
    api = make_api()
    projects.ensure(api.core.ledger, project, at=NOON)
    client = api.client(project, "read", "admin")
    for name in ("A", "B"):
        assert client.post("/api/v1/releases", json={"name": name, "model": "m"}).status_code == 201
    body = {"shares": {"A": 0.9, "B": 0.1}, "version": 0}
    assert client.put("/api/v1/policies/default", json=body).status_code == 201
    return api, client


def shares(client: TestClient) -> dict[str, float]:
    told: dict[str, float] = client.get("/api/v1/policies/default").json()["shares"]
    return told


def test_a_dry_run_says_what_would_change(there: tuple[Api, TestClient]) -> None:
    _, client = there
    told = client.post("/api/v1/actions", json={**BACK, "dry_run": True})
    assert told.status_code == 200
    assert told.json()["preview"]["to"] == {"A": 1.0}
    assert client.get("/api/v1/actions").json()["items"] == []
    assert shares(client)["B"] == pytest.approx(0.1)


def test_proposed_approved_undone(there: tuple[Api, TestClient], project: str) -> None:
    api, client = there
    made = client.post("/api/v1/actions", json=BACK)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert (made.json()["state"], made.json()["answer"]) == ("proposed", "rollback")
    shown = client.get(f"/api/v1/actions/{id}").json()
    assert shown["preview"]["from"]["B"] == pytest.approx(0.1)
    assert "rises by 0.05 or more" in shown["expectation"]

    done = client.post(f"/api/v1/actions/{id}/approve", json={"why": "go"}).json()
    assert done["state"] == "done"
    assert shares(client) == {"A": 1.0}
    assert client.post(f"/api/v1/actions/{id}/approve").status_code == 409
    assert client.post(f"/api/v1/actions/{id}/decline").status_code == 409

    undone = client.post(f"/api/v1/actions/{id}/undo", json={"why": "it was not B"}).json()
    assert undone["state"] == "undone"
    assert shares(client)["B"] == pytest.approx(0.1)
    told = [entry.action for entry in audit.entries(api.core.ledger, project=project, limit=8)]
    assert told == [
        "action.undone", "policy.put", "action.undo", "action.done", "policy.put", "action.approved", "action.propose",
        "policy.put",
    ]  # fmt: skip


def test_done_at_once(there: tuple[Api, TestClient]) -> None:
    _, client = there
    made = client.post("/api/v1/actions", json={**BACK, "approve": True})
    assert (made.status_code, made.json()["state"]) == (201, "done")
    assert shares(client) == {"A": 1.0}
    assert [each["state"] for each in client.get("/api/v1/actions?state=done").json()["items"]] == ["done"]


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"expects": {**EXPECTS, "at_least": 0}}, 400, "at_least"),
        ({"expects": {**EXPECTS, "measure": "p95(latency)"}}, 400, "single exchange"),
        ({"expects": {**EXPECTS, "by": "yesterday-ish"}}, 400, "by"),
        ({"expects": {**EXPECTS, "by": "2020-01-01T00:00:00Z"}}, 400, "future"),
        ({"expects": None}, 400, "expects"),
        ({"expects": {**EXPECTS, "where": {"bogus": "1"}}}, 400, "no filter bogus"),
        ({"remedy": "pray"}, 400, "no remedy"),
        ({"parameters": {"tooth": 1}}, 400, "tooth"),
        ({"incident": 99}, 404, "incident 99"),
        ({"parameters": {"route": "nowhere"}, "approve": True}, 404, "no policy"),
    ],
)
def test_what_cannot_be(there: tuple[Api, TestClient], changes: dict[str, Any], status: int, says: str) -> None:
    _, client = there
    told = client.post("/api/v1/actions", json={**BACK, **changes})
    assert told.status_code == status, told.text
    assert says in told.text


@pytest.mark.parametrize("parameters", [{"leaving": "NOPE"}, {"leaving": ""}, {"leaving": "A", "route": "nope"}])
def test_nothing_is_begun_that_could_not_end_well(
    there: tuple[Api, TestClient], parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused in the dry run, and where it is approved at once: before anybody outside is asked for anything."""
    api, client = there
    items = [{"input": f"q{n}", "output": f"a{n}", "good": True} for n in range(12)]
    assert client.post("/api/v1/datasets", json={"name": "lessons", "items": items}).status_code == 201
    there_is = api.core.settings.model_copy(update={"tuning_url": "http://127.0.0.1:9"})
    monkeypatch.setattr(api.core, "settings", there_is)
    asked = {"dataset": "lessons", "base": "m", "mode": "canary"}
    wanted = {**BACK, "remedy": "retrain", "parameters": {**asked, "leaving": "A"}}
    assert client.post("/api/v1/actions", json={**wanted, "dry_run": True}).status_code == 200
    for how in ("dry_run", "approve"):
        told = client.post("/api/v1/actions", json={**wanted, "parameters": {**asked, **parameters}, how: True})
        assert told.status_code in (400, 404), told.text
    assert client.get("/api/v1/actions").json()["items"] == []


def test_a_proposal_that_lacks_something_is_filled_in(there: tuple[Api, TestClient]) -> None:
    _, client = there
    body = {**BACK, "remedy": "prompt", "parameters": {"leaving": "A", "share": 0.5}}
    id = client.post("/api/v1/actions", json=body).json()["id"]
    refused = client.post(f"/api/v1/actions/{id}/approve")
    assert refused.status_code == 400 and "no text yet" in refused.text
    assert client.post(f"/api/v1/actions/{id}/replay").status_code == 400
    filled = client.patch(f"/api/v1/actions/{id}", json={"parameters": {"template": "Be brief."}})
    assert filled.status_code == 200
    nobody = client.post(f"/api/v1/actions/{id}/replay", json={"limit": 5})
    assert nobody.status_code == 400 and "upstream" in nobody.text
    assert client.post(f"/api/v1/actions/{id}/approve").json()["state"] == "done"
    [new] = [name for name in shares(client) if name.startswith("A-prompt-")]
    assert shares(client)[new] == pytest.approx(0.45)


def test_other_projects_see_nothing(there: tuple[Api, TestClient]) -> None:
    api, client = there
    id = client.post("/api/v1/actions", json=BACK).json()["id"]
    projects.ensure(api.core.ledger, "elsewhere", at=NOON)
    other = api.client("elsewhere", "read", "admin")
    assert other.get(f"/api/v1/actions/{id}").status_code == 404
    assert other.post(f"/api/v1/actions/{id}/approve").status_code == 404
    assert other.get("/api/v1/actions").json()["items"] == []
    reader = api.client("elsewhere", "read")
    assert reader.post("/api/v1/actions", json=BACK).status_code == 403


def test_verdicts_in_words(there: tuple[Api, TestClient], project: str) -> None:
    api, client = there
    id = client.post("/api/v1/actions", json={**BACK, "approve": True}).json()["id"]
    verdicts.add(api.core.ledger, Verdict(
        id, project, 10, "worked", "randomised", "mean(score.relevance)", 0.25, 0.1, 0.4, 400, "caused",
    ))  # fmt: skip
    [said] = client.get(f"/api/v1/verdicts?action={id}").json()["items"]
    assert (said["outcome"], said["action"], said["at"], said["final"]) == ("worked", id, 10, True)
    assert said["said"].startswith("WORKED")
    assert client.get(f"/api/v1/actions/{id}").json()["verdict"] == "worked"


def test_an_experiment(there: tuple[Api, TestClient], project: str) -> None:
    api, client = there
    body = {"name": "wordy", "shares": {"A": 50, "B": 50}, "measure": "mean(score.relevance)", "at_least": 0.05}
    started = client.post("/api/v1/experiments", json=body)
    assert started.status_code == 201, started.text
    assert shares(client) == {"A": 0.5, "B": 0.5}
    assert client.post("/api/v1/experiments", json={**body, "name": "other"}).status_code == 409
    nobody = client.get("/api/v1/experiments/wordy")
    assert nobody.status_code == 200, nobody.text
    seen = [(arm["users"], arm["mean"], arm["outcome"]) for arm in nobody.json()["arms"]]
    assert seen == [(0, None, ""), (0, None, "not-enough-data")]
    people(api, project)
    api.core.clock.at += timedelta(hours=3)
    seen = client.get("/api/v1/experiments/wordy").json()
    control, other = seen["arms"]
    assert (control["release"], control["users"], other["users"]) == ("A", 200, 200)
    assert (other["outcome"], other["claim"]) == ("harmed", "caused")
    assert other["low"] < other["estimate"] < other["high"] < 0
    stopped = client.post("/api/v1/experiments/wordy/stop", json={"to": "A"}).json()
    assert (stopped["state"], stopped["to"]) == ("stopped", "A")
    assert shares(client) == {"A": 1.0}
    assert client.post("/api/v1/experiments/wordy/stop").status_code == 409


def test_an_experiment_counts_what_names_its_route_where_another_one_serves_an_arm(
    there: tuple[Api, TestClient], project: str
) -> None:
    api, client = there
    assert client.put("/api/v1/policies/other", json={"shares": {"B": 1}, "version": 0}).status_code == 201
    body = {"name": "wordy", "shares": {"A": 50, "B": 50}, "measure": "mean(score.relevance)"}
    assert client.post("/api/v1/experiments", json=body).status_code == 201
    people(api, project)
    people(api, project, route="default")
    people(api, project, route="other")
    api.core.clock.at += timedelta(hours=3)
    seen = client.get("/api/v1/experiments/wordy").json()
    assert [(arm["release"], arm["users"], arm["mean"]) for arm in seen["arms"]] == [("A", 200, 0.8), ("B", 200, 0.2)]


@pytest.mark.parametrize(("direction", "winner"), [("up", "A"), ("down", "B")])
def test_without_a_name_the_winner_gets_the_route(
    there: tuple[Api, TestClient], project: str, direction: str, winner: str
) -> None:
    """B scores lower: better where down is better. A is the control, so it gets the route where nobody won."""
    api, client = there
    body = {"name": "wordy", "shares": {"A": 50, "B": 50}, "measure": "mean(score.relevance)", "direction": direction}
    assert client.post("/api/v1/experiments", json=body).status_code == 201
    people(api, project)
    api.core.clock.at += timedelta(hours=3)
    assert client.post("/api/v1/experiments/wordy/stop").json()["to"] == winner
    assert shares(client) == {winner: 1.0}


def test_a_route_that_was_changed_meanwhile_is_left_as_it_is(there: tuple[Api, TestClient], project: str) -> None:
    api, client = there
    body = {"name": "wordy", "shares": {"A": 50, "B": 50}, "measure": "mean(score.relevance)"}
    assert client.post("/api/v1/experiments", json=body).status_code == 201
    assert client.post("/api/v1/releases", json={"name": "C", "model": "m"}).status_code == 201
    version = client.get("/api/v1/policies/default").json()["version"]
    assert client.put("/api/v1/policies/default", json={"shares": {"C": 1}, "version": version}).status_code == 200
    stopped = client.post("/api/v1/experiments/wordy/stop").json()
    assert (stopped["state"], stopped["to"], stopped["left"]) == ("stopped", "", {"C": 1.0})
    assert _ended(stopped) == "wordy ended; default was changed meanwhile and is left as it is: C=1"
    assert shares(client) == {"C": 1.0}
    [told] = audit.entries(api.core.ledger, project=project, limit=1)
    assert (told.action, json.loads(told.after)) == ("experiment.stop", {"to": "", "left": {"C": 1.0}, "why": ""})
    assert client.get("/api/v1/experiments/wordy").status_code == 200  # nobody's ten minutes were over


def people(api: Api, project: str, *, route: str = "") -> None:
    """Users on A and B by turns; those of B are served worse. `route`: what they name."""
    rows, spans, scores = [], [], []
    for n in range(400):
        at = api.core.clock.now() + timedelta(seconds=n)
        row = exchange_row(project, at=at, user_id=f"{route}u{n}", release="AB"[n % 2])
        rows.append(row)
        if route:
            spans.append(span_row(project, at=at, trace_id=row["trace_id"], span_id=row["span_id"],
                                  attributes={"homeostat.route": route}))  # fmt: skip
        value = float(n % 10 < 8) if n % 2 == 0 else float(n % 10 < 2)
        scores.append(score_row(project, at=at, trace_id=row["trace_id"], span_id=row["span_id"], name="relevance",
                                value=value))  # fmt: skip
    store(api.core.warehouse, exchanges=rows, spans=spans, scores=scores)


def test_a_dataset_from_exchanges_and_from_items(there: tuple[Api, TestClient], project: str) -> None:
    api, client = there
    at = api.core.clock.now() - timedelta(minutes=5)
    store(api.core.warehouse, exchanges=[
        exchange_row(project, at=at, release="B", input="Where is it?", output="Ask anna@example.com"),
        exchange_row(project, at=at, release="B", input="where  is it?", output="I do not know"),
        exchange_row(project, at=at, release="A", input="And now?", output="It is there."),
    ])  # fmt: skip
    made = client.post("/api/v1/datasets", json={"name": "failing", "exchanges": {"release": "B"}, "good": False})
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["items"]) == (1, 1)
    again = client.post("/api/v1/datasets", json={"name": "failing", "exchanges": {"release": "B"}, "good": False})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    items = [{"input": "Where is it?", "output": "On its way.", "good": True}]
    assert client.post("/api/v1/datasets", json={"name": "failing", "items": items}).json()["version"] == 2
    wrong = client.post("/api/v1/datasets", json={"name": "failing", "items": [{"inptu": "?"}]})
    assert wrong.status_code == 400 and "inptu" in wrong.json()["error"]["message"]
    told = client.get("/api/v1/datasets/failing/items?version=1").json()["items"]
    assert "anna@" not in json.dumps(told)
    assert told[0]["exchange"]
    pairs = client.get("/api/v1/datasets/failing/export?format=preferences")
    [line] = [json.loads(line) for line in pairs.text.splitlines()]
    assert line["preferred_output"] == [{"role": "assistant", "content": "On its way."}]
    chat = client.get("/api/v1/datasets/failing/export?format=chat").text
    assert json.loads(chat)["messages"][-1] == {"role": "assistant", "content": "On its way."}
    left_out = [client.get(f"/api/v1/datasets/failing/export?format={shape}").headers["x-homeostat-left-out"]
                for shape in ("jsonl", "chat", "preferences")]  # fmt: skip
    assert left_out == ["0", "1", "0"]
    twice = [{"input": "Q", "output": "first"}, {"input": "Q", "output": "second"}]
    assert client.post("/api/v1/datasets", json={"name": "twice", "items": twice}).json()["items"] == 1
    assert client.get("/api/v1/datasets/twice/items").json()["items"][0]["output"] == "second"
    assert [each["version"] for each in client.get("/api/v1/datasets/failing").json()["versions"]] == [2, 1]
    assert client.get("/api/v1/datasets/other").status_code == 404


def test_what_people_said_goes_with_an_exchange(there: tuple[Api, TestClient], project: str) -> None:
    """A corrected answer teaches the correction, and one with a thumb down teaches nothing."""
    api, client = there
    at = api.core.clock.now() - timedelta(minutes=5)
    asked = [exchange_row(project, at=at, input=f"Where is {n}?", output=f"wrong {n}") for n in range(4)]
    said: list[dict[str, Any]] = [{"value": -1.0}, {"name": "edit", "correction": "Right 1."}, {"value": 1.0}]
    later = at + timedelta(minutes=1)
    store(api.core.warehouse, exchanges=asked, signals=[
        signal_row(project, at=later, trace_id=row["trace_id"], span_id=row["span_id"], **told)
        for row, told in zip(asked, said, strict=False)
    ])  # fmt: skip
    made = client.post("/api/v1/datasets", json={"name": "all", "exchanges": {}})
    assert made.status_code == 201, made.text
    assert made.json()["lineage"]["good"] is None and made.json()["lineage"]["balance"] is False
    items = {item["input"]: item for item in client.get("/api/v1/datasets/all/items").json()["items"]}
    known = [(items[f"Where is {n}?"].get("good"), items[f"Where is {n}?"].get("ideal")) for n in range(4)]
    assert known == [(False, None), (None, "Right 1."), (True, None), (None, None)]
    chat = client.get("/api/v1/datasets/all/export?format=chat").text.splitlines()
    assert {json.loads(line)["messages"][-1]["content"] for line in chat} == {"Right 1.", "wrong 2", "wrong 3"}
    told_good = client.post("/api/v1/datasets", json={"name": "failing", "exchanges": {}, "good": False})
    assert {item.get("good") for item in client.get("/api/v1/datasets/failing/items").json()["items"]} == {False}
    assert told_good.json()["lineage"]["good"] is False


def test_a_person_is_forgotten_in_every_version(there: tuple[Api, TestClient], project: str) -> None:
    api, client = there
    at = api.core.clock.now() - timedelta(minutes=5)
    store(api.core.warehouse, exchanges=[
        exchange_row(project, at=at, user_id=user, input=f"Where is {n} of {user}?")
        for n in range(3) for user in ("eve", "joe")
    ])  # fmt: skip
    for limit in (4, 6):
        made = client.post("/api/v1/datasets", json={"name": "all", "exchanges": {}, "limit": limit, "redact": False})
        assert made.status_code == 201, made.text
    assert client.post("/api/v1/datasets/forget", json={}).status_code == 400
    gone = client.post("/api/v1/datasets/forget", json={"user": "eve"})
    assert gone.status_code == 200, gone.text
    assert gone.json()["exchanges"] == 3 and gone.json()["items"] >= 4
    for version in (1, 2):
        told = client.get(f"/api/v1/datasets/all/items?version={version}").text
        assert "eve" not in told and "joe" in told
    [entry] = [one for one in audit.entries(api.core.ledger, project=project) if one.action == "dataset.forget"]
    assert "eve" not in str(entry) and audit.verify(api.core.ledger) is None
    assert client.post("/api/v1/datasets/forget", json={"user": "eve"}).json()["items"] == 0


def test_a_yes_to_what_calls_outside_waits_for_nobody(make_api: Callable[..., Api], project: str) -> None:
    """Its owner makes the calls (`loop/watching/errands.py`); here nobody does, and undoing is only noted."""
    api = make_api(action_hooks={"train": {"url": "http://127.0.0.1:9/"}})
    projects.ensure(api.core.ledger, project, at=NOON)
    client = api.client(project, "read", "admin")
    body = {**BACK, "remedy": "pipeline", "parameters": {"name": "train"}}
    for approve in (True, False):
        made = client.post("/api/v1/actions", json={**body, "approve": approve})
        id = made.json()["id"]
        told = made if approve else client.post(f"/api/v1/actions/{id}/approve")
        assert (told.json()["state"], told.json()["step"], told.json()["error"]) == ("approved", "", "")
        undone = client.post(f"/api/v1/actions/{id}/undo", json={"why": "too dear"})
        assert (undone.status_code, undone.json()["state"]) == (200, "undoing")
        assert "too dear" in undone.json()["said"]


@pytest.mark.parametrize(
    ("since", "found"), [("7d", 1), ("2026-01-01", 2), ("2026-01-01T00:00:00", 2), ("lately", None)]
)
def test_curate_takes_times_as_lists_do(
    there: tuple[Api, TestClient], project: str, since: str, found: int | None
) -> None:
    api, client = there
    now = api.core.clock.now()
    store(api.core.warehouse, exchanges=[
        exchange_row(project, at=now - timedelta(days=days), input=f"q{days}", output="a") for days in (1, 10)
    ])  # fmt: skip
    body = {**BACK, "remedy": "curate", "parameters": {"dataset": "failing", "filters": {"since": since}}}
    told = client.post("/api/v1/actions", json={**body, "dry_run": True})
    if found is None:
        assert told.status_code == 400 and "ISO 8601" in told.text
    else:
        assert (told.status_code, told.json().get("preview", {}).get("found")) == (200, found), told.text
