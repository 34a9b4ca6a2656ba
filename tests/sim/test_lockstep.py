"""How often the world looks at what the product decided."""

from __future__ import annotations

from homeostat.sim.lockstep import EXCHANGES_A_WINDOW, LONGEST, MINUTE, SHORTEST, Played, window
from homeostat.sim.scenario import named
from homeostat.sim.world import World


def exchanges(name: str, **more: int) -> float:
    return window(named(name), **more) / (24 * 60 * MINUTE) * named(name).per_day


def test_a_bad_release_is_looked_at_closely_and_never_costs_a_tenth_more() -> None:
    """What a comparison has taken decides: looking every hundred exchanges helps nobody after thousands of them."""
    name = "bad-canary"
    assert exchanges(name, compared=0) == exchanges(name, compared=900) <= 100
    for since in (1_200, 2_000, 3_000):
        assert 0.09 * since < exchanges(name, compared=since) <= 0.1 * since
    assert exchanges(name, compared=50_000) == exchanges(name) <= EXCHANGES_A_WINDOW
    assert SHORTEST <= window(named("weekend"), compared=0) < window(named("weekend")) <= LONGEST


def test_what_is_compared_since_when() -> None:
    played = Played(World(named("bad-canary"), 7))
    assert played.compared({"A": 1.0}) is None
    assert played.compared({"A": 0.9, "B": 0.1}) == 0, "decided, not seen yet"
    played.changes.append((-40, 0, {"A": 0.9, "B": 0.1}))
    assert played.compared({"A": 0.9, "B": 0.1}) == 40
    assert played.compared({"A": 0.5, "B": 0.5}) == 0, "other shares: from the beginning"
