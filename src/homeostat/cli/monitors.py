"""`homeostat monitor`: what is watched, how it stands, what it would have said of history."""

from __future__ import annotations

import json
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson, JsonAnyway

app = typer.Typer(no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="Monitors in TOML, YAML or JSON.")]
Name = Annotated[str, typer.Argument(help="The monitor's name.")]
Since = Annotated[str, typer.Option("--from", help="Since when: a time, or 30d before now.")]


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every monitor, the default set too, with how it stands."""
    answer = client.get("/api/v1/monitors")
    if as_json:
        show.as_json(answer)
        return
    columns = ("monitor", "version", "state", "measure", "against", "direction", "units", "evidence")
    show.table(columns, (_row(item) for item in answer["items"]), right=("version", "units", "evidence"))


@app.command("show")
def show_one(name: Name, as_json: JsonAnyway = False) -> None:
    """One monitor, its versions and last findings, as JSON."""
    show.as_json(client.get(f"/api/v1/monitors/{quote(name)}"))


@app.command("apply")
def apply(file: File, as_json: AsJson = False) -> None:
    """Have the monitors of a file. What says something else than before is a new version."""
    made = client.post("/api/v1/monitors", read(file))["items"]
    if as_json:
        show.as_json(made)
        return
    for one in made:
        typer.echo(f"{one['name']}  version {one['version']}  {one['measure']}")


@app.command("test")
def test(file: File, since: Since = "30d", as_json: AsJson = False) -> None:
    """How often would the monitors of a file have fired? Nothing is stored."""
    told, refused = [], []
    for one in _each(read(file)):
        name = one.get("name") if isinstance(one, dict) else None
        try:
            with client.connect(timeout=600) as connection:  # a month of minutes of a busy project
                answer = connection.post("/api/v1/monitors/test", json={"monitor": one, "from": since})
                told.append({"name": name} | client.checked(answer))
        except client.Refused as error:  # the others of the file are tried all the same
            refused.append(f"{name}: {error}")
    if as_json:
        show.as_json(told)
    for one in () if as_json else told:
        times = "once" if one["fired"] == 1 else f"{one['fired']} times"
        typer.echo(f"{one['name']}: would have fired {times} from {one['from'][:16]} to {one['to'][:16]}, of "
                   f"{one['values']} values")  # fmt: skip
        for firing in one["firings"]:
            where = " ".join(f"{key}={value}" for key, value in firing["segment"].items())
            typer.echo(f"  {firing['at'][:16]}  {firing['direction']}  {where}".rstrip())
    if refused:
        raise client.Refused("\n".join(refused))


@app.command("pause")
def pause(name: Name, as_json: AsJson = False) -> None:
    """Watch it no longer; also one of the default set."""
    _change(name, "paused", as_json)


@app.command("resume")
def resume(name: Name, as_json: AsJson = False) -> None:
    """Watch it again."""
    _change(name, "on", as_json)


def _change(name: str, state: str, as_json: bool) -> None:
    answer = client.patch(f"/api/v1/monitors/{quote(name)}", {"state": state})
    show.as_json(answer) if as_json else typer.echo(f"{name} is {state}")


def read(file: Path) -> Any:
    """What a file says, by its ending."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise client.Refused(f"{file} cannot be read: {error}") from error
    try:
        if file.suffix in (".yaml", ".yml"):
            return import_module("yaml").safe_load(text)
        return json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except ImportError as error:
        raise client.Refused("YAML needs the package pyyaml, which comes with homeostat[server].") from error
    except ValueError as error:
        raise client.Refused(f"{file}: {error}") from error
    except Exception as error:  # PyYAML's errors have no common base without importing it
        raise client.Refused(f"{file}: {error}") from error


def _each(told: Any) -> list[dict[str, Any]]:
    """The monitors of a file, one by one."""
    if isinstance(told, dict) and set(told) & {"monitor", "monitors"}:
        told = [one for key in ("monitor", "monitors") for one in _list(told.get(key, []))]
    return _list(told)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    standing = item["standing"]
    against = ", ".join(f"{key} {_plain(value)}" for key, value in item["against"].items())
    state = "paused" if item["state"] == "paused" else standing["state"]
    version = "default" if item["default"] else item["version"]
    return (
        item["name"], version, state, item["measure"], against, item["direction"], standing["units"],
        f"{standing['evidence']:.2g}",
    )  # fmt: skip


def _plain(value: Any) -> str:
    """`{"attribute.plan": "free"}` as one writes filters: attribute.plan=free."""
    return " ".join(f"{name}={one}" for name, one in value.items()) if isinstance(value, dict) else str(value)
