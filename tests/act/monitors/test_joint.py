"""The bet on all measures of a trial: honest while nothing is worse, and sooner sure when several are."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from homeostat.act.monitors.crowd import CROWD, Crowd, Said
from homeostat.act.monitors.joint import Joint
from homeostat.act.monitors.seen import Seen
from homeostat.analyze.inference.arrays import Floats

USUAL = np.array([0.85, 0.99, 0.75, 0.9, 0.97, 0.999, 0.5, 0.985, 0.3, 0.8])
SAID = np.array([0.25, 1, 1, 1, 1, 1, 1, 0.3, 1, 0.1])
"""How many users say something of each measure."""


def users(rng: np.random.Generator, n: int, share: float, worse: Floats) -> tuple[Floats, Floats]:
    """Arm and outcomes; whoever is hard to please is so by every measure."""
    treated = (rng.random(n) < share).astype(float)
    usual = np.where(treated[:, None] == 1, worse, USUAL)
    mood = rng.normal(0, 0.8, (n, 1))
    good = (rng.random((n, len(USUAL))) < 1 / (1 + (1 - usual) / usual * np.exp(-mood))).astype(float)
    good[rng.random(good.shape) > SAID] = np.nan
    return treated, good


def greatest(joint: Joint, treated: Floats, good: Floats) -> float:
    """What the evidence reached, looked at after every 25 users."""
    found = 0.0
    for at in range(0, len(treated), 25):
        joint = joint.seen(treated[at : at + 25], good[at : at + 25])
        found = max(found, joint.of_harm)
    return found


def bet(share: float) -> Joint:
    return Joint.new(share).having(tuple("abcdefghij"))


@pytest.mark.parametrize(("share", "rate"), [(0.5, 0.5), (0.25, 0.8)])
def test_without_a_difference_nothing_is_won_on_average(share: float, rate: float) -> None:
    """Over every way in which three users may turn out: exactly."""
    start = Joint.new(share).having(("one", "other"))
    expected = 0.0
    for path in product(product((0.0, 1.0), repeat=3), repeat=3):
        chance = np.prod([
            (share if arm else 1 - share) * np.prod([rate if good else 1 - rate for good in words])
            for arm, *words in path
        ])  # fmt: skip
        arms, words = np.array([one[0] for one in path]), np.array([one[1:] for one in path])
        expected += chance * start.seen(arms[:1], words[:1]).seen(arms[1:], words[1:]).of_harm
    assert expected == pytest.approx(1.0, abs=1e-9)


def test_several_that_are_a_little_worse_are_sure_together() -> None:
    worse = USUAL.copy()
    worse[[0, 1, 2, 9]] = [0.7, 0.92, 0.68, 0.55]
    rng = np.random.default_rng(11)
    assert sum(greatest(bet(0.1), *users(rng, 3000, 0.1, worse)) >= 40 for _ in range(10)) >= 9


def test_better_is_no_harm() -> None:
    better = np.minimum(USUAL + 0.1, 0.9999)
    rng = np.random.default_rng(5)
    assert max(greatest(bet(0.1), *users(rng, 2000, 0.1, better)) for _ in range(10)) < 20


@pytest.mark.nightly
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_releases_that_are_alike_are_blamed_seldom(share: float) -> None:
    rng = np.random.default_rng()
    found = np.array([greatest(bet(share), *users(rng, 3000, share, USUAL)) for _ in range(1000)])
    assert (found >= 20).sum() <= 76, "5 %, and what chance adds in one of a thousand nights"
    assert (found >= 100).sum() <= 23


def said(measure: str, *rows: tuple[int, int, bool, float]) -> Said:
    """(user, minute, candidate, good)"""
    unit, minute, treated, good = (np.array(each) for each in zip(*rows, strict=True))
    return Said(measure, unit.astype(np.uint64), minute, treated, np.ones(len(rows)), good.astype(float))


def test_a_user_enters_once_with_the_mean_of_the_first_minutes() -> None:
    crowd, seen = Crowd(), Seen()
    crowd.hear([said("one", (7, 3, True, 1.0), (7, 4, True, 0.0), (5, 4, False, 1.0), (7, 9, True, 0.0))], seen, 5)
    crowd.hear([said("other", (7, 5, True, 0.25), (7, 8, True, 0.0))], seen, 5)
    treated, good = crowd.over(10, 7)
    assert treated.tolist() == [1.0]
    assert good.tolist() == [[0.5, 0.25]]
    crowd.hear([said("one", (7, 20, True, 0.0))], seen, 5)
    treated, good = crowd.over(30, 7)
    assert treated.tolist() == [0.0]
    assert good[0, 0] == 1.0
    assert np.isnan(good[0, 1])


def test_in_a_crowd_nobody_waits_long() -> None:
    crowd, seen = Crowd(), Seen()
    for minute in range(6):
        crowd.hear([said("one", *((minute * CROWD + n, minute, n % 10 == 0, 1.0) for n in range(CROWD)))], seen, 5)
        treated, _ = crowd.over(minute + 1, 7)
        assert len(treated) == (CROWD if minute >= 1 else 0), "two minutes, and others come all the time"
    crowd.hear([said("one", *((9_000 + n, 6, False, 1.0) for n in range(3)))], seen, 5)
    assert len(crowd.over(11, 7)[0]) == 0, "after these only three came"
    assert len(crowd.over(12, 7)[0]) == CROWD


def test_it_comes_back_as_it_was() -> None:
    rng = np.random.default_rng(3)
    one = bet(0.1).seen(*users(rng, 200, 0.1, USUAL))
    again = Joint.from_fields(0.1, one.to_fields())
    more = users(rng, 200, 0.1, USUAL * 0.9)
    assert again.seen(*more).of_harm == one.seen(*more).of_harm
