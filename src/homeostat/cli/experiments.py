"""`homeostat experiment`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The experiment.")]


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every experiment, newest first."""
    answer = client.get("/api/v1/experiments", {})
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("name", "state", "route", "releases", "measure", "started"),
        ((each["name"], each["state"], each["route"], _shares(each["shares"]), each["measure"], each["started"][:19])
         for each in answer["items"]),
    )  # fmt: skip


@app.command("start")
def start(
    name: Name,
    shares: Annotated[list[str], typer.Argument(help="RELEASE=SHARE …, the control first: A=50 B=50")],
    measure: Annotated[str, typer.Option(help="What decides: mean(score.relevance).")],
    route: Annotated[str, typer.Option(help="The route.")] = "default",
    direction: Annotated[str, typer.Option(help="up or down: which way is better.")] = "up",
    at_least: Annotated[float, typer.Option(help="The smallest difference that would matter.")] = 0.01,
    planned: Annotated[int, typer.Option(help="Users at which the interval is to be narrowest.")] = 5000,
    why: Annotated[str, typer.Option(help="Why; it stands in the audit log.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put users to releases by chance, from now on."""
    body = {
        "name": name, "shares": dict(map(_share, shares)), "measure": measure, "route": route, "direction": direction,
        "at_least": at_least, "planned": planned, "why": why,
    }  # fmt: skip
    told = client.post("/api/v1/experiments", body)
    if as_json:
        show.as_json(told)
        return
    typer.echo(f"{told['name']} runs on {told['route']}: {_shares(told['shares'])}")


@app.command("show")
def show_one(name: Name, as_json: AsJson = False) -> None:
    """How the releases do, each against the control; look as often as you like."""
    told = client.get(f"/api/v1/experiments/{name}", {})
    if as_json:
        show.as_json(told)
        return
    typer.echo(f"{told['name']} {told['state']} on {told['route']}, {told['measure']}")
    show.table(
        ("release", "users", "mean", "difference", "from", "to", "outcome"),
        ((arm["release"], arm["users"], _number(arm["mean"]), _number(arm["estimate"]), _number(arm["low"]),
          _number(arm["high"]), arm["outcome"] or "control") for arm in told["arms"]),
    )  # fmt: skip


@app.command("stop")
def stop(
    name: Name,
    to: Annotated[
        str, typer.Option(help="The release that gets the route; without it the winner, else the control.")
    ] = "",
    why: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """End it."""
    told = client.post(f"/api/v1/experiments/{name}/stop", {"to": to, "why": why})
    show.as_json(told) if as_json else typer.echo(_ended(told))


def _ended(told: dict[str, Any]) -> str:
    """What came of the route."""
    if told.get("left"):
        return (
            f"{told['name']} ended; {told['route']} was changed meanwhile and is left as it is: {_shares(told['left'])}"
        )
    return f"{told['name']} ended; {told['to']} serves {told['route']}"


def _share(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        share = float(value.removesuffix("%"))
    except ValueError:
        share = 0.0
    if not name or share <= 0:
        raise typer.BadParameter(f"{text!r} is not RELEASE=SHARE")
    return name, share


def _shares(told: dict[str, Any]) -> str:
    return " ".join(f"{name}={share:g}" for name, share in told.items())


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
