"""The practice world: how fast a story plays headless, what live scoring adds, how fast it goes in by the real doors.

CPU seconds stand beside the wall's: on a machine that does other things too, they are what can be compared.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psutil

from bench.machine import keep
from homeostat.records.policy import Policy, reshaped
from homeostat.sim import lockstep, operator, product
from homeostat.sim.scenario import named
from homeostat.sim.serving import serving
from homeostat.sim.world import World

STORY: Final = "bad-prompt-release"
LENGTH: Final = 15_000
DOORS: Final = 50_000
#: Exchanges that are made before they are sent.
_PIECE: Final = 5_000
_SEED: Final = 7
_ALONE: Final = {"HOMEOSTAT_SCORING": "false", "HOMEOSTAT_WATCHING": "false"}


@dataclass
class Taken:
    """Seconds of the wall, and of the processors by process."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """For the results."""
        return {"seconds": round(self.seconds, 1), "cpu_seconds": {name: round(it, 1) for name, it in self.cpu.items()}}


@contextmanager
def taken() -> Iterator[Taken]:
    """What happens inside."""
    found, before, begun = Taken(), _cpu(), time.perf_counter()
    yield found
    found.seconds = time.perf_counter() - begun
    found.cpu = {name: value - before.get(name, 0.0) for name, value in _cpu().items()}


def _cpu() -> dict[str, float]:
    me = psutil.Process()
    found = {"world": sum(me.cpu_times()[:2])}
    for child in me.children(recursive=True):
        words = " ".join(child.cmdline())
        name = "edge" if "serve_edge" in words else "core" if "web.serve" in words else "supervisor"
        found[name] = found.get(name, 0.0) + sum(child.cpu_times()[:2])
    return found


def story(length: int, settings: Mapping[str, str], *, judges: bool) -> dict[str, Any]:
    """One scenario from its first exchange to its last."""
    scenario = named(STORY).sized(length)
    world = World(scenario, _SEED)
    with operator.shop(world, settings=settings, judges=judges) as (_, server, _):
        with taken() as took:
            played = lockstep.play(world, server)
        return took.said() | {"exchanges": played.exchanges, "signals": played.signals, "windows": played.windows}


def doors(count: int) -> dict[str, Any]:
    """So many exchanges and their signals, made, sent by OTLP and loaded, without scoring or watching."""
    world = World(replace(named(STORY), exchanges=count, onset=count - 1, per_day=100_000.0), _SEED)
    policy = Policy("default", 1, reshaped([], {"A": 1.0}))
    with serving(settings=_ALONE) as url, product.at(url) as server:
        server.advance(world.now)
        with taken() as took:
            while not world.finished:
                batch = world.until(world.now + 10**15, policy, world.count + _PIECE)
                server.tell(batch.exchanges)
                server.signal(batch.signals)
            server.advance(world.now)
        stored = server.get("/api/v1/accounting")["stored"]
        return took.said() | {"exchanges": world.count, "items_stored": stored}


def main(length: int = LENGTH, count: int = DOORS) -> None:
    """Through the doors; a story alone, watched, with scoring, and with a judge besides."""
    off = {"HOMEOSTAT_SCORING": "false"}
    figures: dict[str, object] = {
        "doors": doors(count),
        "story_alone": story(length, _ALONE, judges=False),
        "story_without_scoring": story(length, off, judges=False),
        "story_with_scoring": story(length, {}, judges=False),
        "story_with_scoring_and_judge": story(length, {}, judges=True),
        "load_of_the_machine": round(psutil.getloadavg()[0], 1),
    }
    keep("world", figures)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
