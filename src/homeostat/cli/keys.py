"""`homeostat key`."""

from __future__ import annotations

import math
from typing import Annotated
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for, in your words.")],
    scopes: Annotated[str, typer.Option(help="ingest, read, gateway, admin; several with commas.")] = "ingest",
    project: Annotated[str, typer.Option(help="The project it opens.")] = "default",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; none: never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once."""
    body = {"name": name, "scopes": scopes.split(","), "project": project, **({} if days is None else {"days": days})}
    answer = client.post("/api/v1/keys", body)
    if as_json:
        show.as_json(answer)
        return
    typer.echo(answer["key"])
    typer.echo(f"\nKept nowhere: store it now. Revoke it with `homeostat key revoke {answer['id']}`.", err=True)


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every key, without its secret."""
    answer = client.get("/api/v1/keys")
    if as_json:
        show.as_json(answer)
        return
    columns = ("id", "name", "project", "scopes", "created", "last_used", "expires", "revoked")
    show.table(columns, ([_cell(item.get(column)) for column in columns] for item in answer["items"]))


def _cell(value: object) -> object:
    return ",".join(value) if isinstance(value, list) else value


@app.command("limit")
def limit(
    key: Annotated[str, typer.Argument(help="Its id; * for every key of the project without limits of its own.")],
    requests_per_minute: Annotated[int | None, typer.Option(help="Calls through the gateway; 0: no limit.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(help="Of all its calls; 0: no limit.")] = None,
    tokens_per_day: Annotated[int | None, typer.Option(help="Of all its calls, by UTC day; 0: no limit.")] = None,
    usd_per_day: Annotated[float | None, typer.Option(help="Of all its calls, by UTC day; 0: no limit.")] = None,
    project: Annotated[str, typer.Option(help="For *: the project. A key has its own.")] = "default",
    as_json: AsJson = False,
) -> None:
    """What a key may use of the gateway. What is not named stays."""
    project = project if key == "*" else _project_of(key)
    if usd_per_day is not None and not math.isfinite(usd_per_day):
        raise typer.BadParameter("--usd-per-day is an amount, such as 2.5")
    wanted = {
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "tokens_per_day": tokens_per_day,
        "usd_per_day": usd_per_day,
    }
    items = client.get("/api/v1/projects")["items"]
    limits = next((item["settings"].get("limits") or {} for item in items if item["name"] == project), {})
    own = {**limits.get(key, {}), **{name: value for name, value in wanted.items() if value is not None}}
    limits = {**limits, key: {name: value for name, value in own.items() if value}}
    body = {"settings": {"limits": {name: some for name, some in limits.items() if some} or None}}
    with client.connect() as connection:
        client.checked(connection.patch(f"/api/v1/projects/{quote(project, safe='')}", json=body))
    if as_json:
        show.as_json({"key": key, "project": project, "limits": limits[key]})
        return
    typer.echo(f"{key}: {_in_a_line(limits[key])}")


def _project_of(key: str) -> str:
    for item in client.get("/api/v1/keys")["items"]:
        if item["id"] == key:
            return str(item["project"])
    raise client.Refused(f"There is no key {key}. Its id stands in: homeostat key ls")


def _in_a_line(limits: dict[str, float]) -> str:
    return ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in limits.items()) or "no limits"


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, as `key ls` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Shut a key out, within a second."""
    client.delete(f"/api/v1/keys/{quote(key, safe='')}")
    if as_json:
        show.as_json({"id": key, "revoked": True})
        return
    typer.echo(f"{key} revoked")
