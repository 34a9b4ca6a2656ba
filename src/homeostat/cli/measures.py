"""`homeostat measures`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli import client, show
from homeostat.cli.data import Since, Where, pairs
from homeostat.cli.show import AsJson


def measures(
    measure: Annotated[list[str], typer.Argument(help="count, p95(latency), mean(score.relevance), sum(cost) …")],
    by: Annotated[str, typer.Option(help="Dimensions: model,release …")] = "",
    every: Annotated[str, typer.Option(help="Time step: 5m, 1h, 1d.")] = "",
    since: Since = "24h",
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Numbers over exchanges, each with its interval."""
    parameters = [("measure", item) for item in measure] + pairs(where)
    parameters += [(name, value) for name, value in (("by", by), ("every", every), ("from", since)) if value]
    answer = client.get("/api/v1/measures", parameters)
    if as_json:
        show.as_json(answer)
        return
    dimensions = [name for name in by.split(",") if name]
    columns = (["at"] if every else []) + ["measure", *dimensions, "value", "low", "high", "n"]
    if any("coverage" in point for point in answer["points"]):
        columns.append("coverage")
    show.table(
        columns,
        ([_cell(point, column) for column in columns] for point in answer["points"]),
        right=("value", "low", "high", "n", "coverage"),
    )


def _cell(point: dict[str, Any], column: str) -> Any:
    return str(point["at"])[:19] if column == "at" else point.get(column)
