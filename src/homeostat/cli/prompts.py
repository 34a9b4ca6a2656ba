"""`homeostat prompt`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="The prompt.")]


@app.command("create")
def create(
    name: Named,
    file: Annotated[str, typer.Argument(help="A file with the template; - reads stdin. Variables are {{name}}.")],
    note: Annotated[str, typer.Option(help="What is new in it.")] = "",
    as_json: AsJson = False,
) -> None:
    """The next version of a prompt; the same text again is the same version."""
    answer = client.post("/api/v1/prompts", {"name": name, "template": text_of(file), "note": note})
    show.as_json(answer) if as_json else typer.echo(f"{answer['name']} version {answer['version']}")


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """The newest version of each prompt."""
    answer = client.get("/api/v1/prompts")
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("name", "version", "labels", "variables", "created", "author", "note"),
        (
            (item["name"], item["version"], ",".join(item["labels"]), ",".join(item["variables"]), item["created"][:19],
             item["author"], item["note"])
            for item in answer["items"]
        ),
    )  # fmt: skip


@app.command("show")
def show_one(
    name: Named,
    version: Annotated[str, typer.Option(help="A version's number or label; the newest without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """The text of a version."""
    parameters = {"version": version} if version else None
    answer = client.get(f"/api/v1/prompts/{quote(name, safe='')}", parameters)
    show.as_json(answer) if as_json else typer.echo(answer["template"])


@app.command("diff")
def diff(
    name: Named,
    old: Annotated[str, typer.Argument(help="A version's number or label.")],
    new: Annotated[str, typer.Argument(help="Another one's.")],
    as_json: AsJson = False,
) -> None:
    """What changed between two versions."""
    answer = client.get("/api/v1/prompts/diff", {"name": name, "from": old, "to": new})
    show.as_json(answer) if as_json else typer.echo("\n".join(answer["lines"]))


@app.command("label")
def label(
    name: Named,
    version: Annotated[int, typer.Argument(help="The version that gets the label.")],
    label: Annotated[str, typer.Argument(help="production, …")],
    as_json: AsJson = False,
) -> None:
    """Move a label to a version."""
    answer = client.post("/api/v1/prompts/labels", {"name": name, "label": label, "version": version})
    show.as_json(answer) if as_json else typer.echo(f"{label} is on {name} version {version}")


def text_of(file: str) -> str:
    """The text of a file, or of stdin."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise client.Refused(f"{file} cannot be read: {error}") from error
