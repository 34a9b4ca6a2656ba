"""`homeostat score`: judge the rows of a file, without a server."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from homeostat.analyze.judges import Judge
from homeostat.analyze.scorers import Case, NotAScorer, Scored, Scorer, Unscored, find
from homeostat.analyze.scorers.engine import ENGINE, InEngine
from homeostat.analyze.scorers.factuality import OWN
from homeostat.analyze.scorers.own import register
from homeostat.analyze.text.library import Library, load
from homeostat.cli import client, data, show
from homeostat.cli.rows import NAMES, as_case, kind

if TYPE_CHECKING:
    from homeostat.loop.scoring.rowwise import RowEngine

_BAD_SHOWN: Final = 5
#: Rows that the engine judges at once.
_PIECE: Final = 200
_FIELD: Final = 64 << 20

Given = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="JSONL, JSON, Parquet or CSV; a row is an exchange.")
]
Wanted = Annotated[
    list[str],
    typer.Option(
        "--scorer",
        "--scorers",
        "-s",
        help="Names, again or with commas between them; package.module:name for your own.",
    ),
]
Shelf = Annotated[
    Path | None,
    typer.Option(
        exists=True, help="Your own documents (a folder, a text, JSONL, a list .urls): searched for rows without any."
    ),
]
Own = Annotated[
    Path | None,
    typer.Option(
        "--own", exists=True, dir_okay=False, help="A TOML file of your own scorers, each used unless -s names some."
    ),
]
Judges = Annotated[
    list[str],
    typer.Option(
        "--judge", help="Ask a language model about this dimension; of rows with `other` which answer is better."
    ),
]
Jury = Annotated[list[str], typer.Option("--jury", help="A model that judges together with others; again for each.")]
DEFAULT: Final = ("relevance", "coherence", "safety")


def score(
    file: Given,
    scorers: Wanted = [],  # noqa: B006  (typer reads it, nothing changes it)
    documents: Shelf = None,
    own: Own = None,
    judges: Judges = [],  # noqa: B006  (as above)
    jury: Jury = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="One JSON row per input row.")] = False,
) -> None:
    """Judge each row: `input`, `output`, and where known `documents`, `reference`, `id`; other usual names do too."""
    given = [name.strip() for several in scorers for name in several.split(",") if name.strip()]
    if any(":" in name for name in given):
        sys.path.append("")  # a module of the working directory is found, and takes no other one's place
    mine = _own(own) if own is not None else list(DEFAULT)
    names = given or ([] if judges and own is None else mine)
    try:
        chosen = [find(name) for name in names if name not in ENGINE] + _judges(judges, jury)
    except NotAScorer as error:
        raise typer.BadParameter(str(error)) from error
    in_engine = [ENGINE[name] for name in names if name in ENGINE]
    if not in_engine and not chosen:
        raise typer.BadParameter("name at least one scorer")
    shelf = _shelf(documents)
    tally = Tally([*(one.name for one in in_engine), *(one.name for one in chosen)])
    with _progress() as progress, _engine(in_engine) as engine:
        task = progress.add_task(f"scoring {file.name}", total=None)
        read = (Row.of(number, row, shelf) for number, row in rows(file))
        while piece := list(islice(read, _PIECE if engine else 1)):
            for found in judge(piece, chosen, engine):
                tally.add(found)
                if as_json:
                    sys.stdout.write(_line(found))
                progress.advance(task)
    if not as_json:
        tally.show()
    tally.complain()
    if tally.rows == len(tally.bad):
        raise client.Refused(f"{file.name}: no row could be read" if tally.rows else f"{file.name} holds no row")


def _line(found: Mapping[str, Any]) -> str:
    """One line of JSON; half of a surrogate pair, which is no text, becomes a question mark."""
    return json.dumps(found, ensure_ascii=False, default=str).encode("utf-8", "replace").decode() + "\n"


def _judges(dimensions: Iterable[str], jury: Iterable[str]) -> list[Scorer]:
    """Language models at the endpoint of the settings, as scorers of rows."""
    from homeostat.cli.up import read_settings
    from homeostat.loop.scoring.rowwise import RowJudge

    settings = read_settings(None)
    made: list[Scorer] = []
    for dimension in dimensions:
        try:
            one = RowJudge.of(Judge(dimension, jury=tuple(jury)), settings)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        if one is None:
            raise typer.BadParameter("name the judge's endpoint: HOMEOSTAT_JUDGE_URL, HOMEOSTAT_JUDGE_MODEL")
        made.append(one)
    return made


def _own(place: Path) -> list[str]:
    """The operator's own scorers, known from here on."""
    names, wrong = register(place)
    if wrong:
        raise typer.BadParameter("; ".join(wrong[:_BAD_SHOWN]))
    return names


def _shelf(place: Path | None) -> Library | None:
    """The operator's own documents; what could not be read is said once."""
    if place is None:
        return None
    from homeostat.cli.up import read_settings
    from homeostat.loop.scoring.fetching import way_out

    loaded = load(place, get=way_out(read_settings(None).documents_allow))
    for left in loaded.left_out[:_BAD_SHOWN]:
        typer.echo(f"homeostat: left out {left}", err=True)
    if not len(loaded.library):
        raise typer.BadParameter(f"{place} holds no documents that can be read")
    return loaded.library


@contextlib.contextmanager
def _engine(chosen: Sequence[InEngine]) -> Iterator[RowEngine | None]:
    """Scorers that are expressions of the engine need one; others do not wait for it to start."""
    if not chosen:
        yield None
        return
    from homeostat.loop.scoring.rowwise import RowEngine

    with contextlib.closing(RowEngine(chosen)) as engine:
        yield engine


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: its name, and the case, or why it cannot be read."""

    name: str
    case: Case | str

    @classmethod
    def of(cls, number: int, row: Mapping[str, Any] | str, shelf: Library | None = None) -> Row:
        """Read it; where it brings no documents, the operator's own are searched."""
        if isinstance(row, str):
            return cls(str(number), row)
        name = str(row["id"]) if row.get("id") not in (None, "") else str(number)
        case = as_case(row)
        if isinstance(case, str):
            return cls(name, f"row {number}: {case}")
        if shelf is not None:
            own = [one.text for one in shelf.search(case.input, case.output)]
            case = replace(case, documents=case.documents or own, metadata={**case.metadata, OWN: own})
        return cls(name, case)


def judge(piece: Sequence[Row], chosen: Sequence[Scorer], engine: RowEngine | None = None) -> Iterator[dict[str, Any]]:
    """The answer for each row. One that cannot be read gets its error; it disturbs no other row."""
    cases = [row.case for row in piece if isinstance(row.case, Case)]
    said = iter(engine.score(cases) if engine else [{} for _ in cases])
    for row in piece:
        case = row.case
        if isinstance(case, str):
            yield {"id": row.name, "error": case, "scores": {}}
            continue
        told = next(said) | {one.name: _answer(one, case) for one in chosen}
        yield {"id": row.name, "scores": {name: _shown(each) for name, each in told.items()}}


def _answer(one: Scorer, case: Case) -> Scored | Unscored:
    try:
        return one.score(case)
    except Exception as error:  # A scorer may be somebody else's code; the other scores of the row stand.
        return Unscored(f"{type(error).__name__}: {error}"[:300])


def _shown(found: Scored | Unscored) -> dict[str, Any]:
    if isinstance(found, Scored):
        return {"value": found.value, "label": found.label, "reason": found.reason}
    return {"value": None, "label": "unscored", "reason": found.reason}


def rows(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The rows of a file with their numbers from 1; a row that cannot be read is a text that says why."""
    form = file.suffix.lower()
    if form == ".csv":
        yield from _csv(file)
    elif form == ".parquet":
        yield from _json(data.parquet(file), "row")
    elif form in (".jsonl", ".ndjson"):
        with file.open("rb") as lines:
            yield from _json(lines, "line")
    elif form == ".json":
        yield from _array(file)
    else:
        raise typer.BadParameter(f"{file.name} must end in .jsonl, .json, .csv or .parquet")


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
            row if isinstance(row, dict) else f"{unit} {number} is {kind(row)}, not an object with input and output",
        )


def _array(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """A list of rows; a file that is called .json may hold JSON lines as well."""
    try:
        whole = json.loads(file.read_text("utf-8-sig"))
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        yield from _json((json.dumps(row).encode() for row in whole), "row")
        return
    with file.open("rb") as lines:
        yield from _json(lines, "line")


def _csv(file: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    csv.field_size_limit(_FIELD)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        table = csv.DictReader(lines)
        if not {*NAMES["output"], "messages"} & set(table.fieldnames or ()):
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

    def __init__(self, names: Sequence[str]) -> None:
        self.rows = 0
        self.bad: list[str] = []
        self.values: dict[str, list[float]] = {name: [] for name in names}
        self.reasons: dict[str, dict[str, int]] = {name: {} for name in names}

    def add(self, found: Mapping[str, Any]) -> None:
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
