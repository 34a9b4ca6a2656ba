"""What holds for every route: shape of errors, safe headers, no traceback, documentation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from homeostat.doors.routes import ROUTES
from homeostat.store.ledger import projects
from homeostat.store.spool.envelope import Envelope, Part, encode
from tests.web.conftest import Api


def test_every_answer_carries_safe_headers(client: TestClient) -> None:
    for path in (
        "/",
        "/api/docs",
        "/api/openapi.json",
        "/api/v1/exchanges",
        "/api/v1/nothing",
        "/api/v1/exchanges?x=1",
    ):
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'self'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/exchanges", 405),
        ("GET", "/api/docs/app.py", 404),
        ("GET", "/api/docs/..%2fapp.py", 404),
    ],
)
def test_errors_have_one_shape(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


def test_what_breaks_here_is_told_without_its_insides(
    api: Api, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret insides")

    monkeypatch.setattr(api.core.warehouse, "ask", broken)
    answer = client.get("/api/v1/exchanges")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "problem",
    [
        DatabaseError("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"),
        OperationalError("SELECT 1", {}, Exception("database is locked")),
        OSError(28, "No space left on device"),
    ],
)
def test_what_passes_by_itself_is_no_fault(
    api: Api, client: TestClient, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def sick(*_: object) -> None:
        raise problem

    monkeypatch.setattr(api.core.warehouse, "ask", sick)
    answer = client.get("/api/v1/exchanges")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "not_now"


def test_docs_load_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/api/docs", "/api/docs/docs.js", "/api/docs/docs.css"):
        text = client.get(path).text
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert "innerHTML" not in text


def test_every_core_route_is_documented(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    hidden = ("/", "/api/docs", "/api/docs/{asset}", "/api/openapi.json", "/api/v1/clock", "/readyz")
    for route in ROUTES:
        if route.server == "core" and route.path not in hidden:
            assert route.method.lower() in paths[route.path.replace(":path", "")], route
    answers = {status for methods in paths.values() for one in methods.values() for status in one["responses"]}
    assert "422" not in answers, "no route answers that"


def test_accounting_adds_the_waiting_of_one_project(api: Api, project: str) -> None:
    client = api.client(project)
    spool = api.core.folder.spool

    def write(path: Path, *items: tuple[str, int]) -> None:
        before, data = 0, b""
        for name, n in items:
            data += b"".join(encode(Envelope(1, name, n, Part.FACTS, b"{}"), before))
            before += n
        path.write_bytes(data)

    write(spool / f"{1:020d}-5.seg", (project, 3), ("other", 2))
    write(spool / f"{2:020d}.open", (project, 4))
    try:
        told = client.get("/api/v1/accounting").json()
        assert told == {"received": 7, "stored": 0, "waiting": 7, "rejected": {}, "expired": 0, "erased": 0}
        metrics = client.get("/metrics").text
        assert f'homeostat_items{{project="{project}",kind="waiting",reason=""}} 7' in metrics
    finally:
        for path in spool.iterdir():
            path.unlink()


def test_status(client: TestClient) -> None:
    told = client.get("/api/v1/status").json()
    assert told["loader"]["alive"] is True
    assert told["stores"]["warehouse"]["ok"] is True
    assert told["stores"]["ledger"]["ok"] is True


def test_why_something_fails_is_for_those_who_run_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "Code: 243: no room on the disk of project other"

    def state() -> dict[str, Any]:
        job = {"name": "rollups", "error": secret}
        return {"loader": {"alive": True, "error": secret}, "jobs": [job], "ledger_damage": secret, "keys_problem": ""}

    monkeypatch.setattr(api.core, "state", state)
    projects.ensure(api.core.ledger, "someone", at=datetime.now(UTC))
    reader = api.client("someone").get("/api/v1/status")
    assert secret not in reader.text
    assert reader.json()["loader"]["error"]
    assert (reader.json()["jobs"][0]["name"], reader.json()["keys_problem"]) == ("rollups", "")
    assert api.core.operator is not None
    told = api.opened(api.core.operator.text).get("/api/v1/status").json()
    assert (told["loader"]["error"], told["ledger_damage"]) == (secret, secret)


def test_a_key_sees_the_channels_and_monitors_of_its_own_project(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> dict[str, Any]:
        return {
            "loader": {"alive": True, "error": ""}, "jobs": [],
            "watching": {
                "steps": [{"name": "ticker", "error": "other: no such thing"}, {"name": "actor", "error": ""}],
                "monitors_refused": {"other/many": "too many", "someone/mine": "why"},
                "telling": {"other/team": {"problem": "403 at hooks.other"}, "someone/team": {"problem": ""}},
            },
        }  # fmt: skip

    monkeypatch.setattr(api.core, "state", state)
    projects.ensure(api.core.ledger, "someone", at=datetime.now(UTC))
    told = api.client("someone", "admin", "read").get("/api/v1/status")
    assert "other" not in told.text.replace("operator", "")
    watching = told.json()["watching"]
    assert (watching["telling"], watching["monitors_refused"]) == (
        {"someone/team": {"problem": ""}}, {"someone/mine": "why"},
    )  # fmt: skip
    assert [bool(step["error"]) for step in watching["steps"]] == [True, False]


def test_a_key_is_made_shown_once_used_and_revoked(make_api: Callable[..., Api], tmp_path: Path) -> None:
    api = make_api()
    assert api.core.operator is not None
    operator = api.opened(api.core.operator.text)
    made = operator.post("/api/v1/keys", json={"name": "n", "scopes": ["read"], "project": "shop", "days": 3})
    assert made.status_code == 201
    key = made.json()
    opened = api.opened(key["key"])
    assert opened.get("/api/v1/exchanges").status_code == 200
    listed = operator.get("/api/v1/keys")
    assert key["key"] not in listed.text
    (told,) = listed.json()["items"]
    assert (told["id"], told["project"], told["scopes"], told["revoked"]) == (key["id"], "shop", ["read"], None)
    assert datetime.fromisoformat(told["expires"]) > datetime.now(UTC)
    assert operator.delete(f"/api/v1/keys/{key['id']}").status_code == 204
    assert opened.get("/api/v1/exchanges").status_code == 401
    assert operator.delete("/api/v1/keys/nothing").status_code == 404


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"scopes":["root"]}', '{"project":"a/b"}', '{"days":0}', '{"unknown":1}', '{"scopes":[]}']
)
def test_odd_keys_are_refused(make_api: Callable[..., Api], body: str) -> None:
    api = make_api()
    assert api.core.operator is not None
    answer = api.opened(api.core.operator.text).post(
        "/api/v1/keys", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_an_admin_sees_and_changes_only_its_own_project(make_api: Callable[..., Api]) -> None:
    api = make_api()
    assert api.core.operator is not None
    operator = api.opened(api.core.operator.text)
    assert operator.post("/api/v1/projects", json={"name": "theirs"}).status_code == 201
    assert operator.post("/api/v1/projects", json={"name": "theirs"}).status_code == 200
    other = operator.post("/api/v1/keys", json={"project": "theirs"}).json()
    admin = api.client("mine", "admin")
    assert [project["name"] for project in admin.get("/api/v1/projects").json()["items"]] == ["mine"]
    assert {key["project"] for key in admin.get("/api/v1/keys").json()["items"]} == {"mine"}
    assert admin.delete(f"/api/v1/keys/{other['id']}").status_code == 404
    assert admin.patch("/api/v1/projects/theirs", json={"settings": {"a": 1}}).status_code == 404
    changed = admin.patch("/api/v1/projects/mine", json={"settings": {"prices": {"m": {"input": 1}}}})
    assert changed.json() == {"name": "mine", "settings": {"prices": {"m": {"input": 1}}}}
    assert admin.post("/api/v1/projects", json={"name": "more"}).status_code == 403


def test_the_clock_moves_only_in_a_world_and_never_back(make_api: Callable[..., Api]) -> None:
    live, world = make_api(), make_api(clock="world")
    assert live.client("p", "admin").post("/api/v1/clock", json={"to": "2026-11-21T00:00:00Z"}).status_code == 404
    admin = world.client("p", "admin")
    moved = admin.post("/api/v1/clock", json={"to": "2026-11-21T00:00:00Z"})
    assert moved.json() == {"now": "2026-11-21T00:00:00.000000Z"}
    back = admin.post("/api/v1/clock", json={"to": "2026-11-20T00:00:00Z"})
    assert back.status_code == 400
    assert "never goes back" in back.json()["error"]["message"]
    assert admin.post("/api/v1/clock", json={"to": "soon"}).status_code == 400


def test_json_is_never_nan(client: TestClient) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(client.get("/api/v1/status").text, parse_constant=refuse)
