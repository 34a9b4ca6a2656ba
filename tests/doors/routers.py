"""The routes that edge and core really have."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.doors.routes import ROUTES


def actual_routes(server: str) -> set[tuple[str, str]]:
    """(method, path) of every route of a process, mounts and websockets too."""
    return _edge() if server == "edge" else _core()


def _module(name: str) -> Any:
    if find_spec(name) is None:
        pytest.skip(f"{name} does not exist yet")
    return importlib.import_module(name)


def _edge() -> set[tuple[str, str]]:
    """Its own tables, and whatever listed route it answers instead of handing it on."""
    module = _module("homeostat.loop.edge")
    nothing = _Nothing()
    edge = module.Edge(Settings(), nothing, nothing, nothing)
    found = {("POST", path) for path in (*module.SIGNALS, *module.PLAIN)} | {("GET", path) for path in edge._own}
    answered = {(route.method, route.path) for route in ROUTES if edge._handler(route.path, route.method)[0] != "core"}
    return found | answered


class _Nothing:
    """Stands for a core: making the routes must not need one."""

    def __getattr__(self, name: str) -> _Nothing:
        return self

    def __call__(self, *_: object, **__: object) -> _Nothing:
        return self


def _core() -> set[tuple[str, str]]:
    return set(_walk(_module("homeostat.web.app").create_app(_Nothing()), ""))


def _walk(app: Any, prefix: str) -> list[tuple[str, str]]:
    found = []
    for route in app.routes:
        path = prefix + route.path
        inner = getattr(route, "routes", None)
        if inner:
            found += _walk(route, path)
        elif getattr(route, "methods", None):
            # Starlette adds HEAD to every GET; the table treats them as one.
            found += [(method, path) for method in route.methods if (method, "GET" in route.methods) != ("HEAD", True)]
        else:
            found.append((type(route).__name__.upper(), path))  # a websocket or a mounted application: listed by nobody
    return found
