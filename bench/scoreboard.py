"""Every story of the practice world, headless: `python -m bench.scoreboard [seed …] [name …]`.

Keeps the report and writes its table into docs/scoreboard.md. Long: a story takes a minute or more.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from bench.machine import keep
from homeostat.sim import lockstep, operator, scoreboard, words
from homeostat.sim.scenario import named, names
from homeostat.sim.world import World

PAGE: Final = Path(__file__).parents[1] / "docs" / "scoreboard.md"
HEAD: Final = """# The scoreboard

What Homeostat said of every story of the [practice world](practice-world.md), beside what was true.
`python -m bench.scoreboard` writes it; nothing here is edited by hand. *Found after*: exchanges from the onset to the
incident; *three oracles*: three times what somebody would need who knows the truth of every answer.
"""
DRIFT: Final = """## Drift

Users, questions, the world or the provider change, and no answer need be worse yet. Detectors made for it are to come;
this is what the watch of answers sees of it today.
"""


def row_of(name: str, seed: int) -> dict[str, Any]:
    """One story on a server of its own."""
    world = World(named(name), seed)
    with operator.shop(world) as (_, server, _):
        row = scoreboard.row(lockstep.play(world, server))
    print(f"{name} {seed}: {row['seconds']:.0f} s\n{words.summary(row)}", file=sys.stderr)
    return row


def page(rows: Sequence[dict[str, Any]], seconds: float) -> str:
    """The whole page: what is to be found, and apart from it drift, for which detectors of its own are to come."""
    drift = [row for row in rows if row["group"].endswith("-drift")]
    others = [row for row in rows if row not in drift]
    text = f"{HEAD}\n{_part(others)}\nThe whole took {seconds / 60:.0f} minutes.\n"
    return f"{text}\n{DRIFT}\n{_part(drift)}" if drift else text


def _part(rows: Sequence[dict[str, Any]]) -> str:
    return f"{words.totals(scoreboard.report(rows)['totals'])}\n\n{words.table(rows)}\n"


def main() -> None:
    """Play, keep, write."""
    seeds = [int(word) for word in sys.argv[1:] if word.isdigit()] or [7]
    chosen = [word for word in sys.argv[1:] if not word.isdigit()] or list(names())
    begun, rows = time.perf_counter(), []
    for seed in seeds:
        for name in chosen:
            rows.append(row_of(name, seed))
            gc.collect()
    seconds = time.perf_counter() - begun
    memory = psutil.Process().memory_info().rss >> 20
    keep("scoreboard", {**scoreboard.report(rows), "seconds": round(seconds), "world_rss_mb": memory})
    if set(chosen) == set(names()):
        PAGE.write_text(page(rows, seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
