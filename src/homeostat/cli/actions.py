"""`homeostat action`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="Its number, as `action ls` shows it.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for timeline and audit log.")]


@app.command("ls")
def ls(
    incident: Annotated[int, typer.Option(help="Only those about this incident.")] = 0,
    state: Annotated[str, typer.Option(help="proposed, done …; several with commas.")] = "",
    as_json: AsJson = False,
) -> None:
    """Every action, newest first."""
    asked = {"incident": str(incident) if incident else "", "state": state}
    answer = client.get("/api/v1/actions", {name: value for name, value in asked.items() if value})
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("id", "state", "answer", "remedy", "incident", "by", "verdict", "why"),
        ((each["id"], each["state"], each["answer"], each["remedy"], each["incident"] or "", each["by"],
          each["verdict"] or "", each["why"][:80]) for each in answer["items"]),
    )  # fmt: skip


@app.command("show")
def show_one(id: Id, as_json: AsJson = False) -> None:
    """What it does, what it expects, what came of it; for a proposal what it would change."""
    told = client.get(f"/api/v1/actions/{id}")
    if as_json:
        show.as_json(told)
        return
    typer.echo(told["said"])
    typer.echo(f"Expects: {told['expectation']}")
    if told["tried"]:
        typer.echo(told["tried"])
    for verdict in told["verdicts"]:
        typer.echo(f"Verdict: {verdict['said']}")
    if told.get("preview"):
        typer.echo(f"Would change: {json.dumps(told['preview'], ensure_ascii=False, indent=2)}")


@app.command("propose")
def propose(
    remedy: Annotated[str, typer.Argument(help="rollback, fallback, block … (`action remedies`).")],
    parameters: Annotated[str, typer.Option("--with", help="Its parameters, as JSON.")] = "{}",
    expect: Annotated[str, typer.Option(help="What must be seen: 'mean(score.relevance) up 0.05 by 24h'.")] = "",
    why: Why = "",
    incident: Annotated[int, typer.Option(help="The incident that it answers.")] = 0,
    answer: Annotated[str, typer.Option(help="Which answer it is, where the remedy does not say.")] = "",
    approve: Annotated[bool, typer.Option("--do", help="Do it now.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """An action by hand. It says what it expects, or it is not made."""
    body = {
        "remedy": remedy, "parameters": _json(parameters), "expects": _expects(expect), "why": why,
        "incident": incident, "answer": answer, "approve": approve, "dry_run": dry_run,
    }  # fmt: skip
    told = client.post("/api/v1/actions", body)
    if as_json:
        show.as_json(told)
        return
    show.as_json(told["preview"]) if dry_run else typer.echo(f"{told['id']}: {told['said']}")


@app.command("remedies")
def remedies(as_json: AsJson = False) -> None:
    """What can be done."""
    answer = client.get("/api/v1/actions/remedies", {})
    if as_json:
        show.as_json(answer)
        return
    show.table(
        ("remedy", "answer", "parameters", "what"),
        ((each["name"], each["answer"] or "", " ".join(each["parameters"]), each["says"]) for each in answer["items"]),
    )


@app.command("set")
def change(
    id: Id, parameters: Annotated[str, typer.Argument(help="Parameters, as JSON.")], as_json: AsJson = False
) -> None:
    """Fill in what a proposal lacks."""
    _said(client.patch(f"/api/v1/actions/{id}", {"parameters": _json(parameters)}), as_json)


@app.command("replay")
def replay(
    id: Id,
    limit: Annotated[int, typer.Option(help="How many questions.")] = 20,
    dataset: Annotated[str, typer.Option(help="Questions of this dataset, not the incident's.")] = "",
    as_json: AsJson = False,
) -> None:
    """Try a changed prompt on the failing questions before you accept it; calls the model twice for each."""
    with client.connect(timeout=1800) as connection:
        body = {"limit": limit, "dataset": dataset}
        told = client.checked(connection.post(f"/api/v1/actions/{id}/replay", json=body))
    _said(told, as_json)


@app.command("approve")
def approve(id: Id, why: Why = "", as_json: AsJson = False) -> None:
    """Yes: do it."""
    _said(client.post(f"/api/v1/actions/{id}/approve", {"why": why}), as_json)


@app.command("decline")
def decline(id: Id, why: Why = "", as_json: AsJson = False) -> None:
    """No."""
    _said(client.post(f"/api/v1/actions/{id}/decline", {"why": why}), as_json)


@app.command("undo")
def undo(id: Id, why: Why = "", as_json: AsJson = False) -> None:
    """As it was before."""
    _said(client.post(f"/api/v1/actions/{id}/undo", {"why": why}), as_json)


def _said(told: dict[str, Any], as_json: bool) -> None:
    show.as_json(told) if as_json else typer.echo(told["said"])


def _json(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError as problem:
        raise typer.BadParameter(f"not JSON: {problem}") from None
    if not isinstance(told, dict):
        raise typer.BadParameter("not a JSON object")
    return told


def _expects(text: str) -> dict[str, Any]:
    """`mean(score.relevance) up 0.05 by 24h`."""
    words = text.split()
    if len(words) not in (3, 5) or words[1] not in ("up", "down") or (len(words) == 5 and words[3] != "by"):
        raise typer.BadParameter("--expect is MEASURE up|down AMOUNT [by WHEN]: mean(score.relevance) up 0.05 by 24h")
    try:
        amount = float(words[2])
    except ValueError:
        raise typer.BadParameter(f"{words[2]!r} is no number") from None
    return {
        "measure": words[0], "direction": words[1], "at_least": amount, "by": words[4] if len(words) == 5 else "24h"
    }  # fmt: skip
