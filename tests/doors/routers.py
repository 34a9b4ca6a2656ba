"""The routes that edge and core really have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import routing

from homeostat.config import Settings
from homeostat.doors.routes import ROUTES
from homeostat.loop import edge as edge_process
from homeostat.store.folder import Folder
from homeostat.web.app import create_app


def actual_routes(server: str) -> set[tuple[str, str]]:
    """(method, path) of every route of a process, mounts and websockets too."""
    return _edge() if server == "edge" else _core()


def _edge() -> set[tuple[str, str]]:
    """Its own tables, and whatever listed route it answers instead of handing it on."""
    nothing = _Nothing()
    edge = edge_process.Edge(Settings(), nothing, nothing, nothing)
    found = {("POST", path) for path in (*edge_process.SIGNALS, *edge_process.PLAIN)} | {
        ("GET", path) for path in edge._own
    }
    answered = {(route.method, route.path) for route in ROUTES if edge._handler(route.path, route.method)[0] != "core"}
    return found | answered


class _Nothing:
    """Stands for a core: making the routes must not need one."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: object, **__: object) -> _Nothing:
        return self


def walked(app: Any) -> set[tuple[str, str]]:
    """(method, path) of every route of a FastAPI application; what is no plain route shows with its type as method."""
    return set(_walk(app.router, ""))


def _core() -> set[tuple[str, str]]:
    core = _Nothing()
    core.settings = Settings(clock="world")  # with every route that a setting can add
    core.folder = Folder(Path("nowhere"))
    return walked(create_app(core))


def _walk(app: Any, prefix: str) -> list[tuple[str, str]]:
    # This FastAPI keeps included routers as branches and has an iterator over their leaves; others are flat.
    leaves = getattr(routing, "iter_route_contexts", iter)
    found = []
    for leaf in (*leaves(app.routes), *getattr(app, "_low_priority_routes", ())):
        route = getattr(leaf, "original_route", leaf)
        path, methods = prefix + str(leaf.path), getattr(leaf, "methods", None)
        if getattr(route, "routes", None):
            found += _walk(route, path)
        elif methods:
            # Starlette adds HEAD to every GET; the table treats them as one.
            found += [(method, path) for method in methods if method != "HEAD" or "GET" not in methods]
        else:
            found.append((type(route).__name__.upper(), path))  # a websocket or a mounted application: listed by nobody
    return found
