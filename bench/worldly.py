"""Exchanges of the practice world as labelled cases: ordinary answers, and what planted faults do to each dimension.

Made with another seed than `bench faults`, which measures. Training reads what was kept, so that it gives the same
weights after the world has changed: `python -m bench.worldly` keeps it anew, and weights are to be trained again then.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from homeostat.records.policy import Policy, reshaped
from homeostat.sim.faults import FAULTS
from homeostat.sim.scenario import Effect, named
from homeostat.sim.world import World

KEPT: Final = Path(__file__).parents[1] / "tests" / "analyze" / "cases" / "practice.json.gz"
_SEED: Final = 77
_ORDINARY: Final = 260
_PLANTED: Final = 60


@lru_cache(maxsize=32)
def traffic(fault: str, count: int) -> tuple[dict[str, Any], ...]:
    """So many rows with a fault, or without any."""
    effects = (Effect("answers", {"fault": fault, "share": 0.5}),) if fault else ()
    if fault == "wrong_language":
        effects = (*effects, Effect("languages", {"shares": {"de": 0.4, "fr": 0.3}}))
    scenario = replace(named("weekend"), exchanges=count * (4 if fault else 2) + 100, onset=1, effects=effects)
    world = World(scenario, _SEED)
    made = world.until(world.now + 400 * 86_400 * 10**9, Policy("default", 1, reshaped([], {"A": 1.0}))).exchanges
    wanted = {row.number for row in world.book.rows if row.answer and row.fault == fault}
    return tuple(
        {"input": one.question, "output": one.answer, "documents": [each.text for each in one.documents]}
        for one in made
        if one.number in wanted
    )[:count]


@lru_cache(maxsize=1)
def _kept() -> dict[str, list[dict[str, Any]]]:
    held: dict[str, list[dict[str, Any]]] = json.loads(gzip.decompress(KEPT.read_bytes()))
    return held


def rows(dimension: str) -> list[dict[str, Any]]:
    """Ordinary rows, as many planted ones that harm the dimension, and some whose faults leave it alone."""
    found = [row | {"label": "good"} for row in _kept()[""]]
    for fault, harm in FAULTS.items():
        value = harm.get(dimension, 1.0)
        if not harm or 0.5 <= value < 1 or fault not in _kept():
            continue
        few = _PLANTED if value < 0.5 else 10
        found += [row | {"label": "bad" if value < 0.5 else "good"} for row in _kept()[fault][:few]]
    return found


def main() -> None:
    """Keep what the world says today."""
    held = {"": traffic("", _ORDINARY)} | {fault: traffic(fault, _PLANTED) for fault, harm in FAULTS.items() if harm}
    KEPT.write_bytes(gzip.compress(json.dumps(held, ensure_ascii=False).encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
