"""Prompts, releases and policies over HTTP: compared and set, audited once, and nobody else's business."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.doors.routes import ROUTES
from homeostat.store import control
from homeostat.store.ledger import audit
from tests.web.conftest import Api


@pytest.fixture
def own(make_api: Callable[..., Api]) -> Api:
    """An application of one's own: its ledger is empty, its clock may move."""
    return make_api()


@pytest.fixture
def admin(own: Api) -> TestClient:
    return own.client("p", "read", "admin", "ingest")


def release(client: TestClient, name: str, **given: Any) -> None:
    assert client.post("/api/v1/releases", json={"name": name, "model": f"model-{name}"} | given).status_code == 201


def put(client: TestClient, expected: int, route: str = "default", **given: Any) -> Any:
    body = {"shares": {"A": 90, "B": 10}, "version": expected} | given
    return client.put(f"/api/v1/policies/{route}", json=body)


def entries(api: Api, project: str = "p") -> list[audit.Entry]:
    assert audit.verify(api.core.ledger) is None
    return [
        entry
        for entry in reversed(audit.entries(api.core.ledger, project=project, limit=1000))
        if not entry.action.startswith(("key.", "project."))
    ]


def refused(answer: Any, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code and error["message"], answer.text
    return str(error["message"])


def test_prompts_have_versions_labels_and_differences(own: Api, admin: TestClient) -> None:
    first = admin.post("/api/v1/prompts", json={"name": "support", "template": "Hi {{name}}.\nBe kind.", "note": "n"})
    assert (first.status_code, first.json()["version"], first.json()["variables"]) == (201, 1, ["name"])
    again = admin.post("/api/v1/prompts", json={"name": "support", "template": "Hi {{name}}.\nBe kind."})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    admin.post("/api/v1/prompts", json={"name": "support", "template": "Hi {{who}}.\nBe kind."})
    labelled = admin.post("/api/v1/prompts/labels", json={"name": "support", "label": "production", "version": 1})
    assert labelled.json()["labels"] == ["production"]
    shown = admin.get("/api/v1/prompts/support").json()
    assert shown["version"] == 2 and [each["version"] for each in shown["versions"]] == [2, 1]
    assert admin.get("/api/v1/prompts/support?version=production").json()["version"] == 1
    told = admin.get("/api/v1/prompts/diff?name=support&from=production&to=2").json()
    assert (told["added"], told["removed"]) == (["who"], ["name"])
    assert "-Hi {{name}}." in told["lines"] and "+Hi {{who}}." in told["lines"]
    assert [item["version"] for item in admin.get("/api/v1/prompts").json()["items"]] == [2]
    assert [entry.action for entry in entries(own)] == ["prompt.create", "prompt.create", "prompt.label"]
    refused(admin.get("/api/v1/prompts/nothing"), 404, "not_found")
    refused(admin.get("/api/v1/prompts/support?version=9"), 404, "not_found")
    refused(admin.get("/api/v1/prompts/support?version=staging"), 404, "not_found")
    refused(admin.get(f"/api/v1/prompts/support?version={'9' * 30}"), 404, "not_found")


def test_a_release_takes_the_text_of_its_prompt_and_never_changes(own: Api, admin: TestClient) -> None:
    for text in ("one {{x}}", "two {{x}}"):
        admin.post("/api/v1/prompts", json={"name": "support", "template": text})
    admin.post("/api/v1/prompts/labels", json={"name": "support", "label": "production", "version": 1})
    release(admin, "by-label", prompt={"name": "support", "label": "production"})
    release(admin, "by-version", prompt={"name": "support", "version": 2})
    release(admin, "newest", prompt={"name": "support"}, model="model-by-version")
    admin.post("/api/v1/prompts/labels", json={"name": "support", "label": "production", "version": 2})
    shown = admin.get("/api/v1/releases/by-label").json()
    assert (shown["system"], shown["prompt"]) == ("one {{x}}", {"name": "support", "version": 1})
    same = admin.get("/api/v1/releases/diff?from=by-version&to=newest").json()
    assert same["changes"] == []
    told = admin.get("/api/v1/releases/diff?from=by-label&to=by-version").json()
    assert {change["field"] for change in told["changes"]} == {"model", "prompt", "system"}
    body = {"name": "by-version", "model": "model-by-version", "prompt": {"name": "support", "version": 2}}
    assert admin.post("/api/v1/releases", json=body).status_code == 200, "the same again is the same one"
    answer = admin.post("/api/v1/releases", json=body | {"model": "other"})
    refused(answer, 409, "conflict")
    assert answer.json()["current"]["model"] == "model-by-version"
    assert len([entry for entry in entries(own) if entry.action == "release.create"]) == 3


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""}, {"name": "a/b"}, {"name": "diff"}, {"name": "x" * 101}, {"name": "ü"}, {"unknown": 1},
        {"fallbacks": ["X"]}, {"fallbacks": ["A", "A"]}, {"fallbacks": list("ABCD")}, {"prompt": {"name": "nothing"}},
        {"parameters": {"temperature": 1e999}}, {"examples": [{"role": "root", "content": "x"}]}, {"model": "a\0b"},
        {"examples": [{"role": "user"}]}, {"system": "\ud800"}, {"parameters": []}, {"note": "x" * 1001},
    ],
)  # fmt: skip
def test_what_is_no_release(own: Api, admin: TestClient, given: dict[str, Any]) -> None:
    release(admin, "A")
    body = json.dumps({"name": "new"} | given)
    answer = admin.post("/api/v1/releases", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"], answer.text
    assert len(entries(own)) == 1


def test_a_policy_is_compared_and_set(own: Api, admin: TestClient) -> None:
    release(admin, "A")
    release(admin, "B")
    refused(admin.get("/api/v1/policies/default"), 404, "not_found")
    refused(put(admin, 1), 409, "conflict")
    first = put(admin, 0, pinned={"vip": "B"}, shadow={"release": "B", "share": 0.5}, reason="canary")
    assert (first.status_code, first.headers["etag"], first.json()["shares"]) == (201, '"1"', {"A": 0.9, "B": 0.1})
    late = put(admin, 0)
    refused(late, 409, "conflict")
    assert late.json()["current"]["version"] == 1
    body = {"shares": {"A": 1, "B": 1}}
    second = admin.put("/api/v1/policies/default", json=body, headers={"if-match": '"1"'})
    assert (second.status_code, second.json()["version"], second.json()["pinned"]) == (200, 2, {})
    shown = admin.get("/api/v1/policies/default")
    assert shown.headers["etag"] == '"2"'
    assert [each["version"] for each in shown.json()["history"]] == [2, 1]
    assert [item["route"] for item in admin.get("/api/v1/policies").json()["items"]] == ["default"]
    found = [entry for entry in entries(own) if entry.action == "policy.put"]
    assert [json.loads(entry.after)["version"] for entry in found] == [1, 2]
    assert [json.loads(entry.before) and json.loads(entry.before)["version"] for entry in found] == [None, 1]


@pytest.mark.parametrize(
    "given",
    [
        {"shares": {}}, {"shares": {"A": 0}}, {"shares": {"A": -1}}, {"shares": {"Z": 1}}, {"shares": {"A": "many"}},
        {"shares": {"A": 1e308, "B": 1e308}}, {"pinned": {"u": "Z"}}, {"shadow": {"release": "Z"}}, {"version": None},
        {"shadow": {"release": "A", "share": 2}}, {"previous_good": "Z"}, {"sticky": "moon"}, {"pieces": []},
        {"reason": "a\0b"}, {"version": -1},
    ],
)  # fmt: skip
def test_what_is_no_policy(own: Api, admin: TestClient, given: dict[str, Any]) -> None:
    release(admin, "A")
    release(admin, "B")
    answer = put(admin, 0, **given)
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"], answer.text
    refused(admin.get("/api/v1/policies/default"), 404, "not_found")
    assert len(entries(own)) == 2


@pytest.mark.parametrize("tag", ["*", "seven", '"-1"', '"1', "9" * 30])
def test_an_if_match_that_is_no_version(admin: TestClient, tag: str) -> None:
    release(admin, "A")
    answer = admin.put("/api/v1/policies/default", json={"shares": {"A": 1}}, headers={"if-match": tag})
    assert answer.status_code in (400, 409), answer.text


@pytest.mark.parametrize("route", ["meta-llama/Llama-3.1:free", "gpt-4o", "a/rollback"])
def test_a_model_may_name_a_route(own: Api, admin: TestClient, route: str) -> None:
    release(admin, "A")
    release(admin, "B")
    assert put(admin, 0, route=route).status_code == 201
    assert admin.get(f"/api/v1/policies/{route}").json()["route"] == route
    back = admin.post(f"/api/v1/policies/{route}/rollback", json={"reason": "why"})
    assert (back.status_code, back.json()["to"], back.json()["override"]) == (200, "A", False)
    snapshot = control.Reader(own.core.folder.control)()
    assert snapshot is not None and snapshot.policies["p"]["routes"][route]["shares"] == {"A": 1.0}
    refused(put(admin, 0, route="no route!"), 400, "bad_request")


def test_rollback_goes_to_what_was_good(own: Api, admin: TestClient) -> None:
    for name in "ABC":
        release(admin, name)
    clock = own.core.clock
    put(admin, 0, shares={"A": 1})
    refused(admin.post("/api/v1/policies/default/rollback"), 409, "conflict")
    put(admin, 1, shares={"A": 9, "B": 1})
    assert admin.get("/api/v1/policies/default").json()["previous_good"] == "A"
    put(admin, 2, shares={"B": 1})
    put(admin, 3, shares={"C": 1})
    now = admin.get("/api/v1/policies/default").json()
    assert (now["previous_good"], now["proved"]) == ("B", None), "nothing has proved itself: what was replaced"
    put(admin, 4, shares={"B": 1})
    clock.at += timedelta(hours=25)
    put(admin, 5, shares={"B": 0.7, "A": 0.3})
    clock.at += timedelta(hours=1)
    put(admin, 6, shares={"C": 1})
    now = admin.get("/api/v1/policies/default").json()
    assert (now["previous_good"], now["proved"]) == ("B", "B")
    clock.at += timedelta(hours=23)
    put(admin, 7, shares={"A": 1})
    assert admin.get("/api/v1/policies/default").json()["previous_good"] == "B", "23 hours prove nothing"
    assert admin.post("/api/v1/policies/default/rollback").json()["to"] == "B"
    clock.at += timedelta(hours=30)
    put(admin, 9, shares={"C": 1})
    assert admin.post("/api/v1/policies/default/rollback", json={"to": "A"}).json()["to"] == "A"
    refused(admin.post("/api/v1/policies/default/rollback", json={"to": "Z"}), 404, "not_found")


def test_a_person_may_say_what_is_good(own: Api, admin: TestClient) -> None:
    for name in "AB":
        release(admin, name)
    put(admin, 0, shares={"A": 1})
    put(admin, 1, shares={"B": 1})
    put(admin, 0, route="mail", shares={"A": 1})
    before = len(entries(own))
    said = admin.post("/api/v1/releases/labels", json={"release": "B", "label": "previous-good"})
    assert said.json()["routes"] == ["default"]
    assert len(entries(own)) == before + 1
    assert admin.get("/api/v1/policies/default").json()["previous_good"] == "B"
    admin.post("/api/v1/releases/labels", json={"release": "B", "label": "previous-good", "route": "mail"})
    assert admin.get("/api/v1/policies/mail").json()["previous_good"] == "B"
    assert admin.post("/api/v1/policies/mail/rollback").json()["to"] == "B"
    refused(admin.post("/api/v1/releases/labels", json={"release": "Z", "label": "production"}), 404, "not_found")
    refused(
        admin.post("/api/v1/releases/labels", json={"release": "A", "label": "production", "route": "mail"}),
        400, "bad_request",
    )  # fmt: skip
    admin.post("/api/v1/releases/labels", json={"release": "A", "label": "production"})
    assert admin.get("/api/v1/releases/production").json()["name"] == "A"


def test_a_rollback_with_an_id_is_done_once(own: Api, admin: TestClient) -> None:
    release(admin, "A")
    release(admin, "B")
    put(admin, 0)
    first = admin.post("/api/v1/policies/default/rollback", json={"id": "once"}).json()
    put(admin, 2, shares={"B": 1})
    again = admin.post("/api/v1/policies/default/rollback", json={"id": "once"}).json()
    assert again["policy"] == first["policy"]
    assert admin.get("/api/v1/policies/default").json()["shares"] == {"B": 1.0}
    for bad in ([], "x", {"to": 1}, {"why": ""}, {"id": "x" * 65}):
        refused(admin.post("/api/v1/policies/default/rollback", json=bad), 400, "bad_request")


def test_of_two_who_change_the_same_version_one_wins(own: Api) -> None:
    clients = [own.client("p", "read", "admin") for _ in range(4)]
    release(clients[0], "A")
    release(clients[0], "B")
    put(clients[0], 0)
    statuses: list[list[int]] = [[] for _ in clients]
    start = threading.Barrier(len(clients), timeout=60)

    def change(number: int) -> None:
        for version in range(1, 13):
            start.wait()
            statuses[number].append(put(clients[number], version, reason=str(number)).status_code)
            start.wait()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [sorted(each) for each in zip(*statuses, strict=True)] == [[200, 409, 409, 409]] * 12
    assert len([entry for entry in entries(own) if entry.action == "policy.put"]) == 13


CHANGES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("POST", "/api/v1/prompts", {"name": "new", "template": "t"}, "prompt.create"),
    ("POST", "/api/v1/prompts/labels", {"name": "support", "label": "production", "version": 1}, "prompt.label"),
    ("POST", "/api/v1/releases", {"name": "C"}, "release.create"),
    ("POST", "/api/v1/releases/labels", {"release": "A", "label": "production"}, "release.label"),
    ("PUT", "/api/v1/policies/{route:path}", {"shares": {"B": 1}, "version": 1}, "policy.put"),
    ("POST", "/api/v1/policies/{route:path}/rollback", {}, "rollback"),
)


def test_every_route_that_changes_something_is_in_the_matrix() -> None:
    steering = ("/api/v1/prompts", "/api/v1/releases", "/api/v1/policies")
    changing = {
        (route.method, route.path) for route in ROUTES if route.method != "GET" and route.path.startswith(steering)
    }
    assert changing == {(method, path) for method, path, _, _ in CHANGES}


@pytest.mark.parametrize(("method", "path", "body", "action"), CHANGES)
def test_a_change_has_one_audit_entry_with_before_and_after(
    own: Api, admin: TestClient, method: str, path: str, body: dict[str, Any], action: str
) -> None:
    for name in "AB":
        release(admin, name)
    admin.post("/api/v1/prompts", json={"name": "support", "template": "t"})
    put(admin, 0)
    before = len(entries(own))
    path = path.replace("{route:path}", "default")
    for _ in range(2):
        admin.request(method, path, json=body)
    new = entries(own)[before:]
    assert [entry.action for entry in new] == [action], "the second time changes nothing"
    assert json.loads(new[0].after) is not None
    if action in ("policy.put", "rollback"):
        assert (json.loads(new[0].before)["version"], json.loads(new[0].after)["version"]) == (1, 2)
    listed = admin.get("/api/v1/audit?limit=1").json()
    assert (listed["items"][0]["action"], listed["items"][0]["actor"], bool(listed["next"])) == (
        action,
        new[0].actor,
        True,
    )
    assert admin.get(f"/api/v1/audit?limit=1&cursor={listed['next']}").json()["items"][0]["number"] < new[0].number
    reader = own.client("p", "read")
    assert reader.request(method, path, json=body).status_code == 403


def test_the_audit_log_refuses_what_it_cannot_narrow(admin: TestClient) -> None:
    """It does not answer with everything where something was asked for."""
    assert "actor" in refused(admin.get("/api/v1/audit?actor=anna"), 400, "unknown_filter")
    assert len(refused(admin.get(f"/api/v1/audit?{'x' * 2_000}=1"), 400, "unknown_filter")) < 200
    for cursor in ("yesterday", "-1", "1&cursor=2"):
        refused(admin.get(f"/api/v1/audit?cursor={cursor}"), 400, "bad_request")
    assert admin.get("/api/v1/audit?limit=1&cursor=").status_code == 200


def test_a_project_never_sees_anothers(own: Api, admin: TestClient) -> None:
    """A canary in everything that A has; B looks everywhere."""
    canary = "canary-7f3a"
    release(admin, canary, note=canary)
    release(admin, f"{canary}-2", system=canary)
    admin.post("/api/v1/prompts", json={"name": canary, "template": canary})
    admin.post("/api/v1/releases/labels", json={"release": canary, "label": canary})
    shares = {canary: 1, f"{canary}-2": 1}
    assert put(admin, 0, route=canary, shares=shares, pinned={canary: canary}, reason=canary).status_code == 201
    other = own.client("q", "read", "admin", "ingest")
    texts = []
    for route in ROUTES:
        if route.path.startswith(("/api/v1/prompts", "/api/v1/releases", "/api/v1/policies", "/api/v1/audit")):
            path = route.path.replace("{route:path}", canary).replace("{name}", canary)
            query = f"?name={canary}&from={canary}&to={canary}-2" if path.endswith("diff") else ""
            bodies: list[dict[str, Any]] = [
                {}, {"shares": {canary: 1}, "version": 1}, {"to": canary}, {"name": "x", "fallbacks": [canary]},
                {"release": canary, "label": "x"}, {"name": canary, "label": "x", "version": 1},
                {"name": "x", "prompt": {"name": canary}},
            ]  # fmt: skip
            for body in bodies if route.method != "GET" else [None]:
                answer = other.request(route.method, path + query, json=body)
                assert answer.status_code in (200, 400, 404, 409), (route, answer.text)
                said = answer.json()
                if "error" in said:
                    assert "current" not in said, said
                    said["error"].pop("message")  # it repeats the name that B has said
                texts.append(json.dumps(said))
    assert len(texts) > 15
    assert not [text for text in texts if canary in text]
    assert admin.get(f"/api/v1/policies/{canary}").json()["version"] == 1


def test_the_timeline(own: Api, admin: TestClient) -> None:
    release(admin, "A", note="first")
    own.core.clock.at += timedelta(minutes=1)
    release(admin, "B")
    put(admin, 0)
    own.core.clock.at += timedelta(minutes=1)
    admin.post("/api/v1/policies/default/rollback", json={"reason": "rude"})
    items = admin.get("/api/v1/releases/timeline").json()["items"]
    assert (items[0]["kind"], items[0]["reason"]) == ("rollback", "rude")
    assert {(item["kind"], item.get("release")) for item in items[1:]} == {
        ("release", "A"), ("release", "B"), ("put", None),
    }  # fmt: skip
    assert [item["kind"] for item in admin.get("/api/v1/releases/timeline?from=30s").json()["items"]] == ["rollback"]
    refused(admin.get("/api/v1/releases/timeline?from=never"), 400, "bad_request")
    refused(admin.get("/api/v1/releases?implicit=maybe"), 400, "bad_request")
    assert admin.get("/api/v1/releases?implicit=true").json()["items"] == []
