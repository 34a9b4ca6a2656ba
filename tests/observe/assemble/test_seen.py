"""The filter never forgets what it should know, and seldom takes new for known."""

from __future__ import annotations

import numpy as np

from homeostat.observe.assemble.seen import Seen


def keys(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 2**63, count, dtype=np.uint64)


def test_what_was_added_is_known_and_new_is_new() -> None:
    seen = Seen(bits=22)
    known = keys(1, 150_000)
    for part in np.array_split(known, 7):
        seen.add(part, 1)
    assert seen.maybe(known).all()
    assert seen.maybe(keys(2, 100_000)).mean() < 0.002
    assert seen.since == 0


def test_nothing_may_be_the_first_that_comes() -> None:
    """A new server may get scores and signals first, and no span at all."""
    seen = Seen()
    seen.add(np.zeros(0, np.uint64), 1)
    assert seen.since == 0 and not seen.maybe(np.ones(3, np.uint64)).any()


def test_the_oldest_generation_goes_and_says_so() -> None:
    seen = Seen(bits=18, generations=2)
    parts = [keys(n, 10_000) for n in range(4)]
    for received, part in enumerate(parts):
        seen.add(part, 100 + received)
    assert seen.maybe(np.concatenate(parts[2:])).all()
    assert seen.since == 102
    assert seen.maybe(parts[0]).mean() < 0.1
