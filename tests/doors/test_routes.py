"""The table: quick, strict, and with few public places."""

from __future__ import annotations

import re

import pytest

from homeostat.doors.routes import ROUTES, TABLE, Route, Table


def path_of(route: Route) -> str:
    """A path that this route serves."""
    return re.sub(r"\{[^}]*\}", "some-thing", route.path)


def test_every_route_finds_itself() -> None:
    for route in ROUTES:
        assert TABLE.match(route.method, path_of(route)) is route


def test_exact_before_pattern() -> None:
    found = TABLE.match("GET", "/api/v1/exchanges/export")
    assert found is not None and found.path == "/api/v1/exchanges/export"


def test_six_public_routes() -> None:
    assert sorted(route.path for route in ROUTES if route.need == "public") == [
        "/", "/api/docs", "/api/docs/{asset}", "/api/openapi.json", "/healthz", "/readyz",
    ]  # fmt: skip
    assert all(route.method == "GET" for route in ROUTES if route.need == "public")


def test_nine_otlp_routes() -> None:
    found = {route.path for route in ROUTES if route.family == "otlp"}
    assert found == {f"{p}/v1/{s}" for p in ("", "/otel", "/api/public/otel") for s in ("traces", "logs", "metrics")}


@pytest.mark.parametrize(
    "path",
    [
        "", "//", "/v1/traces/", "//v1/traces", "/v1//traces", "/V1/traces", "/v1/traces?x", "/v1/traces/..",
        "/./v1/traces",
        "/api/v1/exchanges/", "/api/v1/exchanges/a/b", "/api/v1/exchanges/export/", "/api/v1/sessions",
        "/api/v1/sessions/",
        "/api/docs/", "/api/docs/a/b", "/api/v1", "/api", "/admin", "/v1/traces\n", "/v1/traces\0", "/api/v1/keys/a/b",
    ],
)  # fmt: skip
def test_near_misses_are_not_there(path: str) -> None:
    assert [TABLE.match(method, path) for method in ("GET", "POST", "DELETE", "PATCH")] == [None] * 4


def test_methods() -> None:
    assert TABLE.match("PUT", "/v1/traces") is None
    assert TABLE.match("OPTIONS", "/") is None
    assert TABLE.match("HEAD", "/healthz") is TABLE.match("GET", "/healthz")
    assert TABLE.match("HEAD", "/v1/traces") is None
    assert TABLE.methods("/api/v1/exchanges") == ["GET", "POST"]
    assert TABLE.methods("/nowhere") == []


def test_a_session_may_have_slashes() -> None:
    found = TABLE.match("GET", "/api/v1/sessions/user/1/chat")
    assert found is not None and found.path == "/api/v1/sessions/{id:path}"


def test_a_route_of_requests_may_have_slashes_before_a_fixed_end() -> None:
    found = TABLE.match("POST", "/api/v1/policies/meta-llama/Llama-3.1:free/rollback")
    assert found is not None and found.path == "/api/v1/policies/{route:path}/rollback" and found.need == "admin"
    named_so = TABLE.match("POST", "/api/v1/policies/rollback/rollback")
    assert named_so is found
    read = TABLE.match("GET", "/api/v1/policies/chat/rollback")
    assert read is not None and read.path == "/api/v1/policies/{route:path}"
    for path in ("/api/v1/policies/rollback", "/api/v1/policies//rollback", "/api/v1/policies/chat/rollback/"):
        assert TABLE.match("POST", path) is None
    assert TABLE.match("DELETE", "/api/v1/policies/chat/rollback") is None


def test_a_table_refuses_what_it_could_not_serve() -> None:
    route = Route("GET", "/a", "read", "core")
    with pytest.raises(ValueError, match="twice"):
        Table([route, route])
    for path in ("/a/{b}/c", "/a{b}", "/a/{b}c"):
        with pytest.raises(ValueError, match="last segment"):
            Table([Route("GET", path, "read", "core")])
