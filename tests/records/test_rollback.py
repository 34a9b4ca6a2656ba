"""What a rollback makes of a policy."""

from __future__ import annotations

from dataclasses import replace

from homeostat.records.policy import Policy, Shadow, assign, reshaped
from homeostat.records.rollback import Rollback, as_json, from_json, rolled_back

CANARY = Policy(
    "chat", 3, reshaped([], {"A": 0.9, "B": 0.1}), pinned={"vip": "B", "me": "A"}, shadow=Shadow("C"), previous_good="A"
)
BACK = Rollback("r1", "anna", "2026-11-21T10:00:00+00:00", "2026-11-21T10:00:01+00:00", reason="rude")


def test_all_traffic_goes_to_the_good_release() -> None:
    after = rolled_back(CANARY, BACK)
    assert after is not None
    assert (after.shares, after.shadow, after.pinned) == ({"A": 1.0}, None, {"me": "A"})
    assert (after.version, after.updated_by, after.reason, after.updated_at) == (4, "anna", "rude", BACK.at)
    assert {assign(after, user=user).release for user in ("vip", "me", *map(str, range(200)))} == {"A"}


def test_a_release_by_name_wins_and_the_good_one_stays() -> None:
    after = rolled_back(CANARY, replace(BACK, to="Z"))
    assert after is not None
    assert (after.shares, after.previous_good, after.pinned) == ({"Z": 1.0}, "A", {})


def test_going_back_twice_changes_nothing() -> None:
    once = rolled_back(CANARY, BACK)
    assert once is not None
    assert rolled_back(once, replace(BACK, id="r2")) is once


def test_there_may_be_nothing_to_go_back_to() -> None:
    assert rolled_back(replace(CANARY, previous_good=""), BACK) is None
    named = rolled_back(replace(CANARY, previous_good=""), replace(BACK, to="B"))
    assert named is not None and named.previous_good == "B"


def test_it_survives_json() -> None:
    assert from_json(as_json(BACK)) == BACK
