"""Every route of every router against every kind of credential: what is not listed fails the build (05, S1)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI

from homeostat.doors.routes import ROUTES, Route
from tests.doors.door import Door, Keyring
from tests.doors.routers import actual_routes, walked

CREDENTIALS = (
    "none", "garbage", "unknown", "expired", "revoked", "nothing", "ingest", "read", "gateway", "admin", "all",
    "other", "operator",
)  # fmt: skip
BAD = frozenset(("none", "garbage", "unknown", "expired", "revoked"))
UNKNOWN = "hs_" + "B" * 12 + "_" + "A" * 43 + "_56b8acdc"


def expected(route: Route, who: str) -> int:
    """The answer by the words of the design, not by the guard's code."""
    if route.need == "public":
        return 200
    if who in BAD:
        return 401
    if who == "operator":
        return 200
    if route.need == "operator":
        return 403
    return 200 if who in ("all", "other") or who == route.need else 403


def path_of(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "some-thing", route.path)


def ask(door: Door, ring: Keyring, route: Route, who: str) -> tuple[int, str | None]:
    bearer = {"none": None, "garbage": "garbage", "unknown": UNKNOWN}.get(who, ring.texts.get(who))
    answer = door.ask(route.method, path_of(route), bearer=bearer)
    assert answer.passed == (answer.status == 200)
    return answer.status, answer.visitor.project if answer.visitor else None


def test_every_route_with_every_credential(door: Callable[..., Door], ring: Keyring) -> None:
    strict = door()
    projects = {"other": "q", "operator": "default"}
    for route in ROUTES:
        for who in CREDENTIALS:
            status, project = ask(strict, ring, route, who)
            assert status == expected(route, who), (route, who)
            if status == 200 and route.need != "public":
                assert project == projects.get(who, "p"), (route, who)


def test_the_unknown_key_is_well_formed() -> None:
    from homeostat.doors import keys

    assert keys.public_id(UNKNOWN.encode()) == "B" * 12


def test_the_walk_misses_nothing() -> None:
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")
    inner.get("/leaf/{id}")(lambda id: id)
    outer.include_router(inner)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url="/schema")
    app.include_router(outer, prefix="/v9")
    app.websocket("/socket")(lambda socket: None)
    app.mount("/static", lambda scope, receive, send: None)
    app.mount("/sub", FastAPI(docs_url=None, redoc_url=None, openapi_url="/schema"))
    app.add_route("/plain", lambda request: None, ["PUT", "GET"])
    assert walked(app) == {
        ("GET", "/schema"),
        ("GET", "/v9/outer/inner/leaf/{id}"),
        ("APIWEBSOCKETROUTE", "/socket"),
        ("MOUNT", "/static"),
        ("GET", "/sub/schema"),
        ("PUT", "/plain"),
        ("GET", "/plain"),
    }


@pytest.mark.parametrize("server", ["edge", "core"])
def test_every_actual_route_is_listed(server: str) -> None:
    listed = {(route.method, route.path) for route in ROUTES if route.server in (server, "both")}
    found = actual_routes(server)
    assert found, f"no route found in the {server}: the walk would prove nothing"
    assert found - listed == set(), "list these in homeostat/doors/routes.py, or take them away"


@pytest.mark.parametrize("server", ["edge", "core"])
def test_every_listed_route_is_served(server: str) -> None:
    listed = {(route.method, route.path) for route in ROUTES if route.server in (server, "both")}
    assert listed - actual_routes(server) == set(), "a route that nobody serves is a promise that nobody keeps"
