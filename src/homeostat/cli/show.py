"""How answers look: a table on a terminal, JSON when asked, plain rows in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
#: Of commands that answer as JSON with or without it: whoever asks all of them for it may.
JsonAnyway = Annotated[bool, typer.Option("--json", help="It is JSON with or without.")]
_WIDE: Final = 160
_SHORT: Final = 19


def as_json(value: object) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), spare: Sequence[str] = ()
) -> None:
    """A table on a terminal, tab-separated rows elsewhere. `spare`: columns that a narrow terminal does without."""
    rows = list(rows)
    if not rows:
        sys.stderr.write("None.\n")  # whoever reads the output as data gets nothing
        return
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(text(cell).replace("\t", " ").replace("\n", " ") for cell in row) + "\n")
        return
    console = Console()
    kept = [at for at, column in enumerate(columns) if column not in spare or console.width >= _WIDE]
    lines = [[text(row[at]).replace("\n", " ") for at in kept] for row in rows]
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for place, at in enumerate(kept):
        # Numbers and times are of no use when cut; what is long gives way.
        need = max((len(columns[at]), *(len(line[place]) for line in lines)))
        justify: Literal["left", "right"] = "right" if columns[at] in right else "left"
        least = need if need <= _SHORT else None
        shown.add_column(columns[at], justify=justify, overflow="ellipsis", no_wrap=True, min_width=least)
    for line in lines:
        shown.add_row(*line)
    console.print(shown, markup=False)


def text(value: object) -> str:
    """A cell: nothing known is a dash, never a zero."""
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
