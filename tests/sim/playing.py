"""A world played without a server: releases by the scenario's own policy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from scipy.stats import binom

from homeostat.records.policy import Policy, reshaped
from homeostat.sim import wire
from homeostat.sim.exchange import Exchange
from homeostat.sim.lockstep import window
from homeostat.sim.scenario import Scenario, named
from homeostat.sim.world import Batch, World


@dataclass
class Alone:
    """What a world did by itself."""

    world: World
    exchanges: list[Exchange] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)
    digest: str = ""


def batches(world: World) -> Iterator[Batch]:
    """Window by window, the policy changed when the scenario says so."""
    scenario = world.scenario
    steps = sorted(scenario.policy, key=lambda step: step.at)
    policy = Policy("default", 1, reshaped([], {scenario.releases[0].name: 1.0}))
    while not world.finished:
        while steps and steps[0].at <= world.count:
            policy = Policy("default", policy.version + 1, reshaped(policy.pieces, steps.pop(0).shares))
        yield world.until(world.now + window(scenario), policy, steps[0].at if steps else None)


def alone(scenario: Scenario, seed: int) -> Alone:
    """The whole story, and a hash over everything that would have been sent."""
    played, summed = Alone(World(scenario, seed)), hashlib.sha256()
    for batch in batches(played.world):
        played.exchanges += batch.exchanges
        played.signals += batch.signals
        summed.update(wire.body(batch.exchanges, scenario.told))
        summed.update(repr(batch.signals).encode())
    played.digest = summed.hexdigest()
    return played


@cache
def told(name: str, seed: int = 11) -> Alone:
    """A scenario that comes with the package, played once."""
    return alone(named(name), seed)


def fits(hits: int, n: int, share: float, error: float = 1e-6) -> bool:
    """Would so many hits of n be seen where the share is this? Exact binomial, both sides."""
    return bool(min(binom.cdf(hits, n, share), binom.sf(hits - 1, n, share)) > error / 2)
