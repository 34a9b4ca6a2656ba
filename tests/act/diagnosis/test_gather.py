"""From sums to what counts as moved."""

from __future__ import annotations

from homeostat.act.diagnosis.gather import _moved
from homeostat.store.warehouse.questions.diagnosis import Sums


def share(users: int, good: int) -> Sums:
    """One answer of each user, so many of them good."""
    return Sums(users, float(good), float(users), float(good), float(good), float(users))


def test_a_few_who_are_all_alike_are_no_surer_than_users_are() -> None:
    [answered] = _moved("mean(score.answered)", "text", {0: share(2_565, 2_534), 1: share(208, 208)})
    assert answered.after == 1.0 and not answered.moved
    assert abs(answered.z) < 2.5


def test_a_fall_of_a_share_is_seen() -> None:
    [answered] = _moved("mean(score.answered)", "text", {0: share(2_565, 2_534), 1: share(400, 352)})
    assert answered.moved and answered.z < -6
    [refused] = _moved("share(refused)", "text", {0: share(2_000, 0), 1: share(500, 25)})
    assert refused.moved


def test_with_too_few_users_nothing_is_said() -> None:
    assert list(_moved("mean(score.answered)", "text", {0: share(2_000, 1_900), 1: share(12, 2)})) == []
