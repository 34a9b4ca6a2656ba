"""The command `homeostat`: one line per verb, each verb in its own file."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer

#: Verb, where it is, and what the help says. Only the one that is asked for is imported: `rollback` shall not wait for
#: the practice world, nor the list of verbs for any of them.
COMMANDS: Final = {
    "up": ("up:up", "Serve API and OTLP, and keep what arrives."),
    "demo": (
        "demo:demo",
        "An LLM application that goes wrong on purpose: starts a server and the world, and tells what happens.",
    ),
    "doctor": (
        "doctor:doctor",
        "Say of each part whether it is alive, and how far behind the loader is. Exits 3 when something is not.",
    ),
    "tail": (
        "tail:tail",
        "Live exchanges in the terminal, and what is opened, changes and is found; until Ctrl-C. Reconnects by itself.",
    ),
    "measures": ("measures:measures", "Numbers over exchanges, each with its interval."),
    "score": (
        "score:score",
        "Judge each row: `input`, `output`, and where known `documents`, `reference`, `id`; other usual names do too.",
    ),
    "audit": (
        "audit:audit",
        "Who changed what in a project, newest first. A narrow terminal leaves out what was and is; --json has all.",
    ),
    "export": ("data:export", "Exchanges as JSONL, CSV or Parquet."),
    "rollback": (
        "policies:rollback",
        "Put the last good release back on all of a route. "
        "Works with the core away; with --data with no server at all.",
    ),
}
#: Verbs with verbs of their own: where they are, and what the help says.
GROUPS: Final = {
    "scorer": ("scorers:app", "What judges answers: ls, kinds, card, show, add, test, pause, resume, backfill."),
    "exchanges": ("exchanges:app", "What was asked and answered: ls, get, export."),
    "signals": ("signals:app", "What people and systems said about it: add."),
    "release": ("releases:app", "What can answer: create, ls, show, label, diff."),
    "prompt": ("prompts:app", "Templates with versions: create, ls, show, diff, label."),
    "policy": ("policies:app", "Which releases serve a route: ls, show, set."),
    "monitor": ("monitors:app", "What is watched: ls, show, apply, test, pause, resume."),
    "incident": ("incidents:app", "What is wrong: ls, show, ack, silence, close, reopen, own, comment, merge, split."),
    "action": ("actions:app", "What is done: ls, show, propose, remedies, set, replay, approve, decline, undo."),
    "experiment": ("experiments:app", "Releases compared by chance: ls, start, show, stop."),
    "dataset": ("datasets:app", "Examples with versions: ls, show, collect, add, export, forget."),
    "notifier": ("notifiers:app", "How people are told: ls, kinds, set, test, rm."),
    "key": ("keys:app", "Keys that let applications in: create, ls, limit, revoke."),
    "import": ("data:import_app", "Bring history in: jsonl, parquet."),
    "db": ("data:db_app", "The stores of a data directory: upgrade."),
}


def build(verb: str = "") -> typer.Typer:
    """The command with this verb only; with all of them when there is no such verb."""
    app = _empty()
    every = verb not in COMMANDS and verb not in GROUPS
    for name, (place, _) in COMMANDS.items():
        if every or name == verb:
            app.command(name)(_at(place))
    for name, (place, told) in GROUPS.items():
        if every or name == verb:
            app.add_typer(_at(place), name=name, help=told)
    return app


def outline() -> typer.Typer:
    """The command with all verbs by name and help, none of them imported: for who asks what there is."""
    app = _empty()
    for name, (_, told) in (COMMANDS | GROUPS).items():
        app.command(name, help=told)(_everything)
    return app


def _empty() -> typer.Typer:
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Keeps a language-model application inside its limits. Talks to HOMEOSTAT_URL with HOMEOSTAT_KEY.",
    )
    app.callback()(_options)
    return app


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"homeostat {version('homeostat')}")
        raise typer.Exit


def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Keeps a language-model application inside its limits. Talks to HOMEOSTAT_URL with HOMEOSTAT_KEY."""


def _everything() -> None:
    """Stands for a verb in the list of verbs."""


def _at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"homeostat.cli.{module}"), name)


def main() -> None:
    """Entry point. Exit codes: 0 ok, 1 gate failed, 2 usage, 3 unreachable."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in COMMANDS and verb not in GROUPS:
        outline()()
        return
    from homeostat.cli.client import Refused, Unreachable

    try:
        build(verb)()
    except Unreachable as error:
        sys.stderr.write(f"homeostat: {error}\n")
        sys.exit(3)
    except Refused as error:
        sys.stderr.write(f"homeostat: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
