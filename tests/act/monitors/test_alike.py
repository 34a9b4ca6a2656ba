"""How much later values of a unit weigh: as much as they may, so that what units have in common is no change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from homeostat.act.monitors import alike
from homeostat.act.monitors.bets import COLUMNS, factors
from homeostat.act.monitors.detectors import TURNS
from homeostat.analyze.inference.arrays import Bools, Floats, Ints

#: Shares of units that ask one thing, two, … in an hour: as in a shop; three each; as many as count.
SHOP: Floats = np.array([38, 26, 15, 10, 5, 3, 2, 1]) / 100
THREE, MOST = np.eye(TURNS)[2], np.eye(TURNS)[-1]


def _units(rng: np.random.Generator, units: int, sizes: Floats, r: float, line: float) -> tuple[Floats, Ints]:
    """Ranks of values by unit and turn (NaN: none, or the unit was bad before), correlated so; and what is seen."""
    size = 1 + rng.choice(TURNS, units, p=sizes)
    value = r**0.5 * rng.normal(size=(units, 1)) + (1 - r) ** 0.5 * rng.normal(size=(units, TURNS))
    rank = norm.sf(value)
    there = np.arange(TURNS) < size[:, None]
    bad, worse = (np.cumsum((rank < part) & there, axis=1) - ((rank < part) & there) > 0 for part in (line, 0.5))
    later, turn = there & (np.arange(TURNS) > 0), np.broadcast_to(np.arange(TURNS), rank.shape)
    seen = alike.counted(
        1, np.zeros(int(later.sum()), np.int64), worse[later], (rank < 0.5)[later], ~bad[later], turn[later]
    )
    return np.where(there & ~bad, rank, np.nan), seen


def _beyond(line: float) -> Bools:
    """Bets that win beyond what is bad: of these only a part is laid on later values."""
    rank = np.linspace(0.0001, 0.9999, 4_000)
    each = factors(rank, np.arange(len(rank)), len(rank))
    found: Bools = np.array([(rank[one > 0] > _within(line)).any() for one in each.T])
    return found


def _within(line: float) -> float:
    return max(0.1, 0.75 * line)


def _means(rng: np.random.Generator, sizes: Floats, r: float, line: float, units: int) -> tuple[Floats, Floats]:
    """Of every bet the mean of its factor over all that a unit brings, and the standard error of that mean."""
    _, seen = _units(rng, 1_500, sizes, r, line)
    part = alike.part(seen)
    rank, _ = _units(rng, units, sizes, r, line)
    total = np.zeros((units, COLUMNS))
    for turn in range(TURNS):
        here = np.flatnonzero(~np.isnan(rank[:, turn]))
        p = rank[here, turn]
        if turn:  # later ones are ranked among later ones
            p = (np.argsort(np.argsort(p)) + 0.5) / max(1, len(p))
            total[here] += factors(
                p, np.arange(len(p)), len(p), np.full(len(p), _within(line)), np.repeat(part, len(p))
            )
        else:
            total[here] += factors(p, np.arange(len(p)), len(p))
    made = np.exp(total)
    return made.mean(axis=0), made.std(axis=0) / units**0.5


def _holds(seed: int, units: int) -> None:
    for at, (sizes, r, line) in enumerate(
        (sizes, r, line) for sizes in (SHOP, THREE, MOST) for r in (0.0, 0.1, 0.3, 0.8) for line in (0.1, 0.33)
    ):
        mean, error = _means(np.random.default_rng([seed, at]), sizes, r, line, units)
        won = (mean - 1 - 4.5 * error)[_beyond(line)]
        assert (won <= 0.002).all(), (r, line, won.max())


def test_what_a_unit_brings_wins_nothing_however_alike_it_is() -> None:
    _holds(1, 8_000)


@pytest.mark.nightly
def test_what_a_unit_brings_wins_nothing_in_many() -> None:
    _holds(2, 100_000)


@pytest.mark.parametrize("r", [0.0, 0.1, 0.3, 0.8])
def test_where_nothing_is_bad_everybody_goes_on_and_wins_nothing(r: float) -> None:
    """Values of which five of six are the worst that there can be, all of them counted, to a power in every bet."""
    units, most = 20_000, 5 / 6
    for at, sizes in enumerate((SHOP, THREE, MOST)):
        rng = np.random.default_rng([5, at])
        value = r**0.5 * rng.normal(size=(units, 1)) + (1 - r) ** 0.5 * rng.normal(size=(units, TURNS))
        worst = norm.sf(value) < most
        there = np.arange(TURNS) <= rng.choice(TURNS, units, p=sizes)[:, None]
        had = np.cumsum(worst & there, axis=1) - (worst & there) > 0
        later, turn = there & (np.arange(TURNS) > 0), np.broadcast_to(np.arange(TURNS), there.shape)
        later[2_000:] = False  # what is seen first says how much the rest may weigh
        n = int(later.sum())
        seen = alike.counted(1, np.zeros(n, np.int64), had[later], worst[later], np.ones(n, dtype=bool), turn[later])
        part = alike.part(seen, np.array([True]))
        total = np.zeros((units, COLUMNS))
        for each in range(TURNS):
            here = np.flatnonzero(there[:, each])
            chance = rng.random(len(here))
            p = np.where(worst[here, each], chance * most, most + chance * (1 - most))
            limits = (np.zeros(len(p)), np.repeat(part, len(p))) if each else (None, None)
            total[here] += factors(p, np.arange(len(p)), len(p), *limits)
        made = np.exp(total)
        assert (made.mean(axis=0) <= 1.002 + 4.5 * made.std(axis=0) / units**0.5).all()


def test_without_that_likeness_would_win() -> None:
    """The simulation sees what it is to see: in full, later values of units that are alike win."""
    rng = np.random.default_rng(3)
    rank, _ = _units(rng, 20_000, MOST, 0.3, 0.1)
    total = np.zeros((len(rank), COLUMNS))
    for turn in range(TURNS):
        here = np.flatnonzero(~np.isnan(rank[:, turn]))
        p = (np.argsort(np.argsort(rank[here, turn])) + 0.5) / len(here)
        total[here] += factors(p, np.arange(len(p)), len(p))
    made = np.exp(total)
    assert (made.mean(axis=0) > 1.1 + 4 * made.std(axis=0) / len(made) ** 0.5).any()


def test_what_is_not_known_weighs_nothing_and_the_independent_much() -> None:
    rng = np.random.default_rng(4)
    few, many, same = (alike.part(_units(rng, n, SHOP, r, 0.1)[1]) for n, r in ((5, 0.0), (3_000, 0.0), (3_000, 0.9)))
    assert few[0] < 0.4 and many[0] > 0.75 and same[0] == 0


def test_half_is_forgotten() -> None:
    known = np.array([[20_000, 10_000, 10_000, 5_000, 1_000, 2_000]])
    assert alike.added(known, np.zeros((1, alike.FIELDS), np.int64)).tolist() == [
        [10_000, 5_000, 5_000, 2_500, 500, 1_000]
    ]
