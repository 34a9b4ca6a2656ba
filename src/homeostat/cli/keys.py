"""`homeostat key`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from homeostat.cli import client, show

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for, in your words.")],
    scopes: Annotated[str, typer.Option(help="ingest, read, gateway, admin; several with commas.")] = "ingest",
    project: Annotated[str, typer.Option(help="The project it opens.")] = "default",
    days: Annotated[int | None, typer.Option(help="Days until it expires.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Make a key. It is shown once."""
    body = {"name": name, "scopes": scopes.split(","), "project": project, **({"days": days} if days else {})}
    answer = client.post("/api/v1/keys", body)
    if as_json:
        show.as_json(answer)
        return
    typer.echo(answer["key"])
    typer.echo(f"\nKept nowhere: store it now. Revoke it with `homeostat key revoke {answer['id']}`.", err=True)


@app.command("ls")
def ls(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every key, without its secret."""
    answer = client.get("/api/v1/keys")
    if as_json:
        show.as_json(answer)
        return
    columns = ("id", "name", "project", "scopes", "created", "last_used", "expires", "revoked")
    show.table(columns, ([_cell(item.get(column)) for column in columns] for item in answer["items"]))


def _cell(value: object) -> object:
    return ",".join(value) if isinstance(value, list) else value


@app.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="Its id, as `key ls` shows it.")]) -> None:
    """Shut a key out, within a second."""
    client.delete(f"/api/v1/keys/{quote(key, safe='')}")
    typer.echo(f"{key} revoked")
