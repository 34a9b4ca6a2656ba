"""Expectation and evidence make a verdict, by the ladder: the best rung that the action allowed speaks.

1. *canary*: the release that was left and the one that serves were compared on users put to them by chance, before the
   action. That says what was wrong; the users who were moved must also be seen back inside the band.
2. *holdback*: some users stayed on the old release; what differs since was caused.
3. *turns*: both releases served everybody by turns, in an order drawn at random.
4. *before*: nobody stayed. "Before" is what came in between the alert and the action, which nobody picked.

A lower rung is asked only when the deadline has come and the higher one could not decide; the two are never mixed in
one number, and the verdict names the one that spoke. Where there is none but the last, that it worked is said as soon
as users make it sure; of a segment not before the deadline, as the rest of the traffic must be asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.analyze.inference import claims
from homeostat.analyze.inference.band import VERIFIED, Level, Return
from homeostat.analyze.inference.before_after import LEAST_BLOCKS, before_after
from homeostat.analyze.inference.confidence import RatioMoments, apart
from homeostat.analyze.inference.holdback import holdback
from homeostat.analyze.inference.switchback import switchback
from homeostat.records.action import Action, Expectation
from homeostat.records.comparison import Comparison
from homeostat.records.verdict import Outcome, Rung, Verdict

Floats = NDArray[np.float64]
#: Of a mean that lies beyond its band already: so much evidence says that it stays there.
ALPHA: Final = 0.05
#: Of a hold-back, which may be looked at any time before the deadline and once when it comes: what each may spend.
LOOKING, AT_THE_END = 0.01, 0.04
#: Of users before and after: so much evidence, twice, is as sure as the interval of blocks. Together they err in one
#: case of twenty.
TWICE: Final = 40.0
_FEW: Final = 20
_Z: Final = 1.645
_Z_END: Final = 2.054


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen. Anything may be missing."""

    due: bool
    """The deadline has come: there will be no more."""
    canary: Comparison | None = None
    """As it stood when the action was taken."""
    both: tuple[RatioMoments, RatioMoments] | None = None
    """Users of the release that stayed and of the one that was left, while both served: for measures that the
    comparison has no interval for."""
    moved: Floats | None = None
    """One value for each user who was moved, since the action."""
    arms: tuple[RatioMoments, RatioMoments] | None = None
    """Hold-back: on the new release, on the old one, since the action."""
    planned: float = 1_000.0
    fresh: Floats | None = None
    """Block means between the alert and the action, and after it."""
    after: Floats | None = None
    controls: tuple[Floats, Floats] | None = None
    turns: tuple[Floats, NDArray[np.bool_]] | None = None
    """Switchback: the mean of each turn, and which were the new release's."""
    present: tuple[int, int, int, int] | None = None
    """For data that had stopped: blocks with data and all blocks, before the action and after it."""
    users: Floats | None = None
    """One value for each user since the action, whoever they are."""
    fresh_users: Floats | None = None
    """The same between the alert and the action."""
    spread: float | None = None
    """Variance of such values before the action: it makes good bets, it is no assumption."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What stands in the verdict beside the numbers."""


def judged(action: Action, seen: Evidence, *, at: int) -> Verdict | None:
    """The verdict as of now; None: there is nothing to say yet."""
    if seen.present is not None:
        return _present(action, seen, at)
    if seen.turns is not None:
        drawn = np.random.default_rng([action.id, len(seen.turns[0])])
        return _record(action, switchback(*seen.turns, _expected(action.expects), rng=drawn), seen, at)
    if seen.canary is not None:
        told = _canary(action, seen, seen.canary, at)
        if told is not None:
            return told
    if seen.arms is not None:
        found = _of_arms(seen.arms, seen, action.expects)
        if found.outcome != "not-enough-data":
            return _record(action, found, seen, at)
    if seen.fresh is None or seen.after is None:
        return _nothing(action, seen, at) if seen.due else None
    returned = back(seen.users, action.expects, seen.spread)
    by_users = _by_users(seen, action.expects, returned)
    if not seen.due:  # what was expected is there, and sure at any time; what is not there may still come
        early = by_users is not None and by_users.outcome == "worked" and not action.expects.where
        return _record(action, by_users, seen, at) if by_users and early else None
    found = before_after(seen.fresh, seen.after, _expected(action.expects), controls=seen.controls, returned=returned)
    behind = sum(len(each) for each in (seen.users, seen.fresh_users) if each is not None)
    found = replace(found, units=behind or found.units)
    if found.outcome == "not-enough-data":
        found = by_users or found
    return _record(action, found, seen, at)


def _of_arms(arms: tuple[RatioMoments, RatioMoments], seen: Evidence, expects: Expectation) -> claims.Verdict:
    """Those who stayed beside those who went: always valid while it runs, and one look at the end for what is left."""
    found = holdback(*arms, _expected(expects, LOOKING), planned=seen.planned)
    if found.outcome in ("worked", "harmed") or min(float(arm.n) for arm in arms) < _FEW:
        return found
    if not seen.due:
        return found if not _may_harm(found, expects) else replace(found, outcome="not-enough-data", claim="nothing")
    new, old = arms
    half = _Z_END * math.sqrt(float(apart(new, old)))
    estimate = float(new.ratio - old.ratio)
    low, high = estimate - half, estimate + half
    said = claims.outcome(low, high, _expected(expects, AT_THE_END))
    claim: claims.Allowed = "nothing" if said == "not-enough-data" else "caused"
    notes = claims.less(low, high, _expected(expects)) if said == "worked" else ()
    return claims.Verdict(said, "randomised", claim, estimate, low, high, found.units, notes=notes)


def _may_harm(found: claims.Verdict, expects: Expectation) -> bool:
    """It helps less than expected, and may still do as much harm: that is asked on."""
    worst = found.low if expects.direction == "up" else -found.high
    return worst < -expects.at_least


def _by_users(seen: Evidence, expects: Expectation, returned: float) -> claims.Verdict | None:
    """Blocks are too few to say, or the time is not over: users tell whether the measure was surely outside before the
    action, and surely is inside since; or surely still is outside. Other causes are not excluded by that either."""
    if seen.users is None or min(len(seen.users), 0 if seen.fresh_users is None else len(seen.fresh_users)) < _FEW:
        return None
    assert seen.fresh_users is not None
    was_out = still_out(seen.fresh_users, expects, seen.spread)
    is_out = still_out(seen.users, expects, seen.spread)
    said: Outcome
    if was_out >= TWICE and returned >= TWICE:
        said = "worked"
    elif is_out >= VERIFIED:
        said = "no-effect"
    else:
        return None
    parts = [float(each.var(ddof=1)) / len(each) for each in (seen.fresh_users, seen.users)]
    estimate, half = float(seen.users.mean() - seen.fresh_users.mean()), 1.96 * math.sqrt(sum(parts))
    claim: claims.Allowed = "moved-with-the-action" if said == "worked" else "nothing"
    units = len(seen.users) + len(seen.fresh_users)
    return claims.Verdict(
        said, "before-after", claim, estimate, estimate - half, estimate + half, units, evidence=returned,
        notes=("other-causes-not-excluded",),
    )  # fmt: skip


def back(users: Floats | None, expects: Expectation, spread: float | None = None) -> float:
    """Evidence that a measure is inside its band again; NaN where there is no band, or it cannot be tested.

    >>> back(np.full(80, 0.9), Expectation("m", "up", 0.1, 0, low=0.7)) > VERIFIED
    True
    """
    low, high = expects.low, expects.high
    if users is None or not len(users) or (low is None and high is None):
        return math.nan
    lo, hi = 0.0 if low is None else low, 1.0 if high is None else high
    if not 0 <= lo <= hi <= 1 or users.min() < 0 or users.max() > 1:
        return math.nan
    band = Return.new([lo], [hi], variance=_variance(spread)).seen([len(users)], [users.sum()], [(users * users).sum()])
    return float(min(band.evidence[0], 1e300))


def still_out(users: Floats | None, expects: Expectation, spread: float | None = None) -> float:
    """Evidence that it lies outside, on the side that the action was to bring it back from."""
    edge = expects.low if expects.direction == "up" else expects.high
    if users is None or not len(users) or edge is None or not 0 < edge < 1 or users.min() < 0 or users.max() > 1:
        return math.nan
    level = Level.new([edge], "below" if expects.direction == "up" else "above", variance=_variance(spread))
    return float(min(level.seen([len(users)], [users.sum()], [(users * users).sum()]).evidence[0], 1e300))


def _canary(action: Action, seen: Evidence, found: Comparison, at: int) -> Verdict | None:
    """What was wrong is known; whether those who were moved are well is asked. None: another rung must speak."""
    estimate, low, high = _difference(action, seen, found)
    if low is None or high is None:
        return None
    up = action.expects.direction == "up"
    better = (low > 0 if up else high < 0) or _together(found)
    returned = back(seen.moved, action.expects, seen.spread)
    out = still_out(seen.moved, action.expects, seen.spread)
    n = sum(found.users) + (0 if seen.moved is None else len(seen.moved))
    about = {
        "harm": found.harm, "harm_together": found.joint, "users": list(found.users), "means": list(found.means),
        "moved_users": 0 if seen.moved is None else len(seen.moved),
        "moved_mean": None if seen.moved is None or not len(seen.moved) else float(seen.moved.mean()),
        "returned": _finite(returned), "still_out": _finite(out),
    }  # fmt: skip
    said: Outcome
    if seen.due and not returned >= VERIFIED:  # one look, when the time is up; beyond 0 to 1 there are no bets at all
        once = _once(seen.moved, action.expects, seen.spread)
        returned = once if math.isnan(returned) else max(returned, once)
    if better and returned >= VERIFIED:
        said = "worked"
    elif out >= VERIFIED:
        said = "no-effect"
    elif seen.due:
        said = "not-enough-data"
    else:
        return None
    claim = "caused" if said == "worked" else "nothing"
    return Verdict(
        action.id, action.project, at, said, "randomised", found.measure, estimate, low, high, n, claim,
        final=True, evidence={**seen.about, **about},
    )  # fmt: skip


def _together(found: Comparison) -> bool:
    """All measures together were sure of harm when it was moved, and this one leaned the same way."""
    if found.joint is None or found.estimate is None:
        return False
    return found.joint >= VERIFIED and (found.estimate > 0) == (found.harmful == "up")


def _difference(action: Action, seen: Evidence, found: Comparison) -> tuple[float | None, float | None, float | None]:
    """What going back changes for a user: estimate and interval."""
    if found.low is not None and found.high is not None and found.estimate is not None:
        return -found.estimate, -found.high, -found.low
    if seen.both is None:
        return None, None, None
    told = holdback(*seen.both, _expected(action.expects), planned=seen.planned)
    return _finite(told.estimate), _finite(told.low), _finite(told.high)


def _once(users: Floats | None, expects: Expectation, spread: float | None) -> float:
    """The same question asked once, at the end: twenty to one by the mean and its error; else 1. The error is no
    smaller than users differed before: a handful that is all alike proves less than it seems to."""
    edge = expects.low if expects.direction == "up" else expects.high
    if users is None or len(users) < _FEW or edge is None:
        return 1.0
    error = math.sqrt(max(float(users.var(ddof=1)), spread or 0.0) / len(users))
    apart = float(users.mean()) - edge if expects.direction == "up" else edge - float(users.mean())
    return VERIFIED if error > 0 and apart / error >= _Z else 1.0


def _present(action: Action, seen: Evidence, at: int) -> Verdict | None:
    """Data that had stopped comes again, or it does not."""
    assert seen.present is not None
    had, before, have, after = seen.present
    if after < LEAST_BLOCKS:
        return _nothing(action, seen, at) if seen.due else None
    share = have / after
    was = had / before if before else 0.0
    low, high = _wilson(have, after)
    said: Outcome = "worked" if low > 0.5 and share > was else "no-effect" if high < 0.5 else "not-enough-data"
    if said != "worked" and not seen.due:
        return None
    about = {**seen.about, "of": "blocks of time with data", "before": was}
    claim = "back-inside-band" if said == "worked" else "nothing"
    return Verdict(
        action.id, action.project, at, said, "before-after", action.expects.measure, share - was, low - was,
        high - was, after, claim, evidence=about,
    )  # fmt: skip


def _record(action: Action, found: claims.Verdict, seen: Evidence, at: int) -> Verdict:
    rung: Rung = found.rung
    claim = {"holds-for-these-cases": "fixes-these-cases", "caused-unless-carried-over": "caused-by-turns"}.get(
        found.claim, found.claim
    )
    about = {
        **seen.about, "notes": list(found.notes), "e": _finite(found.evidence), "p": _finite(found.p),
    }  # fmt: skip
    return Verdict(
        action.id, action.project, at, found.outcome, rung, action.expects.measure, _finite(found.estimate),
        _finite(found.low), _finite(found.high), found.units, claim, evidence=about,
    )  # fmt: skip


def _nothing(action: Action, seen: Evidence, at: int) -> Verdict:
    return Verdict(
        action.id, action.project, at, "not-enough-data", "none", action.expects.measure, None, None, None, 0,
        "nothing", evidence=dict(seen.about),
    )  # fmt: skip


def _variance(spread: float | None) -> list[float] | None:
    return None if spread is None else [min(max(spread, 1e-3), 0.25)]


def _expected(expects: Expectation, alpha: float = ALPHA) -> claims.Expected:
    return claims.Expected(max(expects.at_least, 1e-9), expects.direction == "up", alpha)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    p, q = hits / n, z * z / n
    middle, half = (p + q / 2) / (1 + q), z * math.sqrt(p * (1 - p) / n + q / (4 * n)) / (1 + q)
    return middle - half, middle + half
