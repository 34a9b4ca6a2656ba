"""`/api/v1/status` (what `homeostat doctor` shows) and `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from homeostat.web.accounting import Spooled, told
from homeostat.web.asked import Core, Json, core_of, visitor_of, work

router: Final = APIRouter(tags=["health"])
_HIDDEN: Final = "It fails. The operator's key, or the log of the core, says why."
_LABEL: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@router.get("/api/v1/status")
async def status(request: Request) -> Response:
    """Is everything alive, and how far behind is the loader?"""
    core, visitor = core_of(request), visitor_of(request)
    told = await work(request, lambda: _status(core))
    return Json(told if visitor.operator else _of(visitor.project, _without_details(told)))


def _status(core: Core) -> dict[str, Any]:
    stores = {
        "warehouse": _alive(lambda: core.warehouse.ask("SELECT 1 AS one")),
        "ledger": _alive(core.ledger.revision),
    }
    return core.state() | {"stores": stores}


def _of(project: str, told: dict[str, Any]) -> dict[str, Any]:
    """What is told about scorers, monitors and channels, of one project only."""

    def mine(named: dict[str, Any]) -> dict[str, Any]:
        """Names are `project`, or `project/name`."""
        return {name: each for name, each in named.items() if name.partition("/")[0] == project}

    scoring, watching = dict(told.get("scoring") or {}), dict(told.get("watching") or {})
    if "silent" in scoring:
        scoring["silent"] = mine(scoring["silent"])
        scoring["judge"] = scoring["judge"] | {part: mine(scoring["judge"][part]) for part in ("spent", "idle")}
    if "telling" in watching:
        watching |= {part: mine(watching[part]) for part in ("telling", "monitors_refused")}
    parts = {"scoring": scoring, "watching": watching}
    return told | {name: part for name, part in parts.items() if part}


def _without_details(told: dict[str, Any]) -> dict[str, Any]:
    """What went wrong may quote the engine, paths and names of other projects: others learn only that it did."""
    scoring = [part for part in told.get("scoring", {}).values() if isinstance(part, dict)]
    troubled = [told["loader"], *told.get("jobs", ()), *scoring, *told.get("watching", {}).get("steps", ())]
    for part in troubled:
        if part.get("error"):
            part["error"] = _HIDDEN
    return told | {name: _HIDDEN for name in ("ledger_damage", "keys_problem") if told.get(name)}


def _alive(probe: Any) -> dict[str, Any]:
    try:
        probe()
    except Exception as problem:  # whatever is wrong with a store, the page that says so must come
        return {"ok": False, "detail": f"{type(problem).__name__}: it does not answer"}
    return {"ok": True, "detail": "answers"}


@router.get("/readyz", include_in_schema=False)
async def ready(request: Request) -> Response:
    """Whether questions can be answered. Says no more: anybody may ask."""
    told = await work(request, lambda: _status(core_of(request)))
    well = bool(told["loader"]["alive"]) and all(store["ok"] for store in told["stores"].values())
    return Json({"ready": well}, 200 if well else 503, headers=None if well else {"retry-after": "1"})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """The same as numbers, for Prometheus."""
    core, project = core_of(request), visitor_of(request).project
    spooled: Spooled = request.app.state.spooled
    state, account = await work(request, lambda: (core.state(), told(core, spooled, project)))
    text = "".join(_lines(state, account, project))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _lines(state: dict[str, Any], account: dict[str, Any], project: str) -> Iterator[str]:
    loader = state.get("loader", {})
    for name, says, value in (
        ("up_seconds", "Seconds since the core started.", state.get("uptime_seconds", 0)),
        ("loader_alive", "1 while the loader runs.", int(bool(loader.get("alive")))),
        ("loader_behind_seconds", "Age of the oldest segment that waits.", loader.get("behind_seconds", 0)),
        ("loader_segments_waiting", "Segments that wait.", loader.get("segments_waiting", 0)),
        ("loader_bytes_waiting", "Bytes that wait.", loader.get("bytes_waiting", 0)),
    ):
        yield f"# HELP homeostat_{name} {says}\n# TYPE homeostat_{name} gauge\nhomeostat_{name} {value}\n"
    yield "# HELP homeostat_items Items of the project by what became of them.\n# TYPE homeostat_items gauge\n"
    for kind in ("received", "stored", "waiting", "expired", "erased"):
        yield f'homeostat_items{{project="{project}",kind="{kind}",reason=""}} {account[kind]}\n'
    for reason, items in account["rejected"].items():
        named = str(reason).translate(_LABEL)
        yield f'homeostat_items{{project="{project}",kind="rejected",reason="{named}"}} {items}\n'
