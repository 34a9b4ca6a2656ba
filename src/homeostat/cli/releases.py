"""`homeostat release`."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.prompts import text_of
from homeostat.cli.show import AsJson, JsonAnyway

app = typer.Typer(no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="The release.")]


@app.command("create")
def create(
    name: Named,
    model: Annotated[str, typer.Option(help="The model to ask; empty: as the request says.")] = "",
    model_version: Annotated[str, typer.Option(help="What the provider is expected to answer with.")] = "",
    endpoint: Annotated[str, typer.Option(help="An upstream of homeostat.toml; empty: the default one.")] = "",
    prompt: Annotated[str, typer.Option(help="NAME, NAME@VERSION or NAME@LABEL.")] = "",
    system: Annotated[str, typer.Option(help="A file with the system prompt; - reads stdin.")] = "",
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-p", help="temperature=0.2, …")] = None,
    fallback: Annotated[list[str] | None, typer.Option(help="A release to try when this one's upstream fails.")] = None,
    examples: Annotated[str, typer.Option(help="A JSON file: a list of {role, content}.")] = "",
    note: Annotated[str, typer.Option(help="What is new in it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a release; it never changes."""
    body: dict[str, Any] = {
        "name": name, "model": model, "model_version": model_version, "endpoint": endpoint, "note": note,
        "parameters": dict(_parameter(each) for each in parameter or ()), "fallbacks": fallback or [],
    }  # fmt: skip
    body |= {"prompt": _prompt(prompt)} if prompt else {}
    body |= {"system": text_of(system)} if system else {}
    body |= {"examples": _examples(examples)} if examples else {}
    answer = client.post("/api/v1/releases", body)
    show.as_json(answer) if as_json else typer.echo(f"{answer['name']} ({answer['digest']})")


@app.command("ls")
def ls(
    implicit: Annotated[
        bool | None, typer.Option("--implicit/--announced", help="Only those seen in traffic, or announced.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every release, newest first."""
    answer = client.get("/api/v1/releases", None if implicit is None else {"implicit": str(implicit).lower()})
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("name", "model", "prompt", "labels", "created", "author", "note"),
        (
            (item["name"], item["model"], _prompt_name(item), ",".join(item["labels"]), item["created"][:19],
             item["author"], item["note"])
            for item in answer["items"]
        ),
    )  # fmt: skip


@app.command("show")
def show_one(name: Named, as_json: JsonAnyway = False) -> None:
    """All of a release, as JSON."""
    show.as_json(client.get(f"/api/v1/releases/{quote(name, safe='')}"))


@app.command("label")
def label(
    name: Named,
    label: Annotated[str, typer.Argument(help="production, …; previous-good: what a rollback puts back.")],
    route: Annotated[str, typer.Option(help="With previous-good: this route only.")] = "",
    as_json: AsJson = False,
) -> None:
    """Move a label to a release."""
    body = {"release": name, "label": label} | ({"route": route} if route else {})
    answer = client.post("/api/v1/releases/labels", body)
    if as_json:
        show.as_json(answer)
        return
    routes = f"; a rollback of {', '.join(answer['routes'])} puts it back" if answer["routes"] else ""
    typer.echo(f"{label} is on {name}{routes}")


@app.command("diff")
def diff(
    old: Annotated[str, typer.Argument(help="A release's name or label.")],
    new: Annotated[str, typer.Argument(help="Another one's.")],
    as_json: AsJson = False,
) -> None:
    """What changed from one release to another."""
    answer = client.get("/api/v1/releases/diff", {"from": old, "to": new})
    if as_json:
        show.as_json(answer)
        return
    for change in answer["changes"]:
        if change.get("lines"):
            typer.echo(f"{change['field']}:")
            typer.echo("\n".join(f"  {line}" for line in change["lines"]))
        else:
            typer.echo(f"{change['field']}: {_short(change['from'])} -> {_short(change['to'])}")


def _prompt(text: str) -> dict[str, Any]:
    name, _, which = text.partition("@")
    if not which:
        return {"name": name}
    return {"name": name, "version": int(which)} if which.isdecimal() else {"name": name, "label": which}


def _prompt_name(item: dict[str, Any]) -> str:
    prompt = item["prompt"]
    return f"{prompt['name']}@{prompt['version']}" if prompt else ""


def _parameter(text: str) -> tuple[str, Any]:
    """`temperature=0.2`: the value is JSON where it can be, else text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _examples(file: str) -> Any:
    try:
        return json.loads(text_of(file))
    except ValueError as error:
        raise client.Refused(f"{file} is not JSON: {error}") from error


def _short(value: Any) -> str:
    return "–" if value in (None, "", []) else json.dumps(value, ensure_ascii=False)
