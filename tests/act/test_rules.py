"""Automatic rollback: on evidence, with manners, and almost never of a healthy release."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.act import rules
from homeostat.act.rules import HOUR, Past
from homeostat.analyze.inference.experiment import harm_path, pseudo_outcomes, running_means
from homeostat.records.comparison import Comparison
from homeostat.records.policy import Policy, reshaped
from tests.act.monitors.test_joint import USUAL, bet, users

POLICY = Policy("default", 3, reshaped((), {"A": 0.9, "B": 0.1}), previous_good="A")
ONE = Comparison(
    "p", "default", "share(signal.thumbs=-1)", "signal", "B", "A", "up", 3, 0, 10 * HOUR, 1.0, 1.0, (40, 400),
    (0.3, 0.1), 0.2, 0.1, 0.3,
)  # fmt: skip
JUDGE = replace(ONE, measure="mean(score.relevance)", rung="judge", harmful="down")
NOW = 100 * HOUR


def held(found: list[Comparison], past: Past | None = None, policy: Policy = POLICY) -> list[str]:
    return [told.held or f"to {told.to}" for told in rules.due(policy, found, past or Past(), at=NOW)]


def test_it_acts_on_the_mean_of_the_evidence() -> None:
    assert held([replace(ONE, harm=100.0)]) == ["to A"]
    assert held([replace(ONE, harm=99.0)]) == []
    assert held([replace(ONE, measure="mean(cost)", rung="", harm=100.0)]) == ["to A"]
    assert held([replace(ONE, harm=101.0), replace(ONE, measure="x")]) == []
    assert held([replace(ONE, harm=200.0), replace(ONE, measure="x")]) == ["to A"]
    fact = replace(ONE, measure="share(status=error)", rung="")
    assert held([replace(ONE, harm=124.7), fact]) == []
    assert held([replace(ONE, harm=124.8), fact]) == ["to A"]  # what people say weighs four times a fact
    assert held([replace(ONE, harm=100.0)], policy=replace(POLICY, pieces=reshaped((), {"A": 1.0}))) == []


def test_all_measures_in_one_bet_count_half() -> None:
    assert held([replace(ONE, harm=1.0, joint=199.0, joint_alone=199.0)]) == ["to A"]
    assert held([replace(ONE, harm=1.0, joint=198.9, joint_alone=198.9)]) == []
    judged = [replace(one, joint=1e9, joint_alone=1.0) for one in (replace(JUDGE, harm=300.0), ONE)]
    assert held(judged) == ["judge-alone"], "what others say must suffice there too"


def test_a_judge_alone_does_nothing() -> None:
    assert held([replace(JUDGE, harm=1e9)]) == ["judge-alone"]
    assert held([replace(JUDGE, harm=1e9), replace(ONE, harm=3.9)]) == ["judge-alone"]
    assert held([replace(JUDGE, harm=1e9), replace(ONE, harm=4.0)]) == ["to A"]
    assert held([replace(JUDGE, harm=1e9), replace(ONE, rung="human", harm=4.0)]) == ["to A"]
    assert held([JUDGE, replace(ONE, harm=200.0)]) == ["to A"]


@pytest.mark.parametrize(
    ("past", "why"),
    [
        (Past(rollbacks=(NOW - HOUR + 1,)), "cool-down"),
        (Past(rollbacks=(NOW - HOUR,)), "to A"),
        (Past(rollbacks=(NOW - 2 * HOUR, NOW - 5 * HOUR, NOW - 23 * HOUR)), "too-many-today"),
        (Past(rollbacks=(NOW - 2 * HOUR, NOW - 5 * HOUR, NOW - 24 * HOUR)), "to A"),
        (Past(suspects={"A"}), "target-under-incident"),
        (Past(suspects={"B"}), "to A"),
        (Past(judged=True), "hold-back"),
    ],
)
def test_manners(past: Past, why: str) -> None:
    assert held([replace(ONE, harm=1e6)], past) == [why]


def test_a_bad_majority_goes_back_to_what_was_good() -> None:
    policy = Policy("default", 3, reshaped((), {"B": 0.6, "C": 0.4}), previous_good="A")
    found = [replace(ONE, candidate="B", baseline="C", harm=1e3)]
    assert held(found, policy=policy) == ["to A"]
    assert held(found, policy=replace(policy, previous_good="B")) == ["no-target"]


def simulated(runs: int, quality: float, seed: int, measures: int = 6, users: int = 3_000) -> list[int | None]:
    """Users of the canary until it is rolled back; None: never. Measures of one user agree with each other."""
    rng = np.random.default_rng(seed)
    ends: list[int | None] = []
    for _ in range(runs):
        treated = rng.random(users) < 0.1
        latent = rng.normal(size=users)
        paths = []
        for _each in range(measures):
            noise = 0.6 * latent + 0.8 * rng.normal(size=users)
            good = noise < np.where(treated, _normal(quality), _normal(0.85))
            m1, m0 = running_means(treated, good)
            paths.append(harm_path(pseudo_outcomes(treated, good, 0.1, m1=m1, m0=m0), 0.1))
        over = np.flatnonzero(np.mean(paths, axis=0) >= 100)
        ends.append(int(treated[: over[0] + 1].sum()) if len(over) else None)
    return ends


def _normal(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def test_a_healthy_release_is_left_alone() -> None:
    """At most one in a hundred is asked for; 300 runs with a limit that chance passes once in a thousand."""
    assert sum(end is not None for end in simulated(300, 0.85, 6)) <= 9


def test_a_bad_one_is_found_soon() -> None:
    ends = simulated(40, 0.60, 7)
    assert all(end is not None for end in ends)
    assert np.median([end for end in ends if end is not None]) <= 60


@pytest.mark.nightly
def test_a_healthy_release_is_left_alone_in_many_runs() -> None:
    assert sum(end is not None for end in simulated(4_000, 0.85, 8)) <= 60


def together_with_the_one_bet(runs: int, seed: int) -> int:
    """Healthy canaries that are asked to go back by what decides: half the mean of the evidence, half the one bet."""
    rng, over = np.random.default_rng(seed), 0
    for run in range(runs):
        share = (0.05, 0.1, 0.5)[run % 3]
        treated, good = users(rng, 3_000, share, USUAL)
        paths = []
        for column in good.T:
            here = ~np.isnan(column)
            arm, y = treated[here].astype(bool), column[here].astype(bool)
            m1, m0 = running_means(arm, y)
            path = np.r_[1.0, harm_path(pseudo_outcomes(arm, y, share, m1=m1, m0=m0), share)]
            paths.append(path[np.cumsum(here)])
        mean, joint, most = np.mean(paths, axis=0), bet(share), 0.0
        for at in range(0, len(treated), 25):
            joint = joint.seen(treated[at : at + 25], good[at : at + 25])
            most = max(most, (joint.of_harm + mean[at : at + 25][-1]) / 2)
        over += most >= 100
    return over


@pytest.mark.nightly
def test_a_healthy_release_is_left_alone_by_all_measures_together() -> None:
    assert together_with_the_one_bet(1_500, 20_261_121) <= 28
