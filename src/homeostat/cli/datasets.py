"""`homeostat dataset`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson, JsonAnyway

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The dataset.")]
Version = Annotated[int, typer.Option("--version", help="Which version; the newest without it.")]


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """The newest version of each."""
    answer = client.get("/api/v1/datasets", {})
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("name", "version", "items", "created", "by", "note"),
        ((each["name"], each["version"], each["items"], each["created"][:19], each["author"], each["note"])
         for each in answer["items"]),
    )  # fmt: skip


@app.command("show")
def show_one(
    name: Name,
    version: Version = 0,
    as_json: JsonAnyway = False,
) -> None:
    """One version, where its items came from, and which versions there are, as JSON."""
    show.as_json(client.get(f"/api/v1/datasets/{name}", {"version": str(version)} if version else {}))


@app.command("collect")
def collect(
    name: Name,
    where: Annotated[list[str], typer.Argument(help="FILTER=VALUE …: release=B score.groundedness.lt=0.5")],
    good: Annotated[bool | None, typer.Option("--good/--failing", help="What is known about them all.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 2_000,
    balance: Annotated[bool, typer.Option("--balance", help="As many good ones as failing ones.")] = False,
    raw: Annotated[bool, typer.Option("--no-redact", help="Leave personal data in.")] = False,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take exchanges into the next version."""
    filters: dict[str, list[str]] = {}
    for each in where:
        key, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each!r} is not FILTER=VALUE")
        filters.setdefault(key, []).append(value)
    body = {
        "name": name, "exchanges": filters, "good": good, "limit": limit, "balance": balance, "redact": not raw,
        "note": note,
    }  # fmt: skip
    _made(body, as_json)


@app.command("add")
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(help="JSON lines: input, output, ideal, documents, good …")],
    replace: Annotated[bool, typer.Option("--replace", help="Instead of the items of the version before.")] = False,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take items of a file into the next version."""
    try:
        items = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as problem:
        raise typer.BadParameter(f"{file}: {problem}") from None
    _made({"name": name, "items": items, "add": not replace, "note": note}, as_json)


@app.command("export")
def export(
    name: Name,
    shape: Annotated[str, typer.Option("--format", help="jsonl, chat (fine-tuning), preferences (pairs).")] = "jsonl",
    version: Version = 0,
) -> None:
    """JSON lines, to standard output."""
    asked = {"format": shape} | ({"version": str(version)} if version else {})
    with client.connect() as connection:
        answer = connection.get(f"/api/v1/datasets/{name}/export", params=asked)
        if answer.status_code >= 400:
            client.checked(answer)
        sys.stdout.write(answer.text)
        if left_out := int(answer.headers.get("x-homeostat-left-out", 0)):
            why = "in no pair of a better and a failing answer" if shape == "preferences" else "failing, or no answer"
            typer.echo(f"left out: {left_out} items ({why})", err=True)


@app.command("forget")
def forget(
    user: Annotated[str, typer.Option(help="Everything that this user asked.")] = "",
    exchange: Annotated[list[str] | None, typer.Option(help="This exchange, by its id; several times.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take a person's exchanges out of every version of every dataset, for good."""
    told = client.post("/api/v1/datasets/forget", {"user": user, "exchanges": exchange or []})
    if as_json:
        show.as_json(told)
        return
    typer.echo(f"{told['items']} items are gone, of {told['exchanges']} exchanges")


def _made(body: dict[str, Any], as_json: bool) -> None:
    told = client.post("/api/v1/datasets", body)
    if as_json:
        show.as_json(told)
        return
    typer.echo(f"{told['name']} version {told['version']}: {told['items']} items")
