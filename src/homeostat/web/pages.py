"""The pages of the core itself: what this is, and the list of routes. Nothing they need comes from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from homeostat.web.errors import not_found

router: Final = APIRouter(include_in_schema=False)
_DOCS: Final = files("homeostat.web") / "docs"
_ASSETS: Final = {"docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8"}
_FIRST: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Homeostat</title>
<link rel="stylesheet" href="/api/docs/docs.css">
<h1>Homeostat is running</h1>
<p>Point <code>OTEL_EXPORTER_OTLP_ENDPOINT</code> at this address and traces arrive.</p>
<p><a href="/api/docs">The API</a></p></html>
"""


@router.get("/")
async def first() -> Response:
    """What this is."""
    return HTMLResponse(_FIRST)


@router.get("/api/docs")
async def docs() -> Response:
    """The list of routes, for people."""
    return HTMLResponse((_DOCS / "index.html").read_bytes())


@router.get("/api/docs/{asset}")
async def asset(asset: str) -> Response:
    """What the list needs; only these names exist."""
    if asset not in _ASSETS:
        return not_found("file")
    return Response((_DOCS / asset).read_bytes(), media_type=_ASSETS[asset])
