"""`homeostat incident`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="Its number, as `incident ls` shows it.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the timeline.")]


@app.command("ls")
def ls(
    state: Annotated[str, typer.Option(help="open, acknowledged, closed; several with commas.")] = "",
    severity: Annotated[str, typer.Option(help="watch, warning, critical; several with commas.")] = "",
    since: Annotated[str, typer.Option(help="Opened since: ISO 8601, or 7d.")] = "",
    as_json: AsJson = False,
) -> None:
    """Every incident, newest first."""
    asked = {"state": state, "severity": severity, "since": since}
    answer = client.get("/api/v1/incidents", {name: value for name, value in asked.items() if value})
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("id", "severity", "standing", "what", "cause", "owner"),
        ((each["id"], each["severity"], each["standing"], each["title"], each["cause"], each["owner"])
         for each in answer["items"]),
    )  # fmt: skip


@app.command("show")
def show_one(id: Id, as_json: AsJson = False) -> None:
    """The story of an incident as a page of text."""
    if as_json:
        show.as_json(client.get(f"/api/v1/incidents/{id}"))
        return
    with client.connect() as connection:
        answer = connection.get(f"/api/v1/incidents/{id}/story")
        if answer.status_code >= 400:
            client.checked(answer)
        typer.echo(answer.text, nl=False)


@app.command("ack")
def ack(id: Id, as_json: AsJson = False) -> None:
    """You look after it: nobody else is woken."""
    _changed(id, {"state": "acknowledged"}, as_json)


@app.command("silence")
def silence(
    id: Id,
    until: Annotated[str, typer.Argument(help="For how long (30m, 4h, 2d), or until when (ISO 8601); off: speak.")],
    as_json: AsJson = False,
) -> None:
    """Tell nobody anything about it for a while."""
    _changed(id, {"silenced_until": "" if until == "off" else until}, as_json)


@app.command("close")
def close(id: Id, why: Why = "", as_json: AsJson = False) -> None:
    """It is over, or never was."""
    _changed(id, {"state": "closed", "reason": why}, as_json)


@app.command("reopen")
def reopen(id: Id, why: Why = "", as_json: AsJson = False) -> None:
    """It was not over."""
    _changed(id, {"state": "open", "reason": why}, as_json)


@app.command("own")
def own(
    id: Id,
    owner: Annotated[str, typer.Argument(help="Who looks after it; '' for nobody.")],
    as_json: AsJson = False,
) -> None:
    """Whose it is."""
    _changed(id, {"owner": owner}, as_json)


@app.command("comment")
def comment(id: Id, text: Annotated[str, typer.Argument(help="Your words.")], as_json: AsJson = False) -> None:
    """Say something about it, for its timeline."""
    _told(client.post(f"/api/v1/incidents/{id}/comments", {"text": text}), as_json)


@app.command("merge")
def merge(
    id: Id, other: Annotated[int, typer.Argument(help="The one that is the same thing.")], as_json: AsJson = False
) -> None:
    """Two incidents are one: the other's findings come here, and it is closed."""
    _told(client.post(f"/api/v1/incidents/{id}/merge", {"incident": other}), as_json)


@app.command("split")
def split(
    id: Id,
    findings: Annotated[list[int], typer.Argument(help="Numbers of findings that are not of it.")],
    as_json: AsJson = False,
) -> None:
    """Some findings are something else: they become an incident of their own."""
    _told(client.post(f"/api/v1/incidents/{id}/split", {"findings": findings}), as_json)


def _changed(id: int, body: dict[str, Any], as_json: bool) -> None:
    _told(client.patch(f"/api/v1/incidents/{id}", body), as_json)


def _told(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show.as_json(answer)
        return
    typer.echo(f"#{answer['id']} · {answer['severity']} · {answer['standing']} · {answer['title']}")
