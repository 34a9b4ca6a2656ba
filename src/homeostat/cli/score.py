"""`homeostat score`: judge the rows of a file, without a server."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from homeostat.analyze.scorers import Case, NotAScorer, Scored, Scorer, Unscored, find
from homeostat.cli import data, show

_BAD_SHOWN: Final = 5
_FIELD: Final = 64 << 20

Given = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="JSONL, Parquet or CSV; a row is an exchange.")
]
Wanted = Annotated[
    str, typer.Option("--scorers", "-s", help="Names with commas between them; package.module:name for your own.")
]


def score(
    file: Given,
    scorers: Wanted = "relevance,coherence,safety",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON row per input row.")] = False,
) -> None:
    """Judge each row: `input`, `output`, and where known `documents`, `reference`, `id`."""
    try:
        chosen = [find(name.strip()) for name in scorers.split(",") if name.strip()]
    except NotAScorer as error:
        raise typer.BadParameter(str(error)) from error
    if not chosen:
        raise typer.BadParameter("name at least one scorer")
    tally = Tally(chosen)
    with _progress() as progress:
        task = progress.add_task(f"scoring {file.name}", total=None)
        for number, row in rows(file):
            found = judge(number, row, chosen)
            tally.add(number, found)
            if as_json:
                sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
            progress.advance(task)
    if not as_json:
        tally.show()
    tally.complain()


def judge(number: int, row: Mapping[str, Any] | str, chosen: Iterable[Scorer]) -> dict[str, Any]:
    """The answer for one row. A row that cannot be read gets its error; it disturbs no other row."""
    if isinstance(row, str):
        return {"id": str(number), "error": row, "scores": {}}
    name = str(row["id"]) if row.get("id") not in (None, "") else str(number)
    case = as_case(row)
    if isinstance(case, str):
        return {"id": name, "error": f"row {number}: {case}", "scores": {}}
    return {"id": name, "scores": {one.name: _answer(one, case) for one in chosen}}


def _answer(one: Scorer, case: Case) -> dict[str, Any]:
    try:
        found = one.score(case)
    except Exception as error:  # A scorer may be somebody else's code; the other scores of the row stand.
        found = Unscored(f"{type(error).__name__}: {error}"[:300])
    if isinstance(found, Scored):
        return {"value": found.value, "label": found.label, "reason": found.reason}
    return {"value": None, "label": "unscored", "reason": found.reason}


def as_case(row: Mapping[str, Any]) -> Case | str:
    """A row as a scorer sees it, or what is wrong with it."""
    output = row.get("output")
    if output is None:
        return "there is no output"
    if not isinstance(output, str):
        return f"output is {_kind(output)}, not text"
    texts = {}
    for name in ("input", "reference"):
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            return f"{name} is {_kind(value)}, not text"
        texts[name] = value or ""
    documents = _documents(row.get("documents"))
    if isinstance(documents, str):
        return documents
    rest = {key: value for key, value in row.items() if key not in ("input", "output", "documents", "reference", "id")}
    return Case(output, texts["input"], documents, texts["reference"], rest)


def _documents(value: Any) -> tuple[str, ...] | str:
    """Texts, objects that hold a text, or a cell with JSON in it."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return (value,)
        try:
            value = json.loads(value)
        except ValueError:
            return (value,)
    if not isinstance(value, list):
        return f"documents is {_kind(value)}, not a list of texts"
    found = []
    for item in value:
        if isinstance(item, Mapping):
            item = next(
                (item[key] for key in ("text", "content", "page_content") if isinstance(item.get(key), str)), None
            )
        if not isinstance(item, str):
            return "documents holds something that is no text"
        found.append(item)
    return tuple(found)


def _kind(value: Any) -> str:
    return {"dict": "an object", "list": "a list", "int": "a number", "float": "a number", "bool": "true or false"}.get(
        type(value).__name__, "no text"
    )


def rows(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The rows of a file with their numbers from 1; a row that cannot be read is a text that says why."""
    form = file.suffix.lower()
    if form == ".csv":
        yield from _csv(file)
    elif form == ".parquet":
        yield from _json(data.parquet(file), "row")
    elif form in (".jsonl", ".ndjson", ".json"):
        with file.open("rb") as lines:
            yield from _json(lines, "line")
    else:
        raise typer.BadParameter(f"{file.name} must end in .jsonl, .csv or .parquet")


def _json(lines: Iterable[bytes], unit: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (ValueError, RecursionError) as error:
            yield number, f"{unit} {number} is not JSON: {error}"
            continue
        yield (
            number,
            row if isinstance(row, dict) else f"{unit} {number} is {_kind(row)}, not an object with input and output",
        )


def _csv(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    csv.field_size_limit(_FIELD)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        table = csv.DictReader(lines)
        if "output" not in (table.fieldnames or ()):
            raise typer.BadParameter(
                f"{file.name} has no column output; it has {', '.join(table.fieldnames or ()) or 'none'}"
            )
        number = 0
        while True:
            number += 1
            try:
                row = next(table)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, f"row {number}: {error}"
                continue
            yield number, {key: value for key, value in row.items() if key is not None}


class Tally:
    """What a file came to, scorer by scorer: coverage stands beside every mean."""

    def __init__(self, chosen: Iterable[Scorer]) -> None:
        self.rows = 0
        self.bad: list[str] = []
        self.values: dict[str, list[float]] = {one.name: [] for one in chosen}
        self.reasons: dict[str, dict[str, int]] = {one.name: {} for one in chosen}

    def add(self, number: int, found: Mapping[str, Any]) -> None:
        """Count one row's answer."""
        self.rows += 1
        if "error" in found:
            self.bad.append(found["error"])
        for name, answer in found["scores"].items():
            if answer["value"] is None:
                self.reasons[name][answer["reason"]] = self.reasons[name].get(answer["reason"], 0) + 1
            else:
                self.values[name].append(answer["value"])

    def show(self) -> None:
        """The table."""
        lines = []
        for name, values in self.values.items():
            mean = sum(values) / len(values) if values else None
            bad = sum(value < 0.5 for value in values)
            why = max(self.reasons[name], key=lambda reason: self.reasons[name][reason], default="")
            cover = f"{100 * len(values) / self.rows:.0f} %" if self.rows else None
            lines.append((name, mean, bad if values else None, len(values), cover, why))
        show.table(
            ("scorer", "mean", "bad", "scored", "coverage", "unscored because"),
            lines,
            right=("mean", "bad", "scored", "coverage"),
        )

    def complain(self) -> None:
        """Rows that could not be read, on stderr."""
        for error in self.bad[:_BAD_SHOWN]:
            typer.echo(f"homeostat: {error}", err=True)
        if len(self.bad) > _BAD_SHOWN:
            typer.echo(f"homeostat: and {len(self.bad) - _BAD_SHOWN} more rows that could not be read", err=True)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} rows"), TimeElapsedColumn(),
        transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
