"""Runs the acceptance cases whole and writes the table of docs/statistics.md from what came out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from bench.cases import CASES
from bench.cases.figure import Case, Figure
from bench.machine import keep

PAGE: Final = Path(__file__).parents[1] / "docs" / "statistics.md"
BEGIN: Final = "<!-- measured: written by `python -m bench statistics`, do not edit -->"
END: Final = "<!-- end of measured -->"
SEED: Final = 20261121


def measured(cases: Sequence[Case] = CASES) -> dict[str, list[Figure]]:
    """Cases at full size; each has its own seed, whatever stands beside it."""
    found = {}
    for case in cases:
        start = time.perf_counter()
        found[case.number] = case.run(case.whole, np.random.default_rng([SEED, *case.number.encode()]))
        print(f"case {case.number}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return found


def as_json(found: dict[str, list[Figure]]) -> dict[str, object]:
    """What is kept."""
    return {number: [{k: getattr(f, k) for k in f.__slots__} for f in figures] for number, figures in found.items()}


def from_json(kept: dict[str, list[dict[str, object]]]) -> dict[str, list[Figure]]:
    """What was kept."""
    return {number: [Figure(**f) for f in figures] for number, figures in kept.items()}  # type: ignore[arg-type]


def table(found: dict[str, list[Figure]]) -> str:
    """The table of the page."""
    lines = ["| case | what is measured | asked | reached | runs |", "|---|---|---|---|---|"]
    for case in CASES:
        for place, figure in enumerate(found[case.number]):
            number, what = (case.number, f"{case.what}: ") if place == 0 else ("", "")
            asked, reached = _asked(figure), _said(figure, figure.value)
            lines.append(f"| {number} | {what}{figure.says} | {asked} | {reached} | {figure.runs:,} |")
    return "\n".join(lines)


def _asked(figure: Figure) -> str:
    return ("≤ " if figure.kind.endswith("at most") else "≥ ") + _said(figure, figure.limit)


def _said(figure: Figure, value: float) -> str:
    if figure.kind.startswith("rate"):
        return f"{100 * value:.3g} %"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def newest() -> dict[str, list[Figure]]:
    """The figures kept last."""
    path = sorted((Path(__file__).parent / "results").glob("*-statistics.json"))[-1]
    return from_json(json.loads(path.read_text())["figures"])


def write(found: dict[str, list[Figure]]) -> None:
    """Put the table into the page."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}")


def main() -> None:
    """Run, keep, write."""
    found = measured()
    keep("statistics", as_json(found))
    write(found)
    missed = [f"{number}: {f.says}" for number, figures in found.items() for f in figures if not f.fits()]
    if missed:
        raise SystemExit("limits missed: " + "; ".join(missed))
