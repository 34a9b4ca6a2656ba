"""Who is served by which release: shares hit, users stick, nobody moves without need."""

from __future__ import annotations

import doctest
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.records import policy as policies
from homeostat.records import release as releases
from homeostat.records import template
from homeostat.records.policy import RING, Policy, Shadow, assign, reshaped

SHARES = st.dictionaries(
    st.sampled_from("abcde"), st.integers(0, 1000).map(lambda n: n / 1000), min_size=1, max_size=5
).filter(lambda shares: sum(shares.values()) > 0)


@pytest.mark.parametrize("module", [policies, template])
def test_what_its_examples_say_is_so(module):
    assert doctest.testmod(module).failed == 0


def test_ninety_to_ten_is_hit_within_half_a_percent_and_sticks():
    policy = Policy("chat", 1, reshaped([], {"A": 0.9, "B": 0.1}))
    first = [assign(policy, user=f"user-{n}").release for n in range(100_000)]
    assert abs(Counter(first)["B"] / 100_000 - 0.1) < 0.005
    assert first == [assign(policy, user=f"user-{n}", session=str(n), request=str(n)).release for n in range(100_000)]


def test_who_need_not_move_does_not_move():
    before = Policy("chat", 1, reshaped([], {"A": 0.9, "B": 0.1}))
    after = Policy("chat", 2, reshaped(before.pieces, {"A": 0.7, "B": 0.3}))
    users = [f"user-{n}" for n in range(20_000)]
    moves = Counter((assign(before, user=user).release, assign(after, user=user).release) for user in users)
    assert moves["B", "A"] == 0
    assert abs(moves["A", "B"] / 20_000 - 0.2) < 0.015


@given(SHARES, SHARES)
def test_exactly_as_much_of_the_ring_moves_as_must(before, after):
    old = reshaped([], before)
    new = reshaped(old, after)
    for pieces in (old, new):
        assert [start for start, _, _ in pieces] == [0, *(end for _, end, _ in pieces[:-1])]
        assert pieces[-1][1] == RING
    was, now = _sizes(old), _sizes(new)
    stayed = sum(
        max(0, min(end, other_end) - max(start, other_start))
        for start, end, name in old
        for other_start, other_end, other in new
        if name == other
    )
    assert stayed == sum(min(was[name], now[name]) for name in was)
    for name, share in after.items():
        assert abs(now[name] - RING * share / sum(after.values())) <= 1


def test_going_back_to_the_old_shares_brings_everybody_back():
    start = reshaped([], {"A": 0.9, "B": 0.1})
    back = reshaped(reshaped(start, {"A": 1.0}), {"A": 0.9, "B": 0.1})
    assert _sizes(back) == _sizes(start)


def test_a_session_decides_where_the_policy_says_so_and_a_pin_always_wins():
    pieces = reshaped([], {"A": 0.5, "B": 0.5})
    by_session = Policy("chat", 1, pieces, sticky="session", pinned={"vip": "B"})
    seen = {assign(by_session, user=f"u{n}", session="s").release for n in range(50)}
    assert len(seen) == 1
    assert assign(by_session, user="vip", session="s").why == "pinned"
    by_request = Policy("chat", 1, pieces, sticky="request")
    assert {assign(by_request, user="u", request=str(n)).release for n in range(50)} == {"A", "B"}


@pytest.mark.parametrize("shares", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}, {"a": float("nan")}, {"a": float("inf")}])
def test_shares_that_mean_nothing_are_refused(shares):
    with pytest.raises(ValueError, match="Shares"):
        reshaped([], shares)


def test_policy_and_release_survive_json():
    policy = Policy(
        "chat", 3, reshaped([], {"A": 1.0}), "session", {"u": "A"}, Shadow("B", 0.1), "A", "s", "t", "me", "why"
    )
    assert policies.from_json(policies.as_json(policy)) == policy
    release = releases.Release(
        "r", "m", "v", "e", "p", 2, "Hi {{x}}", ({"role": "user", "content": "q"},), {"t": 0.0}, ("f",)
    )
    assert releases.from_json(releases.as_json(release)) == release
    assert (
        releases.Release("other", "m").digest == releases.Release("one", "m").digest != releases.Release("one").digest
    )


def _sizes(pieces):
    sizes = Counter()
    for start, end, release in pieces:
        sizes[release] += end - start
    return sizes
