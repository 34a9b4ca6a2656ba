"""`homeostat exchanges`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.data import Kind, Out, Since, Where, narrowed
from homeostat.cli.data import export as export_file
from homeostat.cli.show import AsJson, JsonAnyway

app = typer.Typer(no_args_is_help=True)


@app.command("ls")
def ls(
    where: Where = None,
    since: Since = "",
    kind: Kind = "answer",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest exchanges. A narrow terminal leaves out ids; --json and pipes have everything."""
    parameters = [*narrowed(where, kind), ("limit", str(limit)), *([("from", since)] if since else [])]
    answer = client.get("/api/v1/exchanges", parameters)
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("at", "id", "model", "user", "ms", "tokens", "cost", "status", "input", "output"),
        (_row(item) for item in answer["items"]),
        right=("ms", "tokens", "cost"),
        spare=("id", "user", "output"),
    )


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    tokens = None if item["input_tokens"] is None else f"{item['input_tokens']}→{item['output_tokens'] or 0}"
    return (
        item["at"][:19],
        item["id"],
        item["model"],
        item["user_id"],
        item["latency_ms"],
        tokens,
        item["cost"],
        item["status"],
        (item["input"] or "")[:60],
        (item["output"] or "")[:60],
    )


@app.command("get")
def get(exchange: str, as_json: JsonAnyway = False) -> None:
    """One exchange, whole, as JSON."""
    show.as_json(client.get(f"/api/v1/exchanges/{quote(exchange, safe='')}"))


@app.command("export")
def export(
    out: Out = None,
    where: Where = None,
    since: Since = "",
    kind: Kind = "answer",
) -> None:
    """The exchanges of a filter as JSONL, CSV or Parquet."""
    export_file(out=out, where=where, since=since, kind=kind)
