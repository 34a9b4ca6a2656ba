"""A steady trickle is loaded in few loads; what comes alone, or in masses, is not kept waiting."""

from __future__ import annotations

from homeostat.loop.pace import APART, BEAT, FEW, ROW, Pace


def trickle(pace: Pace, loads: int, *, seconds: float, gap: float = 0.0) -> list[float]:
    """The pauses after so many small loads, each beginning `gap` after the pause before it."""
    now, pauses = 100.0, []
    for _ in range(loads):
        now += gap + seconds
        pauses.append(pace.pause(3, seconds, now=now))
        now += pauses[-1]
    return pauses


def test_a_trickle_is_loaded_in_fewer_loads_after_a_while() -> None:
    pauses = trickle(Pace(), ROW + 3, seconds=0.2)
    assert pauses[:ROW] == [0.4] * ROW
    assert pauses[ROW:] == [BEAT - 0.4] * 3


def test_what_waits_longest_is_visible_within_two_seconds() -> None:
    open_for = 0.4
    for seconds in (0.05, 0.2, 0.3):
        assert open_for + seconds + trickle(Pace(), ROW + 1, seconds=seconds)[-1] + seconds < 2


def test_loads_that_come_now_and_then_are_no_trickle() -> None:
    assert trickle(Pace(), 3 * ROW, seconds=0.2, gap=2 * APART) == [0.4] * 3 * ROW


def test_a_slow_machine_does_not_wait_longer_than_before() -> None:
    assert trickle(Pace(), 3 * ROW, seconds=0.9) == [0.8] * 3 * ROW


def test_a_large_load_ends_the_row_and_waits_for_nothing() -> None:
    pace = Pace()
    trickle(pace, 2 * ROW, seconds=0.1)
    assert pace.pause(FEW, 1.0, now=200.0) == 0
    assert pace.pause(1, 0.1, now=200.2) == 0.2
