"""`homeostat export`, `homeostat import`, `homeostat db`: data in and out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from homeostat.cli import client, show
from homeostat.cli.show import AsJson
from homeostat.records.exchange import EXPORTED, PARTS

import_app = typer.Typer(no_args_is_help=True)
db_app = typer.Typer(no_args_is_help=True)
#: Of rows, and of bytes, in one request.
_BATCH: Final = 500
_BYTES: Final = 4 << 20
_JSON: Final = {"content-type": "application/json"}


Out = Annotated[Path | None, typer.Argument(help="File; its ending is the format. None: JSON lines on stdout.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", "-w", help="A filter as in the API: model=gpt-4o, latency_ms.gt=2000, q='late order'."),
]
Since = Annotated[str, typer.Option(help="From when: 24h, 7d, 2026-11-20T10:00:00Z.")]
Kind = Annotated[str, typer.Option(help="answer, call or all.")]
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


def narrowed(where: list[str] | None, kind: str) -> list[tuple[str, str]]:
    """The same beside a kind, which has an option of its own."""
    found = pairs(where)
    if said := next((value for name, value in found if name == "kind"), ""):
        raise typer.BadParameter(f"the kind is no filter: say --kind {said}")
    return [*found, ("kind", kind)]


def export(
    out: Out = None,
    where: Where = None,
    since: Since = "",
    kind: Kind = "answer",
) -> None:
    """Exchanges as JSONL, CSV or Parquet."""
    form = (out.suffix.lstrip(".") if out else "") or "jsonl"
    if form not in ("jsonl", "csv", "parquet"):
        raise typer.BadParameter(f"{out} must end in .jsonl, .csv or .parquet")
    parameters: list[tuple[str, Any]] = [*narrowed(where, kind), ("format", form)]
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
        try:
            with out.open("wb") as file, _progress("bytes") as progress:
                task = progress.add_task(f"writing {out}", total=None)
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    progress.advance(task, len(chunk))
        except OSError as error:
            raise client.Refused(f"{out} cannot be written: {error.strerror}") from error


@import_app.command("jsonl")
def import_jsonl(path: Given, as_json: AsJson = False) -> None:
    """Exchanges from JSON lines: input, output, and what else is known."""
    with path.open("rb") as file:
        _send(_rows(file, "line"), path, as_json)


@import_app.command("parquet")
def import_parquet(path: Given, as_json: AsJson = False) -> None:
    """Exchanges from a Parquet file."""
    _send(_rows(parquet(path), "row"), path, as_json)


def parquet(path: Path) -> Iterator[bytes]:
    """The rows of a Parquet file as JSON, read by an engine in memory that holds nothing else."""
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import Error

    engine = clickhouse_connect.get_client(dsn="chdb://:memory:")
    try:
        # By its descriptor: the engine takes {}, * and ? in a name for more files than one.
        with path.open("rb") as file:
            rows = engine.raw_stream(
                "SELECT * FROM file({path:String}, 'Parquet')",
                parameters={"path": f"/dev/fd/{file.fileno()}"},
                fmt="JSONEachRow",
            )
            for line in rows:
                yield line.rstrip(b"\n")
    except Error as error:
        raise client.Refused(f"{path} is no Parquet file that can be read") from error


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a file: where it stands, and its JSON; or what is wrong with it."""

    place: str
    body: bytes = b""
    wrong: str = ""
    scores: Sequence[Mapping[str, Any]] = ()
    signals: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class _Sent:
    """What became of the rows so far."""

    rows: int = 0
    expired: int = 0


def _rows(lines: Iterable[bytes], unit: str) -> Iterator[_Row]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _row(line, f"{unit} {number}")


def _row(line: bytes, place: str) -> _Row:
    try:
        row = json.loads(line, parse_constant=_no_number)
        if not isinstance(row, dict):
            return _Row(place, wrong="is not an object with input and output")
        told = {key: value for key, value in row.items() if value is not None}
        if EXPORTED.issubset(told):
            return _ours(told, place)
        return _Row(place, _body(told))
    except RecursionError:
        return _Row(place, wrong="is nested too deeply")
    except ValueError as error:
        return _Row(place, wrong=f"is not JSON: {error}")


def _ours(told: dict[str, Any], place: str) -> _Row:
    """A row of an export of ours: what was said about the exchange is sent to where such is said."""
    told |= {name: json.loads(told[name]) for name in PARTS if isinstance(told.get(name), str)}
    about = {"exchange_id": told["id"], "at": told["at"]}
    said = [{"name": name, **about, **score} for name, score in told.pop("scores", {}).items()]
    said = [each for each in said if each.get("value") is not None or each.get("label")]
    scores = [each for each in said if 0 <= (each.get("value") or 0) <= 1]
    signals = [each for each in said if each not in scores] + told.pop("signals", [])  # an older server took 5 and -1
    return _Row(place, _body(told), scores=scores, signals=signals)


def _body(value: object) -> bytes:
    """Half of a surrogate pair is no text: it cannot be sent."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _send(rows: Iterator[_Row], path: Path, as_json: bool) -> None:
    """Send in batches. Rows without an id get one from their content, so that a second run adds nothing."""
    sent = _Sent()
    with client.connect(timeout=120) as connection, _progress("rows") as progress:
        task = progress.add_task(f"importing {path}", total=None)
        for batch in _batches(rows):
            _post(connection, [row for row in batch if not row.wrong], sent)
            if batch[-1].wrong:
                raise _stopped(batch[-1], batch[-1].wrong, sent)
            progress.update(task, completed=sent.rows)
    if as_json:
        show.as_json({"sent": sent.rows, "expired": sent.expired})
        return
    old = f", of which {sent.expired} are older than the retention and were not kept" if sent.expired else ""
    typer.echo(f"{sent.rows} exchanges sent{old}; a row that was there already is kept once", err=True)


def _batches(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    """So many rows, or bytes, at a time; a row that is wrong is the last of its batch."""
    batch: list[_Row] = []
    size = 0
    for row in rows:
        if batch and size + len(row.body) > _BYTES:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row.body)
        if row.wrong or len(batch) == _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _post(connection: httpx2.Client, rows: list[_Row], sent: _Sent) -> None:
    """A list is stored whole or not at all: one that is refused is sent in parts, up to the row that is at fault."""
    if not rows:
        return
    answer = connection.post(
        "/api/v1/exchanges",
        content=b"[" + b",".join(row.body for row in rows) + b"]",
        headers=_JSON,
    )
    if answer.status_code not in (400, 413, 422):
        told = client.checked(answer)
        sent.rows += len(rows)
        sent.expired += told.get("expired", 0)
        _opinions(connection, "scores", [each for row in rows for each in row.scores])
        _opinions(connection, "signals", [each for row in rows for each in row.signals])
        return
    error = answer.json()["error"]
    wrong = error.get("items") or [{"index": len(rows) // 2, "message": error["message"]}]
    if len(rows) == 1:
        raise _stopped(rows[0], wrong[0]["message"], sent)
    before = max(1, wrong[0]["index"])
    _post(connection, rows[:before], sent)
    _post(connection, rows[before:], sent)


def _opinions(connection: httpx2.Client, kind: str, items: list[Mapping[str, Any]]) -> None:
    """What was said about exchanges; one that the server has already is kept once."""
    for start in range(0, len(items), _BATCH):
        body = _body(items[start : start + _BATCH])
        client.checked(connection.post(f"/api/v1/{kind}", content=body, headers=_JSON))


def _stopped(row: _Row, why: str, sent: _Sent) -> client.Refused:
    return client.Refused(
        f"{row.place}: {why.rstrip('.')}. The {sent.rows} rows before it were imported; mend it and run again: "
        "what is there already is kept once."
    )


def _progress(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn(),
        transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip


@db_app.callback()
def db() -> None:
    """The stores of a data directory."""


@db_app.command("upgrade")
def upgrade(
    data: Annotated[Path | None, typer.Option(help="The data directory.")] = None, as_json: AsJson = False
) -> None:
    """Bring ledger and warehouse up to this version, with the server stopped. `up` does it too."""
    from homeostat.cli.up import read_settings
    from homeostat.store.folder import Folder, FolderRefused
    from homeostat.store.ledger import Ledger
    from homeostat.store.ledger.database import LedgerError
    from homeostat.store.warehouse.client import Warehouse
    from homeostat.store.warehouse.schema import NewerData, migrate

    settings = read_settings(None, data=data)
    folder = Folder(settings.data.resolve())
    if not folder.made:
        raise client.Refused(f"{folder.root} is no data directory: say which with --data. `homeostat up` makes one.")
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
    if as_json:
        show.as_json({"applied": done})
        return
    typer.echo("\n".join(f"applied {name}" for name in done) or "already up to date")
