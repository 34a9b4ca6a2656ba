"""`homeostat audit`: who changed what."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson


def audit(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    cursor: Annotated[str, typer.Option(help="Only entries before this number; --json says it as `next`.")] = "",
    as_json: AsJson = False,
) -> None:
    """Who changed what in a project, newest first. A narrow terminal leaves out what was and is; --json has all."""
    answer = client.get("/api/v1/audit", {"limit": limit} | ({"cursor": cursor} if cursor else {}))
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("number", "at", "actor", "action", "subject", "before", "after"),
        (_row(item) for item in answer["items"]),
        right=("number",),
        spare=("before", "after"),
    )


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    before, after = (_short(item[name]) for name in ("before", "after"))
    return item["number"], item["at"][:19], item["actor"], item["action"], item["subject"], before, after


def _short(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)[:80]
