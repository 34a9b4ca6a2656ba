"""`homeostat policy`, and `homeostat rollback`, which works with the server away too."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)
Route = Annotated[str, typer.Argument(help="The route.")]


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every route that has a policy."""
    answer = client.get("/api/v1/policies")
    if as_json:
        show.as_json(answer)
        return
    columns = ("route", "version", "shares", "sticky", "shadow", "pinned", "previous good", "updated", "by", "reason")
    show.table(columns, (_row(item) for item in answer["items"]), right=("version", "pinned"), spare=("reason",))


@app.command("show")
def show_one(route: Route = "default", as_json: AsJson = False) -> None:
    """A policy and its history, newest first."""
    answer = client.get(_path(route))
    if as_json:
        show.as_json(answer)
        return
    columns = ("version", "action", "shares", "sticky", "shadow", "previous good", "at", "by", "reason")
    show.table(
        columns,
        (
            (item["version"], item["action"], _shares(item), item["sticky"], _shadow(item), item["previous_good"],
             item["at"][:19], item["updated_by"], item["reason"])
            for item in answer["history"]
        ),
        right=("version",),
    )  # fmt: skip


@app.command("set")
def set_one(
    route: Route,
    shares: Annotated[list[str], typer.Argument(help="RELEASE=SHARE …: A=90 B=10.")],
    sticky: Annotated[str, typer.Option(help="user, session or request.")] = "user",
    shadow: Annotated[str, typer.Option(help="RELEASE or RELEASE=5%: gets copies; its answers go nowhere.")] = "",
    pin: Annotated[list[str] | None, typer.Option(help="USER=RELEASE: this user always gets it.")] = None,
    previous_good: Annotated[str, typer.Option(help="What a rollback puts back; chosen when left out.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it stands in history and audit log.")] = "",
    version: Annotated[int | None, typer.Option(help="Only if it is this version; else the one that is there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what a route obeys, all of it: what is left out is off."""
    body: dict[str, Any] = {
        "shares": {name: _number(share) for name, share in map(_pair, shares)}, "sticky": sticky,
        "pinned": dict(map(_pair, pin or ())), "previous_good": previous_good, "reason": reason,
        "version": _current(route) if version is None else version,
    }  # fmt: skip
    if shadow:
        body["shadow"] = _copies(shadow)
    with client.connect() as connection:
        answer = client.checked(connection.put(_path(route), json=body))
    show.as_json(answer) if as_json else typer.echo(f"{route} version {answer['version']}: {_shares(answer)}")


def rollback(
    route: Annotated[str, typer.Argument(help="The route.")] = "default",
    to: Annotated[str, typer.Option(help="This release; without it the last that was good.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it stands in history and audit log.")] = "",
    data: Annotated[Path | None, typer.Option(help="The data directory: works when no server answers.")] = None,
    project: Annotated[str, typer.Option(help="The project, for the operator.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put the last good release back on all of a route. Works with the core away; with --data with no server at all."""
    body = {"id": uuid.uuid4().hex, "to": to, "reason": reason}
    try:
        headers = {"x-homeostat-project": project} if project else {}
        with client.connect() as connection:
            answer = client.checked(connection.post(f"{_path(route)}/rollback", json=body, headers=headers))
    except client.Unreachable:
        if data is None:
            raise
        answer = _without_server(data, project or "default", route, body)
    if as_json:
        show.as_json(answer)
        return
    done = f"{answer['to']} serves all of {route}" if answer["changed"] else f"{answer['to']} serves {route} already"
    later = "; the core is away and takes it over when it is back" if answer["override"] and answer["changed"] else ""
    typer.echo(done + later)


def _without_server(data: Path, project: str, route: str, body: dict[str, str]) -> dict[str, Any]:
    """Nobody listens: write down what edge and core obey when they are back."""
    from homeostat.loop.clock import event_clock
    from homeostat.records.rollback import BadRollback, asked
    from homeostat.registry import away
    from homeostat.registry.declined import Declined
    from homeostat.store.folder import Folder, FolderRefused

    folder = Folder(data.resolve())
    clock = event_clock("world" if folder.clock.exists() else "live", folder.clock)
    try:
        folder.check_format()
        times = {"at": clock.now().astimezone(UTC).isoformat(), "made": datetime.now(UTC).isoformat()}
        wanted = asked(body, id=body["id"], actor="operator", **times)
        done = away.roll_back(folder.control, project, route, wanted)
    except (FolderRefused, BadRollback, OSError) as error:
        raise client.Refused(str(error)) from error
    if isinstance(done, Declined):
        raise client.Refused(f"{done.message} {done.hint}".strip())
    return away.told_back(done, override=True)


def _path(route: str) -> str:
    return f"/api/v1/policies/{quote(route, safe='/:@+')}"


def _current(route: str) -> int:
    """The version that is there; 0: none."""
    with client.connect() as connection:
        answer = connection.get(_path(route), params={"limit": 1})
        return 0 if answer.status_code == 404 else int(client.checked(answer)["version"])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value


def _copies(text: str) -> dict[str, Any]:
    """Who gets copies, and of what part of the requests: all, 5% or 0.05."""
    release, _, share = text.partition("=")
    part = _number(share) / (100 if share.endswith("%") else 1) if share else 1.0
    if not release or not 0 < part <= 1:
        raise typer.BadParameter(f"{text!r} is not RELEASE or RELEASE=5%")
    return {"release": release, "share": part}


def _number(text: str) -> float:
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a share") from None


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    return (
        item["route"], item["version"], _shares(item), item["sticky"], _shadow(item), len(item["pinned"]) or "",
        item["previous_good"], item["updated_at"][:19], item["updated_by"], item["reason"],
    )  # fmt: skip


def _shares(item: dict[str, Any]) -> str:
    return " ".join(f"{name}={share * 100:.4g}%" for name, share in item["shares"].items())


def _shadow(item: dict[str, Any]) -> str:
    shadow = item["shadow"]
    return f"{shadow['release']}={shadow['share'] * 100:.4g}%" if shadow else ""
