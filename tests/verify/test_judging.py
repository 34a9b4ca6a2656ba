"""Verdicts: each rung says no more than it may, and an inert action is almost never called a success."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from homeostat.analyze.inference.confidence import RatioMoments
from homeostat.analyze.inference.switchback import drawn
from homeostat.records.action import Action, Expectation
from homeostat.records.comparison import Comparison
from homeostat.records.verdict import Verdict
from homeostat.verify.judging import Evidence, back, judged, still_out

EXPECTS = Expectation("mean(score.relevance)", "up", 0.1, 1_000, "before", {}, 0.70, None)
ACTION = Action(7, "p", "by-hand", "update-knowledge", {"what": "x"}, EXPECTS, "done", "anna")
CANARY = Comparison(
    "p", "default", "mean(score.relevance)", "engine", "B", "A", "down", 3, 0, 10, 150.0, 0.1, (50, 400), (0.6, 0.85),
    -0.25, -0.4, -0.1,
)  # fmt: skip


def said(evidence: Evidence, expects: Expectation = EXPECTS) -> Verdict | None:
    return judged(replace(ACTION, expects=expects), evidence, at=10)


def users(n: int, quality: float, seed: int = 0) -> Any:
    return (np.random.default_rng(seed).random(n) < quality).astype(float)


def arm(n: int, quality: float, seed: int) -> RatioMoments:
    return RatioMoments.of(users(n, quality, seed), np.ones(n))


def test_a_canary_needs_its_comparison_and_its_users() -> None:
    canary = replace(EXPECTS, control="canary", low=0.683)
    assert said(Evidence(False, canary=CANARY), canary) is None
    assert said(Evidence(False, canary=CANARY, moved=users(15, 0.85)), canary) is None
    worked = said(Evidence(False, canary=CANARY, moved=users(150, 0.85)), canary)
    assert worked is not None
    assert (worked.outcome, worked.rung, worked.claim) == ("worked", "randomised", "caused")
    assert (worked.estimate, worked.low, worked.high) == (0.25, 0.1, 0.4)
    out = said(Evidence(False, canary=CANARY, moved=users(150, 0.45)), canary)
    assert out is not None and out.outcome == "no-effect"
    late = said(Evidence(True, canary=CANARY, moved=users(15, 0.85)), canary)
    assert late is not None and (late.outcome, late.claim) == ("not-enough-data", "nothing")


def test_few_users_who_are_surely_well_suffice_at_the_deadline() -> None:
    canary = replace(EXPECTS, control="canary", low=0.9)
    few = np.r_[np.ones(49), np.zeros(1)]
    assert said(Evidence(False, canary=CANARY, moved=few, spread=0.03), canary) is None
    worked = said(Evidence(True, canary=CANARY, moved=few, spread=0.03), canary)
    assert worked is not None and worked.outcome == "worked"
    unlike = said(Evidence(True, canary=CANARY, moved=few, spread=0.2), canary)
    assert unlike is not None and unlike.outcome == "not-enough-data", "users differ more than these do"


def test_a_comparison_that_does_not_exclude_zero_never_worked() -> None:
    vague = replace(CANARY, high=0.02)
    late = said(Evidence(True, canary=vague, moved=users(300, 0.85)), replace(EXPECTS, control="canary"))
    assert late is not None and late.outcome == "not-enough-data"


@pytest.mark.parametrize(("joint", "estimate", "outcome"), [
    (20.0, -0.25, "worked"), (19.9, -0.25, "not-enough-data"), (1e9, 0.01, "not-enough-data"),
])  # fmt: skip
def test_but_for_all_measures_together_being_sure(joint: float, estimate: float, outcome: str) -> None:
    vague = replace(CANARY, high=0.02, estimate=estimate, joint=joint)
    late = said(Evidence(True, canary=vague, moved=users(300, 0.85)), replace(EXPECTS, control="canary"))
    assert late is not None
    assert late.outcome == outcome


def test_a_measure_that_shall_fall() -> None:
    thumbs = replace(CANARY, measure="share(signal.thumbs=-1)", harmful="up", means=(0.4, 0.1), estimate=0.3, low=0.1,
                     high=0.5)  # fmt: skip
    expects = Expectation("share(signal.thumbs=-1)", "down", 0.1, 1_000, "canary", {}, None, 0.3)
    worked = said(Evidence(False, canary=thumbs, moved=users(200, 0.1)), expects)
    assert worked is not None and worked.outcome == "worked"
    assert (worked.estimate, worked.low, worked.high) == (-0.3, -0.5, -0.1)


def test_a_measure_without_bounds_is_asked_about_once_at_the_end() -> None:
    slow = replace(CANARY, measure="mean(latency_ms)", harmful="up", means=(900.0, 500.0), estimate=400.0, low=None,
                   high=None)  # fmt: skip
    expects = Expectation("mean(latency_ms)", "down", 130.0, 1_000, "canary", {}, None, 770.0)
    rng = np.random.default_rng(3)
    times = [RatioMoments.of(rng.gamma(4, mean / 4, n), np.ones(n)) for mean, n in ((500.0, 500), (900.0, 60))]
    seen = Evidence(False, canary=slow, both=(times[0], times[1]), moved=rng.gamma(4, 125.0, 100))
    assert said(seen, expects) is None
    worked = said(replace(seen, due=True), expects)
    assert worked is not None and (worked.outcome, worked.rung) == ("worked", "randomised")
    assert worked.high is not None and worked.high < 0
    still = said(replace(seen, due=True, moved=rng.gamma(4, 225.0, 100)), expects)
    assert still is not None and still.outcome == "not-enough-data"


def test_the_holdback_speaks_first_and_the_lower_rung_only_at_the_end() -> None:
    held = replace(EXPECTS, control="holdback")
    arms = (arm(900, 0.85, 1), arm(100, 0.5, 2))
    worked = said(Evidence(False, arms=arms), held)
    assert worked is not None and (worked.rung, worked.claim) == ("randomised", "caused")
    vague = (arm(60, 0.7, 3), arm(55, 0.68, 4))
    assert said(Evidence(False, arms=vague), held) is None
    rng = np.random.default_rng(5)
    fresh, after = 0.6 + 0.02 * rng.normal(size=20), 0.85 + 0.02 * rng.normal(size=20)
    lower = said(Evidence(True, arms=vague, fresh=fresh, after=after), held)
    assert lower is not None and (lower.outcome, lower.rung) == ("worked", "before-after")
    assert lower.claim in ("moved-with-the-action", "moved-more-than-controls")


def test_with_too_few_blocks_users_on_both_sides_may_tell() -> None:
    blocks = {"fresh": np.full(4, 0.55), "after": np.full(4, 0.85)}
    worked = said(Evidence(True, **blocks, fresh_users=users(300, 0.55, 1), users=users(300, 0.85, 2)))
    assert worked is not None
    assert (worked.outcome, worked.rung, worked.claim) == ("worked", "before-after", "moved-with-the-action")
    assert worked.low is not None and worked.low > 0.15
    still = said(Evidence(True, **blocks, fresh_users=users(300, 0.55, 3), users=users(300, 0.56, 4)))
    assert still is not None and (still.outcome, still.claim, still.n) == ("no-effect", "nothing", 600)
    picked = said(Evidence(True, **blocks, fresh_users=users(300, 0.70, 5), users=users(300, 0.85, 6)))
    assert picked is not None and picked.outcome == "not-enough-data", "it was not surely out before"


def test_without_a_holdback_that_it_worked_is_said_when_users_are_sure_and_the_rest_at_the_end() -> None:
    blocks = {"fresh": np.full(4, 0.55), "after": np.full(4, 0.85)}
    early = said(Evidence(False, **blocks, fresh_users=users(300, 0.55, 1), users=users(300, 0.85, 2)))
    assert early is not None and (early.outcome, early.rung, early.final) == ("worked", "before-after", True)
    assert said(Evidence(False, **blocks, fresh_users=users(300, 0.55, 3), users=users(300, 0.56, 4))) is None
    alone = replace(EXPECTS, where={"environment": "free"})
    assert said(Evidence(False, **blocks, fresh_users=users(300, 0.55, 1), users=users(300, 0.85, 2)), alone) is None
    many = {"fresh": 0.55 + 0.01 * np.arange(20), "after": 0.85 + 0.01 * np.arange(20)}
    assert said(Evidence(False, **many)) is None, "an interval of blocks is looked at once"


def test_the_last_look_at_a_holdback_needs_less() -> None:
    """Looks before the deadline spend a fifth of the error; what is left is one look."""
    held = replace(EXPECTS, control="holdback", at_least=0.05)
    ones = [np.arange(n) < good for n, good in ((900, 765), (90, 66))]
    arms = (RatioMoments.of(ones[0], np.ones(900)), RatioMoments.of(ones[1], np.ones(90)))
    assert said(Evidence(False, arms=arms), held) is None
    worked = said(Evidence(True, arms=arms), held)
    assert worked is not None and (worked.outcome, worked.rung) == ("worked", "randomised")


def test_what_may_still_be_harm_is_not_yet_no_effect() -> None:
    held = replace(EXPECTS, control="holdback", at_least=0.05)
    ones = [np.arange(n) < good for n, good in ((900, 630), (100, 84))]
    arms = (RatioMoments.of(ones[0], np.ones(900)), RatioMoments.of(ones[1], np.ones(100)))
    assert said(Evidence(False, arms=arms, planned=1_000), held) is None
    harmed = said(Evidence(True, arms=arms), held)
    assert harmed is not None and (harmed.outcome, harmed.rung) == ("harmed", "randomised")


def test_acted_at_once_there_is_nothing_to_compare() -> None:
    seen = Evidence(True, fresh=np.zeros(0), after=np.full(24, 0.85), users=users(300, 0.85))
    told = said(seen)
    assert told is not None
    assert (told.outcome, told.claim) == ("not-enough-data", "back-inside-band")


def test_data_that_had_stopped() -> None:
    came = said(Evidence(True, present=(0, 12, 24, 24)))
    assert came is not None and came.outcome == "worked"
    still = said(Evidence(True, present=(0, 12, 0, 24)))
    assert still is not None and still.outcome == "no-effect"
    assert said(Evidence(False, present=(0, 12, 3, 4))) is None


def test_the_band() -> None:
    assert back(users(400, 0.85), EXPECTS) > 20 > back(users(400, 0.6), EXPECTS)
    assert still_out(users(200, 0.5), EXPECTS) > 20 > still_out(users(200, 0.85), EXPECTS)
    assert np.isnan(back(np.array([250.0, 300.0]), EXPECTS))
    assert np.isnan(back(None, EXPECTS))


def inert(runs: int, seed: int, rho: float = 0.5) -> int:
    """How often an action that did nothing is said to have worked: an alert picks a bad stretch, then it passes."""
    rng, claims = np.random.default_rng(seed), 0
    for _ in range(runs):
        noise = rng.normal(size=240)
        for t in range(1, len(noise)):
            noise[t] += rho * noise[t - 1]
        series = 0.8 + 0.03 * noise
        alert = 20 + int(np.argmin(np.convolve(series[20:150], np.ones(6) / 6, "valid"))) + 6
        fresh, after = series[alert : alert + 14], series[alert + 14 : alert + 54]
        expects = replace(EXPECTS, at_least=0.02, low=0.78)
        told = said(Evidence(True, fresh=fresh, after=after, users=users(300, 0.8, seed)), expects)
        claims += told is not None and told.outcome == "worked"
    return claims


def inert_canaries(runs: int, seed: int) -> int:
    """Rollbacks of canaries that were no worse: none may be said to have worked more often than chance allows."""
    rng, claims = np.random.default_rng(seed), 0
    for _ in range(runs):
        there, good = rng.binomial(60, 0.85) / 60, rng.binomial(500, 0.85) / 500
        half = 2.5 * np.sqrt(0.85 * 0.15 * (1 / 60 + 1 / 500))
        found = replace(CANARY, means=(there, good), estimate=there - good, low=there - good - half,
                        high=there - good + half)  # fmt: skip
        if there >= good:
            continue
        expects = replace(EXPECTS, control="canary", at_least=(good - there) / 3, low=there + (good - there) / 3)
        moved = users(150, 0.85, int(rng.integers(1 << 30)))
        told = said(Evidence(True, canary=found, moved=moved), expects)
        claims += told is not None and told.outcome == "worked"
    return claims


def inert_holdbacks(runs: int, seed: int) -> int:
    rng, claims = np.random.default_rng(seed), 0
    held = replace(EXPECTS, control="holdback", at_least=0.05)
    for _ in range(runs):
        told = None
        first, second = (rng.random(n) < 0.7 for n in (900, 100))
        for part in (0.5, 0.7, 0.85, 1.0):
            arms = [RatioMoments.of(x[: int(len(x) * part)], np.ones(int(len(x) * part))) for x in (first, second)]
            told = told or said(Evidence(part == 1.0, arms=(arms[0], arms[1])), held)
        claims += told is not None and told.outcome == "worked"
    return claims


def test_what_a_small_arm_has_not_seen_is_no_harm() -> None:
    """What fails once in two hundred times is well on either side; few users of the hold-back have met it."""
    rng, claims = np.random.default_rng(17), 0
    held = replace(EXPECTS, control="holdback", at_least=0.08)
    for _ in range(200):
        arms = [RatioMoments.of(rng.random(n) < 0.995, np.ones(n)) for n in (514, 57)]
        told = said(Evidence(True, arms=(arms[0], arms[1])), held)
        claims += told is not None and told.outcome in ("harmed", "worked")
    assert claims <= 14


def inert_users(runs: int, seed: int) -> int:
    """Too few blocks, and an action that changes nothing: users on either side of the level, or anywhere near."""
    rng, claims = np.random.default_rng(seed), 0
    for number in range(runs):
        quality = 0.70 + 0.02 * (number % 5 - 2)
        before, since = ((rng.random(n) < quality).astype(float) for n in (500, 900))
        blocks = (before[:500].reshape(5, -1).mean(1), since[:900].reshape(6, -1).mean(1))
        told = said(Evidence(True, fresh=blocks[0], after=blocks[1], users=since, fresh_users=before))
        claims += told is not None and told.outcome == "worked"
    return claims


def inert_turns(runs: int, seed: int) -> int:
    """A switchback between two releases that are alike, on days that remember the hour before, and get worse."""
    rng, claims = np.random.default_rng(seed), 0
    held = replace(EXPECTS, control="switchback", at_least=0.02)
    for number in range(runs):
        turns = 12 if number % 2 else 24
        noise = rng.normal(size=turns)
        for t in range(1, turns):
            noise[t] += 0.5 * noise[t - 1]
        values = 0.8 + 0.03 * noise - 0.1 * np.arange(turns) / turns
        told = said(Evidence(True, turns=(values, drawn(turns, rng))), held)
        claims += told is not None and told.outcome == "worked"
    return claims


def inert_drift(runs: int, seed: int) -> int:
    """The level wanders by a quarter of what was lost, and comes back but slowly."""
    rng, claims = np.random.default_rng(seed), 0
    for _ in range(runs):
        level = rng.normal(size=200)
        for t in range(1, len(level)):
            level[t] = 0.97 * level[t - 1] + np.sqrt(1 - 0.97**2) * level[t]
        every = (rng.random((200, 8)) < np.clip(0.6 + 0.05 * level, 0, 1)[:, None]).astype(float)
        before, since = every[:80].ravel(), every[80:].ravel()
        half = (0.8 - float(before.mean())) / 2
        expects = replace(EXPECTS, at_least=half, low=0.8 - half)
        blocks = [part[: len(part) // 12 * 12].reshape(12, -1).mean(1) for part in (before, since)]
        told = said(Evidence(True, fresh=blocks[0], after=blocks[1], users=since, fresh_users=before), expects)
        claims += told is not None and told.outcome == "worked"
    return claims


INERT = [inert, inert_canaries, inert_holdbacks, inert_users, inert_turns, inert_drift]


@pytest.mark.parametrize("what", INERT)
def test_an_inert_action_hardly_ever_worked(what: Any) -> None:
    """At most 5 %: in 300 runs at most 27 by chance (one in a thousand)."""
    assert what(300, 11) <= 27


@pytest.mark.nightly
@pytest.mark.parametrize("what", INERT)
def test_an_inert_action_hardly_ever_worked_in_many_runs(what: Any) -> None:
    assert what(3_000, 12) <= 187


def power(runs: int, quality: float, seed: int) -> float:
    """How often a rollback of a canary that did harm is said to have worked, in a practice world's numbers."""
    rng, found = np.random.default_rng(seed), 0
    canary = replace(EXPECTS, control="canary", low=0.6 + 0.25 / 3)
    for _ in range(runs):
        told = said(Evidence(True, canary=CANARY, moved=(rng.random(130) < quality).astype(float)), canary)
        found += told is not None and told.outcome == "worked"
    return found / runs


def test_turns_that_differ_are_seen_to() -> None:
    rng, found = np.random.default_rng(3), 0
    held = replace(EXPECTS, control="switchback", at_least=0.05)
    for _ in range(40):
        on = drawn(24, rng)
        values = 0.7 + 0.08 * on + rng.normal(0, 0.05, 24)
        told = said(Evidence(True, turns=(values, on)), held)
        assert told is not None and told.rung == "switchback"
        found += told.outcome == "worked" and told.claim == "caused-by-turns"
    assert found >= 34


def test_a_rollback_that_helped_is_seen_to() -> None:
    assert power(100, 0.85, 13) >= 0.9
    assert power(100, 0.60, 14) <= 0.02
