"""Exchanges of the practice world as labelled cases: ordinary answers, and what planted faults do to each dimension.

Made with another seed than `bench faults`, which measures.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from homeostat.records.policy import Policy, reshaped
from homeostat.sim.faults import FAULTS
from homeostat.sim.scenario import Effect, named
from homeostat.sim.world import World

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


def rows(dimension: str) -> list[dict[str, Any]]:
    """Ordinary rows, as many planted ones that harm the dimension, and some whose faults leave it alone."""
    found = [row | {"label": "good"} for row in traffic("", _ORDINARY)]
    for fault, harm in FAULTS.items():
        value = harm.get(dimension, 1.0)
        if not harm or 0.5 <= value < 1:
            continue
        few = _PLANTED if value < 0.5 else 10
        found += [row | {"label": "bad" if value < 0.5 else "good"} for row in traffic(fault, few)]
    return found
