"""Tables in the documentation that measurements write themselves, so that no figure is copied by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[1] / "docs" / "what-we-tested.md"
END: Final = "<!-- end of measured -->"


def written(text: str, name: str, rows: Sequence[tuple[str, str, str]], note: str) -> str:
    """The page with the table of this measurement in its place."""
    begin = f"<!-- measured: written by `python -m bench {name}`, do not edit -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise SystemExit(f"docs/{PAGE.name} has no place for the table of {name}")
    table = ["", "| | Asked | Reached |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows), "", note, ""]
    return before + begin + "\n".join(table) + END + after


def write(name: str, rows: Sequence[tuple[str, str, str]], load: float) -> None:
    """Into the page; `load`: of the machine when the measurement began."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    kept = f"`bench/results/{today}-{name}.json`"
    note = f"{today}, {os.cpu_count()} cores, load average {load:.1f} when it began; kept in {kept}."
    PAGE.write_text(written(PAGE.read_text(), name, rows, note))


def judged(value: str, *, good: bool) -> str:
    """A figure that misses what was asked stands out."""
    return value if good else f"**{value}**"
