"""How answers look: a table on a terminal, JSON when asked, plain rows in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def as_json(value: object) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()) -> None:
    """A table on a terminal, tab-separated rows elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(text(cell).replace("\t", " ").replace("\n", " ") for cell in row) + "\n")
        return
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="ellipsis", no_wrap=True)
    for row in rows:
        shown.add_row(*(text(cell).replace("\n", " ") for cell in row))
    Console().print(shown, markup=False)


def text(value: object) -> str:
    """A cell: nothing known is a dash, never a zero."""
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
