"""`homeostat demo`: the practice world, live in a terminal or as fast as it goes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli import client, show
from homeostat.cli.client import Refused
from homeostat.sim import lockstep, product, scenario, scoreboard, story, words
from homeostat.sim.operator import Given, served
from homeostat.sim.scenario import Scenario
from homeostat.sim.schema import BadScenario
from homeostat.sim.serving import NoServer
from homeostat.sim.world import World


def demo(
    scenario_: Annotated[
        str, typer.Option("--scenario", help="A name (see --list), a file, or all.")
    ] = "bad-prompt-release",
    seed: Annotated[int, typer.Option(help="Another seed is another world with the same story.")] = 7,
    speed: Annotated[float, typer.Option(min=0.5, max=10, help="Live: so many times faster than five minutes.")] = 1.0,
    port: Annotated[int, typer.Option(help="Live: port of the server.")] = 4400,
    size: Annotated[int | None, typer.Option(min=200, max=100_000, help="The story in so many exchanges.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="The scenarios.")] = False,
    headless: Annotated[
        bool, typer.Option("--headless", help="Full speed, on the world clock, then the scoreboard.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Headless: the scoreboard as JSON.")] = False,
    truth: Annotated[
        Path | None, typer.Option(help="Headless: what every answer really was, one JSON line each, into this file.")
    ] = None,
    given: Annotated[
        bool, typer.Option("--given", help="At the server at HOMEOSTAT_URL, in an empty project, not at a fresh one.")
    ] = False,
) -> None:
    """An LLM application that goes wrong on purpose: starts a server and the world, and tells what happens."""
    try:
        chosen = [scenario.named(name) for name in (scenario.names() if list_ or scenario_ == "all" else [scenario_])]
        if size is not None:
            chosen = [one.sized(size) for one in chosen]
        if list_:
            _list(chosen, as_json=as_json)
        elif headless or as_json or truth or scenario_ == "all" or not sys.stdout.isatty():
            if truth:
                _writable(truth, chosen)
            _headless(chosen, seed, _server(chosen) if given else None, as_json=as_json, truth=truth)
        else:
            there = _server(chosen) if given else None
            story.tell(chosen[0], seed, speed=speed, port=port, stay=True, say=typer.echo, given=there)
    except (BadScenario, NoServer, product.Refused) as error:
        raise Refused(str(error)) from error


def _list(scenarios: list[Scenario], *, as_json: bool) -> None:
    rows = [
        {"name": one.name, "group": one.group, "cause": one.truth.cause, "action": one.truth.action,
         "exchanges": one.exchanges, "story": " ".join(one.story.split())}
        for one in scenarios
    ]  # fmt: skip
    if as_json:
        show.as_json(rows)
        return
    for one in scenarios:
        first = " ".join(one.story.split()).split(". ")[0].rstrip(".")
        typer.echo(f"{one.name:<24} {one.group:<14} {first}.")


def _writable(truth: Path, scenarios: list[Scenario]) -> None:
    """Said before the story is played, not after."""
    if len(scenarios) > 1:
        raise Refused("--truth is for one story.")
    try:
        truth.touch()
    except OSError as error:
        raise Refused(f"{truth} cannot be written: {error.strerror}.") from error


def _server(scenarios: list[Scenario]) -> Given:
    if len(scenarios) > 1:
        raise Refused("One story at a given server: its clock never goes back.")
    return Given(client.url(), os.environ.get("HOMEOSTAT_KEY") or client.operator())


def _headless(scenarios: list[Scenario], seed: int, given: Given | None, *, as_json: bool, truth: Path | None) -> None:
    """Every scenario on a fresh server of its own: the world clock never goes back. Only its row is kept."""
    rows = []
    for number, one in enumerate(scenarios, 1):
        place = f"{number}/{len(scenarios)} " if len(scenarios) > 1 else ""
        # With --json the output is the report alone; what goes on meanwhile is said beside it.
        typer.echo(f"{place}{one.name}: {one.exchanges} exchanges, onset at {one.onset} …", err=as_json)
        world = World(one, seed)
        with served(world, given) as (_, server, _):
            rows.append(scoreboard.row(lockstep.play(world, server)))
        if truth:
            world.book.write(truth)
        if not as_json:
            typer.echo(words.summary(rows[-1]))
    told = scoreboard.report(rows)
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else words.totals(told["totals"]))
    if any(scoreboard.closed(row) is False for row in rows):
        raise typer.Exit(1)
