"""`homeostat notifier`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="The channel.")]


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every channel, and how telling goes."""
    answer = client.get("/api/v1/notifiers")
    if as_json:
        show.as_json(answer)
        return
    columns = ("name", "kind", "state", "severity", "sent", "waiting", "dead", "problem")
    show.table(columns, ([item.get(column) for column in columns] for item in answer["items"]))


@app.command("kinds")
def kinds(as_json: AsJson = False) -> None:
    """What there is: Slack, PagerDuty, e-mail, a webhook, GitHub, Apprise; and their settings."""
    answer = client.get("/api/v1/notifiers/kinds")
    if as_json:
        show.as_json(answer)
        return
    for kind, about in answer.items():
        typer.echo(f"{kind}: {about['means']}")
        for name, each in about["settings"].items():
            more = " (secret)" if each["secret"] else "" if each["needed"] else f" ({each['default']})"
            typer.echo(f"  {name:<12} {each['says']}{more}")


@app.command("set")
def put(
    name: Named,
    kind: Annotated[
        str,
        typer.Argument(help="slack, pagerduty, email, webhook, github, apprise; of a channel that is there its own."),
    ] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option("--setting", "-s", help="NAME=VALUE; NAME=@FILE or NAME=env:VARIABLE keep secrets out of sight."),
    ] = None,
    severity: Annotated[str, typer.Option(help="watch, warning or critical: this grave or worse.")] = "",
    every: Annotated[
        float | None, typer.Option(help="Seconds between two messages; what comes meanwhile is grouped.")
    ] = None,
    quiet: Annotated[str, typer.Option(help="22:00-07:00 or 22:00-07:00@Europe/Berlin: then only critical. off.")] = "",
    escalate: Annotated[str, typer.Option(help="CHANNEL@MINUTES: whom to tell when nobody acknowledges. off.")] = "",
    only_escalations: Annotated[bool | None, typer.Option(help="It hears of nothing but escalations.")] = None,
    off: Annotated[bool | None, typer.Option("--off/--on", help="Keep it, tell nothing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make or change a channel. What is left out stays as it is."""
    body: dict[str, Any] = {"settings": _settings(setting or [])} | ({"kind": kind} if kind else {})
    body |= {"severity": severity} if severity else {}
    body |= {} if every is None else {"every": every}
    body |= {"quiet": _quiet(quiet)} if quiet else {}
    body |= _escalation(escalate) if escalate else {}
    body |= {} if only_escalations is None else {"only_escalations": only_escalations}
    body |= {} if off is None else {"state": "off" if off else "on"}
    with client.connect() as connection:
        answer = client.checked(connection.put(f"/api/v1/notifiers/{quote(name, safe='')}", json=body))
    if as_json:
        show.as_json(answer)
        return
    typer.echo(f"{name} is set; try it: homeostat notifier test {name}")


@app.command("test")
def test(name: Named, as_json: AsJson = False) -> None:
    """Send a test message. Exit 1 when it does not arrive."""
    answer = client.post(f"/api/v1/notifiers/{quote(name, safe='')}/test", {})
    if as_json:
        show.as_json(answer)
    else:
        typer.echo("sent" if answer["ok"] else f"not sent: {answer['error']}")
    if not answer["ok"]:
        raise typer.Exit(1)


@app.command("rm")
def rm(name: Named, as_json: AsJson = False) -> None:
    """Forget a channel."""
    answer = client.delete(f"/api/v1/notifiers/{quote(name, safe='')}")
    show.as_json(answer) if as_json else typer.echo(f"{name} removed")


def _settings(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE")
        value = _value(value)
        found[name] = [*_listed(found[name]), value] if name in found else value
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value(text: str) -> str:
    try:
        if text.startswith("@"):
            return Path(text[1:]).read_text(encoding="utf-8").strip()
        return os.environ[text[4:]] if text.startswith("env:") else text
    except (OSError, KeyError) as error:
        raise typer.BadParameter(f"{text} cannot be read: {error}") from error


def _quiet(text: str) -> dict[str, str] | None:
    if text == "off":
        return None
    hours, _, zone = text.partition("@")
    since, _, until = hours.partition("-")
    return {"since": since, "until": until, "zone": zone or "UTC"}


def _escalation(text: str) -> dict[str, Any]:
    if text == "off":
        return {"escalate_to": "", "escalate_after": 0}
    channel, _, minutes = text.partition("@")
    try:
        return {"escalate_to": channel, "escalate_after": float(minutes)}
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not CHANNEL@MINUTES") from error
