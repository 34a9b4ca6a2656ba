"""The HTTP API of the core. Nobody reaches a route without passing the guard, which is part of the application."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

import anyio
from fastapi import APIRouter, FastAPI

from homeostat.doors.guard import Guard
from homeostat.store import control
from homeostat.web import (
    accounting,
    actions,
    audit,
    clock,
    datasets,
    errors,
    exchanges,
    experiments,
    export,
    health,
    incidents,
    keys,
    live,
    measures,
    monitors,
    notifiers,
    pages,
    policies,
    prompts,
    releases,
    scorers,
    traces,
    verdicts,
)
from homeostat.web.asked import Core, Json
from homeostat.web.headers import SafeHeaders
from homeostat.web.openapi import Documented

__all__ = ["Core", "create_app"]

#: A fixed path stands before the pattern that would take it.
_ROUTERS: Final[tuple[APIRouter, ...]] = (
    export.router, exchanges.router, traces.router, live.router, measures.router, accounting.router, health.router,
    keys.router, releases.router, incidents.router, notifiers.router, prompts.router, policies.router, scorers.router,
    audit.router, actions.router, verdicts.router, experiments.router, datasets.router, monitors.router,
    pages.router,
)  # fmt: skip


def create_app(core: Core) -> FastAPI:
    """The API over a core."""
    app = Documented(
        title="Homeostat", version=version("homeostat"), openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        redirect_slashes=False, default_response_class=Json,
    )  # fmt: skip
    app.state.core = core
    # Every reader of the warehouse may be busy, and as many questions wait beside them: more wait at the door.
    app.state.threads = anyio.CapacityLimiter(2 * core.settings.readers + 2)
    app.state.live = live.Live(core, anyio.CapacityLimiter(1))
    app.state.spooled = accounting.Spooled(core.folder.spool)
    for router in _ROUTERS:
        app.include_router(router)
    if core.settings.clock == "world":
        app.include_router(clock.router)
    errors.install(app)
    app.add_middleware(Guard, snapshot=control.Reader(core.folder.control), settings=core.settings)
    app.add_middleware(SafeHeaders)
    return app
