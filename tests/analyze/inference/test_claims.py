"""Verdicts: what may be said on each rung, and that too little data says so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.analyze.inference.before_after import before_after, correlation
from homeostat.analyze.inference.claims import Expected, less, outcome
from homeostat.analyze.inference.confidence import RatioMoments
from homeostat.analyze.inference.holdback import holdback
from homeostat.analyze.inference.replay import replay
from homeostat.analyze.inference.switchback import drawn, switchback

UP, DOWN = Expected(0.1), Expected(0.1, up=False)


def users(p: float, n: int, seed: int) -> RatioMoments:
    return RatioMoments.of(np.random.default_rng(seed).random(n) < p, np.ones(n))


def test_direction_turns_the_verdict() -> None:
    ends = [(0.02, 0.2), (-0.2, -0.02), (-0.03, 0.03), (-0.3, 0.3)]
    assert [outcome(*e, UP) for e in ends] == ["worked", "harmed", "no-effect", "not-enough-data"]
    assert [outcome(*e, DOWN) for e in ends] == ["harmed", "worked", "no-effect", "not-enough-data"]
    assert outcome(float("nan"), 1.0, UP) == "not-enough-data"
    assert outcome(-np.inf, np.inf, UP) == "not-enough-data"
    assert less(0.01, 0.05, UP) == ("less-than-expected",)
    assert less(-0.05, -0.01, DOWN) == ("less-than-expected",)


@pytest.mark.parametrize("at_least", [0.0, -1.0, float("nan"), float("inf")])
def test_an_action_expects_something(at_least: float) -> None:
    with pytest.raises(ValueError, match="at_least"):
        Expected(at_least)


@pytest.mark.parametrize(("new", "old", "said"), [(0.8, 0.6, "worked"), (0.6, 0.8, "harmed"), (0.7, 0.7, "no-effect")])
def test_holdback(new: float, old: float, said: str) -> None:
    verdict = holdback(users(new, 9000, 1), users(old, 3000, 2), UP, planned=10_000)
    assert (verdict.outcome, verdict.claim, verdict.rung) == (said, "caused", "randomised")
    assert verdict.low <= new - old <= verdict.high
    assert (verdict.evidence >= 20) == (said != "no-effect")
    assert verdict.units == 12_000


def test_holdback_with_few_users() -> None:
    verdict = holdback(users(0.9, 5000, 1), users(0.1, 20, 2), UP, planned=5000)
    assert (verdict.outcome, verdict.claim, verdict.notes) == ("not-enough-data", "nothing", ("too-few-units",))
    same = RatioMoments.of(np.ones(100), np.ones(100))
    assert holdback(same, same, UP, planned=200).outcome == "not-enough-data"


def test_switchback_enumerates_small_designs_exactly() -> None:
    """Twelve blocks have 924 orders: the p-value is that of scipy's exact permutation test."""
    rng = np.random.default_rng(0)
    on = drawn(12, rng)
    y = rng.normal(size=12) + 1.0 * on
    theirs = stats.permutation_test(
        (y[on], y[~on]), lambda a, b: np.mean(a) - np.mean(b), n_resamples=np.inf, alternative="two-sided"
    )
    ours = switchback(y, on, UP, rng=rng)
    # Ours counts the order in use once more, as a drawn sample must.
    assert ours.p == pytest.approx((1 + round(theirs.pvalue * 924)) / 925, abs=1.5 / 925)


def test_switchback_on_a_clear_effect() -> None:
    rng = np.random.default_rng(8)
    on = drawn(16, rng)
    verdict = switchback(0.7 + 0.2 * on + 0.01 * rng.normal(size=16), on, UP, rng=rng)
    assert (verdict.outcome, verdict.claim) == ("worked", "caused-unless-carried-over")
    assert verdict.low < 0.2 < verdict.high
    assert verdict.high - verdict.low < 0.05
    down = switchback(0.7 - 0.2 * on, on, UP, rng=rng)
    assert down.outcome == "harmed"


def test_switchback_needs_blocks() -> None:
    rng = np.random.default_rng(2)
    assert switchback(np.zeros(10), np.arange(10) < 5, UP, rng=rng).notes == ("too-few-blocks",)
    assert switchback(np.zeros(14), np.zeros(14), UP, rng=rng).notes == ("too-few-blocks",)
    assert switchback(np.zeros(14), drawn(14, rng), UP, rng=rng).outcome in ("no-effect", "not-enough-data")
    for wrong in (10, 13):
        with pytest.raises(ValueError, match="even"):
            drawn(wrong, rng)
    with pytest.raises(ValueError):
        switchback([np.nan] * 12, np.arange(12) < 6, UP, rng=rng)


def test_replay() -> None:
    rng = np.random.default_rng(3)
    old = rng.random(80) * 0.5
    verdict = replay(old, np.clip(old + 0.3, 0, 1), UP)
    assert (verdict.outcome, verdict.claim, verdict.rung) == ("worked", "holds-for-these-cases", "replay")
    assert verdict.estimate == pytest.approx(0.3)
    assert verdict.low < 0.3 < verdict.high
    assert verdict.evidence >= 20
    assert replay(np.clip(old + 0.3, 0, 1), old, UP).outcome == "harmed"
    assert replay([], [], UP).outcome == "not-enough-data"
    assert replay(old, old, UP).outcome == "no-effect"


def test_replay_of_cases_that_only_fluctuate() -> None:
    rng, said = np.random.default_rng(4), 0
    for _ in range(200):
        said += replay(rng.random(40), rng.random(40), UP).outcome in ("worked", "harmed")
    assert said <= stats.binom.ppf(0.99, 200, 0.05)


def test_before_and_after_never_says_caused() -> None:
    rng = np.random.default_rng(5)
    for effect in (-0.3, 0.0, 0.3):
        for controls in (None, (0.7 + 0.01 * rng.normal(size=(2, 20)), 0.7 + 0.01 * rng.normal(size=(2, 20)))):
            verdict = before_after(
                0.6 + 0.02 * rng.normal(size=20),
                0.6 + effect + 0.02 * rng.normal(size=20),
                UP,
                controls=controls,
                returned=50.0,
            )
            assert verdict.rung == "before-after"
            assert verdict.claim in ("moved-with-the-action", "moved-more-than-controls", "back-inside-band")
            if verdict.outcome != "not-enough-data":
                assert "other-causes-not-excluded" in verdict.notes


@pytest.mark.parametrize(("effect", "outcome", "notes"), [
    (0.2, "worked", ()),
    (0.09, "not-enough-data", ("less-than-expected",)),
    (0.05, "no-effect", ("less-than-expected",)),
])  # fmt: skip
def test_what_moved_less_than_expected_may_have_drifted(effect: float, outcome: str, notes: tuple[str, ...]) -> None:
    around = 0.02 * np.resize([1.0, -1.0], 24)
    verdict = before_after(0.6 + around, 0.6 + effect + around, UP)
    assert (verdict.outcome, verdict.notes) == (outcome, (*notes, "other-causes-not-excluded"))
    assert verdict.claim == "moved-with-the-action"
    turned = before_after(0.6 + around, 0.6 - effect + around, DOWN)
    assert (turned.outcome, turned.notes) == (verdict.outcome, verdict.notes)


def test_controls_take_off_what_moved_everywhere() -> None:
    rng = np.random.default_rng(6)
    noise = [0.02 * rng.normal(size=24) for _ in range(4)]
    fresh, after = 0.6 + noise[0], 0.8 + noise[1]
    controls = (0.6 + noise[2], 0.8 + noise[3])
    assert before_after(fresh, after, UP).outcome == "worked"
    verdict = before_after(fresh, after, UP, controls=controls)
    assert verdict.outcome == "no-effect"
    assert verdict.claim == "nothing"


def test_acted_at_once_only_the_band_can_be_claimed() -> None:
    verdict = before_after([], np.full(20, 0.8), UP, returned=50.0)
    assert (verdict.outcome, verdict.claim, verdict.evidence) == ("not-enough-data", "back-inside-band", 50.0)
    assert before_after([], np.full(20, 0.8), UP, returned=19.0).claim == "nothing"
    assert verdict.notes == ("no-fresh-data-before-the-action",)
    assert before_after(np.zeros(2), np.zeros(20), UP).notes == ("too-few-blocks",)
    assert before_after(np.zeros(8), np.zeros(8), UP).outcome == "not-enough-data"  # nothing varies: nothing is known


def test_correlation_of_neighbours() -> None:
    rng = np.random.default_rng(7)
    for rho in (0.0, 0.5, 0.8):
        found = []
        for _ in range(300):
            x = np.zeros(80)
            for i in range(1, 80):
                x[i] = rho * x[i - 1] + rng.normal()
            found.append(correlation(x[20:50], x[50:]))
        assert np.mean(found) == pytest.approx(rho, abs=0.08)
    assert correlation(np.ones(10)) == 0.0
