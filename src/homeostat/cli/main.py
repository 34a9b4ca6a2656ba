"""The command `homeostat`: one line per verb, each verb in its own file."""

from __future__ import annotations

import sys

import typer

from homeostat.cli import (
    actions,
    data,
    datasets,
    demo,
    doctor,
    exchanges,
    experiments,
    incidents,
    keys,
    measures,
    monitors,
    notifiers,
    policies,
    prompts,
    releases,
    score,
    scorers,
    signals,
    tail,
    up,
)
from homeostat.cli.client import Refused, Unreachable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps a language-model application inside its limits. Talks to HOMEOSTAT_URL with HOMEOSTAT_KEY.",
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("tail")(tail.tail)
app.command("measures")(measures.measures)
app.command("score")(score.score)
app.add_typer(
    scorers.app, name="scorer", help="What judges answers: ls, kinds, card, show, add, test, pause, resume, backfill."
)
app.command("export")(data.export)
app.add_typer(exchanges.app, name="exchanges", help="What was asked and answered: ls, get, export.")
app.add_typer(signals.app, name="signals", help="What people and systems said about it: add.")
app.command("rollback")(policies.rollback)
app.add_typer(releases.app, name="release", help="What can answer: create, ls, show, label, diff.")
app.add_typer(prompts.app, name="prompt", help="Templates with versions: create, ls, show, diff, label.")
app.add_typer(policies.app, name="policy", help="Which releases serve a route: ls, show, set.")
app.add_typer(monitors.app, name="monitor", help="What is watched: ls, show, apply, test, pause, resume.")
app.add_typer(
    incidents.app, name="incident", help="What is wrong: ls, show, ack, silence, close, comment, merge, split."
)
app.add_typer(
    actions.app, name="action", help="What is done: ls, show, propose, remedies, set, approve, decline, undo."
)
app.add_typer(experiments.app, name="experiment", help="Releases compared by chance: ls, start, show, stop.")
app.add_typer(datasets.app, name="dataset", help="Examples with versions: ls, show, collect, add, export.")
app.add_typer(notifiers.app, name="notifier", help="How people are told: ls, kinds, set, test, rm.")
app.add_typer(keys.app, name="key", help="Keys that let applications in: create, ls, limit, revoke.")
app.add_typer(data.import_app, name="import", help="Bring history in: jsonl, parquet.")
app.add_typer(data.db_app, name="db", help="The stores of a data directory: upgrade.")


def main() -> None:
    """Entry point. Exit codes: 0 ok, 1 gate failed, 2 usage, 3 unreachable."""
    try:
        app()
    except Unreachable as error:
        sys.stderr.write(f"homeostat: {error}\n")
        sys.exit(3)
    except Refused as error:
        sys.stderr.write(f"homeostat: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
