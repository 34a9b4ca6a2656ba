"""`homeostat tail`."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

from homeostat.cli import client


def tail(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Live exchanges in the terminal, until Ctrl-C. Reconnects by itself and misses nothing."""
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
                    for line in response.iter_lines():
                        last = _line(line, last, as_json)
        except KeyboardInterrupt:
            return
        except (client.Unreachable, httpx2.TransportError):
            if not started:
                raise
            time.sleep(1)


def _line(line: str, last: str, as_json: bool) -> str:
    if line.startswith("id:"):
        return line[3:].strip()
    if line.startswith("data:"):
        text = line[5:].strip()
        if as_json:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        else:
            _show(json.loads(text))
    return last


def _show(item: dict[str, Any]) -> None:
    if "id" not in item:
        return
    console = Console(highlight=False)
    mark = {"ok": "●", "error": "▲"}.get(item.get("status", ""), "○")
    who, took = item.get("user_id") or "–", item.get("latency_ms") or 0
    console.print(f"{mark} {item['at'][11:19]}  {item.get('model') or '–'}  {who}  {took:,.0f} ms", markup=False)
    said = (("  ?", item.get("input")), ("  !", item.get("error") or item.get("output")))
    for who, text in said:
        console.print(f"{who} {(text or '–')[:160]}", markup=False, overflow="ellipsis", no_wrap=True)
