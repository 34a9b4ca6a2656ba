"""`homeostat scorer`: which scorers a project has, what they did lately, and what they would say."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.data import pairs
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The scorer's name.")]
Kind = Annotated[str, typer.Option(help="Its kind: see homeostat scorer kinds.")]
Given = Annotated[list[str] | None, typer.Option("--set", help="A setting: NAME=VALUE; lists and numbers as JSON.")]
Where = Annotated[list[str] | None, typer.Option("--where", "-w", help="Only exchanges like these: model=gpt-4o.")]
Share = Annotated[float, typer.Option(min=0.0001, max=1, help="Of the exchanges that the filters let through.")]
Unit = Annotated[str, typer.Option(help="exchange, trace or session.")]


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every scorer with its coverage of 24 hours beside its mean."""
    answer = client.get("/api/v1/scorers")
    if as_json:
        show.as_json(answer)
        return
    columns = ("scorer", "rung", "unit", "state", "share", "coverage", "mean", "low", "high", "scored", "last score")
    show.table(columns, (_row(item) for item in answer["items"]), right=columns[4:10], spare=("unit", "share"))


@app.command("kinds")
def list_kinds(as_json: AsJson = False) -> None:
    """What a scorer can be."""
    answer = client.get("/api/v1/scorers/kinds")
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("kind", "rung", "dimension", "measures"),
        ((item["kind"], item["rung"], item["dimension"], item["means"]) for item in answer["items"]),
    )


@app.command("card")
def card(kind: Annotated[str, typer.Argument(help="The kind.")], as_json: AsJson = False) -> None:
    """What a kind of scorer measures, what it misses, and its settings."""
    found = [item for item in client.get("/api/v1/scorers/kinds")["items"] if item["kind"] == kind]
    if not found:
        raise client.Refused(f"there is no kind {kind}; homeostat scorer kinds lists them")
    if as_json:
        show.as_json(found[0])
        return
    for name in ("kind", "rung", "dimension", "means", "misses"):
        typer.echo(f"{name:<10} {found[0][name] or '–'}")
    if found[0]["needs"]:
        typer.echo(f"{'needs':<10} the attribute {found[0]['needs']} of the exchange")
    for name, default in found[0]["settings"].items():
        typer.echo(f"  {name} = {json.dumps(default, ensure_ascii=False)}")


@app.command("show")
def show_one(name: Name, as_json: AsJson = False) -> None:
    """One scorer, its versions, and the history that it was let loose on."""
    answer = client.get(_path(name))
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("version", "kind", "settings", "filters", "share", "created", "by"),
        (
            (each["scorer"], each["kind"], json.dumps(each["settings"], ensure_ascii=False), each["filters"],
             each["share"], each["created"][:19], each["author"])
            for each in answer["versions"]
        ),
    )  # fmt: skip
    for past in answer["history"]:
        why = f" ({past['why']})" if past["why"] else ""
        typer.echo(
            f"history {past['from'][:19]} to {past['to'][:19]}: {past['state']}, {int(100 * past['progress'])}%{why}"
        )


@app.command("add")
def add(
    name: Name,
    kind: Kind = "",
    settings: Given = None,
    where: Where = None,
    share: Share = 1.0,
    unit: Unit = "exchange",
    as_json: AsJson = False,
) -> None:
    """Have a scorer; another one of a name that is there is its next version."""
    body = {"name": name} | _wanted(kind or name, settings, where, share, unit)
    answer = client.post("/api/v1/scorers", body)
    if as_json:
        show.as_json(answer)
        return
    typer.echo(f"{answer['scorer']} is {answer['state']}")
    _tell(answer["needs"])


@app.command("test")
def try_one(
    kind: Annotated[str, typer.Argument(help="The kind to try: see homeostat scorer kinds.")],
    settings: Given = None,
    where: Where = None,
    unit: Unit = "exchange",
    limit: Annotated[int, typer.Option(min=1, max=200, help="Newest exchanges to try it on; 20 for a judge.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What would it have said? Tried on the newest exchanges, nothing is stored."""
    with client.connect(timeout=600) as connection:
        body = _wanted(kind, settings, where, 1.0, unit) | {"limit": limit}
        answer = client.checked(connection.post("/api/v1/scorers/test", json=body))
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("value", "label", "output", "reason"),
        ((item["value"], item["label"], item["output"], item["reason"]) for item in answer["items"]),
        right=("value",),
    )
    cost = answer["estimate"]
    mean, took = show.text(answer["mean"]), answer["seconds"]
    typer.echo(
        f"{answer['scored']} scored, {answer['unscored']} not, mean {mean}, {took} s; "
        f"a day like the last: {cost['scored_a_day']} {cost['unit']}s, {cost['usd_a_day']} USD"
    )
    _tell(answer["needs"])


@app.command("pause")
def pause(name: Name, as_json: AsJson = False) -> None:
    """Let a scorer rest."""
    _change(name, "paused", as_json)


@app.command("resume")
def resume(name: Name, as_json: AsJson = False) -> None:
    """Let a paused scorer go on, with what comes from now on."""
    _change(name, "on", as_json)


@app.command("backfill")
def backfill(
    name: Name,
    since: Annotated[str, typer.Option(help="From when: 24h, 7d, 2026-11-20T10:00:00Z.")] = "24h",
    to: Annotated[str, typer.Option(help="Until when; now without it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Begin without asking.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score the past: says first how many exchanges, how long and what it costs. With --json it asks nothing: without
    --yes that is all that it does."""
    path, body = f"{_path(name)}/backfill", {"from": since, "to": to}
    answer = client.post(path, body)
    if as_json and not yes:
        show.as_json(answer)
        return
    if not as_json:
        cost = answer["estimate"]
        typer.echo(
            f"{cost['scored']} of {cost['exchanges']} {cost['unit']}s, about {cost['seconds']} s, {cost['usd']} USD"
        )
    if not yes and not typer.confirm("Begin?"):
        return
    answer = client.post(path, body | {"start": True})
    while wait and _goes_on(name):
        time.sleep(1)
    if as_json:
        show.as_json(answer)


def _tell(needs: str) -> None:
    """What is missing, beside the answer."""
    if needs:
        typer.echo(f"homeostat: {needs}", err=True)


def _goes_on(name: str) -> bool:
    """Whether something of its history is being done. Raises Refused when it waits for somebody."""
    left = [past for past in client.get(_path(name))["history"] if past["state"] != "done"]
    for past in left:
        if past["why"]:
            raise client.Refused(past["why"])
    return bool(left)


def _change(name: str, state: str, as_json: bool) -> None:
    answer = client.patch(_path(name), {"state": state})
    show.as_json(answer) if as_json else typer.echo(f"{answer['scorer']} is {answer['state']}")


def _path(name: str) -> str:
    return f"/api/v1/scorers/{quote(name, safe='')}"


def _wanted(kind: str, settings: list[str] | None, where: list[str] | None, share: float, unit: str) -> dict[str, Any]:
    return {
        "kind": kind, "settings": {key: _value(value) for key, value in pairs(settings)},
        "filters": pairs(where), "share": share, "unit": unit,
    }  # fmt: skip


def _value(text: str) -> Any:
    """Lists, numbers and truth values as JSON; anything else is a text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if value is None or isinstance(value, dict) else value


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    state = "silent" if item["silent"] else "broken" if item["problem"] else item["state"]
    covered = None if item["coverage"] is None else f"{item['coverage']:.0%}"
    last = item["last_score"][:19] if item["last_score"] else None
    return (
        item["scorer"], item["rung"], item["unit"], state, item["share"], covered, item["mean"], item["low"],
        item["high"], item["scored"], last,
    )  # fmt: skip
