"""Since when, and by how much."""

from __future__ import annotations

import numpy as np

from homeostat.act.monitors import onset
from homeostat.act.monitors.onset import change


def test_the_onset_lies_in_its_interval():
    hits = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        value = (rng.random(600) < np.where(np.arange(600) < 400, 0.1, 0.35)).astype(float)
        found = change(np.arange(600), value, True, "up")
        assert found is not None and found.since > found.before
        hits += found.low <= 400 <= found.high
    assert hits >= 44


def test_numbers_of_any_size():
    rng = np.random.default_rng(1)
    value = rng.lognormal(6, 0.5, 500) * np.where(np.arange(500) < 300, 1, 2)
    found = change(np.arange(500), value, False, "up")
    assert found is not None and abs(found.minute - 300) < 20
    assert found.since_low is not None and found.since_low < found.since < found.since_high


def test_too_few_to_say():
    assert change(np.arange(5), np.ones(5), True, "up") is None


def test_doctest():
    import doctest

    assert doctest.testmod(onset, extraglobs={"np": np}).failed == 0


def test_values_of_one_minute_stand_in_no_order() -> None:
    """Of answers and signals the signals of a minute are listed first: the first of all minutes is no change."""
    rng = np.random.default_rng(2)
    parts = [(at, np.sort(rng.random(20) < (0.15 if at < 60 else 0.05))[::-1]) for at in range(120)]
    minute = np.concatenate([np.full(20, at) for at, _ in parts])
    found = change(minute, np.concatenate([some for _, some in parts]).astype(float), True, "down")
    assert found is not None
    assert abs(found.minute - 60) <= 5
    assert found.before < 0.2
