"""`homeostat export`, `homeostat import`, `homeostat db`: data in and out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from homeostat.cli import client

import_app = typer.Typer(no_args_is_help=True)
db_app = typer.Typer(no_args_is_help=True)
_BATCH = 500


Out = Annotated[Path | None, typer.Argument(help="File; its ending is the format. None: JSON lines on stdout.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", "-w", help="A filter as in the API: model=gpt-4o, latency_ms.gt=2000, q='late order'."),
]
Since = Annotated[str, typer.Option(help="From when: 24h, 7d, 2026-11-20T10:00:00Z.")]
Given = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


def pairs(where: list[str] | None) -> list[tuple[str, str]]:
    """Filters of the command line as query parameters."""
    found = []
    for item in where or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise typer.BadParameter(f"{item!r} is not NAME=VALUE")
        found.append((name.strip(), value.strip()))
    return found


def export(
    out: Out = None,
    where: Where = None,
    since: Since = "",
    kind: Annotated[str, typer.Option(help="answer, call or all.")] = "answer",
) -> None:
    """Exchanges as JSONL, CSV or Parquet."""
    form = (out.suffix.lstrip(".") if out else "") or "jsonl"
    if form not in ("jsonl", "csv", "parquet"):
        raise typer.BadParameter(f"{out} must end in .jsonl, .csv or .parquet")
    parameters: list[tuple[str, Any]] = [*pairs(where), ("format", form), ("kind", kind)]
    parameters += [("from", since)] if since else []
    with (
        client.connect(timeout=600) as connection,
        connection.stream("GET", "/api/v1/exchanges/export", params=parameters) as response,
    ):
        if response.status_code >= 400:
            response.read()
            client.checked(response)
        if out is None:
            for chunk in response.iter_bytes():
                sys.stdout.buffer.write(chunk)
            return
        with out.open("wb") as file, _progress("bytes") as progress:
            task = progress.add_task(f"writing {out}", total=None)
            for chunk in response.iter_bytes():
                file.write(chunk)
                progress.advance(task, len(chunk))


@import_app.command("jsonl")
def import_jsonl(
    path: Given,
) -> None:
    """Exchanges from JSON lines: input, output, and what else is known."""
    _send(_lines(path), path)


@import_app.command("parquet")
def import_parquet(path: Given) -> None:
    """Exchanges from a Parquet file."""
    _send(_json_lines(parquet(path)), path)


def parquet(path: Path) -> Iterator[bytes]:
    """The rows of a Parquet file as JSON, read by an engine in memory that holds nothing else."""
    import clickhouse_connect

    engine = clickhouse_connect.get_client(dsn="chdb://:memory:")
    rows = engine.raw_stream(
        "SELECT * FROM file({path:String}, 'Parquet')", parameters={"path": str(path.resolve())}, fmt="JSONEachRow"
    )
    return (line.rstrip(b"\n") for line in rows)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from _json_lines(file)


def _json_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise client.Refused(
                f"line {number} is not JSON: {error}. What came before it was imported; mend the line and run again."
            ) from error
        if not isinstance(row, dict):
            raise client.Refused(f"line {number} is not an object with input and output")
        yield {key: value for key, value in row.items() if value is not None}


def _send(rows: Iterator[dict[str, Any]], path: Path) -> None:
    """Send in batches. Rows without an id get one from their content, so that a second run adds nothing."""
    sent = 0
    with client.connect(timeout=120) as connection, _progress("rows") as progress:
        task = progress.add_task(f"importing {path}", total=None)
        while batch := list(islice(rows, _BATCH)):
            client.checked(connection.post("/api/v1/exchanges", json=batch))
            sent += len(batch)
            progress.advance(task, len(batch))
    typer.echo(f"{sent} exchanges sent; a row that was there already is kept once", err=True)


def _progress(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn(),
        transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip


@db_app.callback()
def db() -> None:
    """The stores of a data directory."""


@db_app.command("upgrade")
def upgrade(data: Annotated[Path | None, typer.Option(help="The data directory.")] = None) -> None:
    """Bring ledger and warehouse up to this version, with the server stopped. `up` does it too."""
    from homeostat.cli.up import read_settings
    from homeostat.store.folder import Folder, FolderRefused
    from homeostat.store.ledger import Ledger
    from homeostat.store.ledger.database import LedgerError
    from homeostat.store.warehouse.client import Warehouse
    from homeostat.store.warehouse.schema import NewerData, migrate

    settings = read_settings(None, data=data)
    folder = Folder(settings.data.resolve())
    try:
        folder.prepare()
        lock = folder.hold("core")
        Ledger(settings.ledger_dsn).upgrade()
        warehouse = Warehouse(settings.warehouse_dsn)
        done = migrate(warehouse, cluster=settings.cluster or None)
        warehouse.close()
        lock.close()
    except (FolderRefused, LedgerError, NewerData) as error:
        raise client.Refused(str(error)) from error
    typer.echo("\n".join(f"applied {name}" for name in done) or "already up to date")
