"""`homeostat tail`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

from homeostat.cli import client


def tail(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Live exchanges in the terminal, and what is opened, changes and is found; until Ctrl-C. Reconnects by itself."""
    show = _as_json if as_json else _show
    last = ""
    started = False
    while True:
        try:
            with client.connect(timeout=None) as connection:  # type: ignore[arg-type]
                headers = {"last-event-id": last} if last else {}
                with connection.stream("GET", "/api/v1/live", headers=headers) as response:
                    if response.status_code >= 400:
                        response.read()
                        client.checked(response)
                    started = True
                    for id, kind, item in events(response.iter_lines()):
                        last = id or last
                        show(kind, item)
        except KeyboardInterrupt:
            return
        except (client.Unreachable, httpx2.TransportError):
            if not started:
                raise
            time.sleep(1)


def events(lines: Iterable[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Id, kind and data of each server-sent event."""
    id = kind = ""
    for line in lines:
        name, _, text = line.partition(":")
        if name == "id":
            id = text.strip()
        elif name == "event":
            kind = text.strip()
        elif name == "data":
            yield id, kind, json.loads(text)
        elif not line:
            id = kind = ""


def _as_json(kind: str, item: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"event": kind, **item}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _show(kind: str, item: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if kind == "exchange":
        _exchange(console, item)
    elif kind == "incident":
        told = f"■ {item['opened_at'][11:19]}  incident {item['id']}  {item['severity']}  {item['standing']}"
        console.print(f"{told}\n  {item['title']}", markup=False)
    elif kind == "verdict":
        console.print(f"■ action {item['action']}: {item['outcome']}\n  {item['said']}", markup=False)
    elif kind == "gap":
        console.print("… some were left out: more came than could be sent", markup=False)


def _exchange(console: Console, item: dict[str, Any]) -> None:
    mark = {"ok": "●", "error": "▲"}.get(item.get("status", ""), "○")
    who, took = item.get("user_id") or "–", item.get("latency_ms")
    spent = "–" if took is None else f"{took:,.0f} ms"
    console.print(f"{mark} {item['at'][11:19]}  {item.get('model') or '–'}  {who}  {spent}", markup=False)
    said = (("  ?", item.get("input")), ("  !", item.get("error") or item.get("output")))
    for who, text in said:
        console.print(f"{who} {(text or '–')[:160]}", markup=False, overflow="ellipsis", no_wrap=True)
