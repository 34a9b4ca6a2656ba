"""What sways a judge is found where it is, and not found where it is not."""

from __future__ import annotations

import math
import random

import pytest

from homeostat.analyze.judges.bias import by_length, by_position, evidence_of_change
from homeostat.analyze.judges.reading import Unreadable, Verdict


def asked_twice(rng: random.Random, better: float, habit: float) -> tuple[Verdict, Verdict]:
    """A judge that takes the first one, whatever it is, with this chance; else the better one."""
    forward = 1.0 if rng.random() < habit else better
    swapped = 1.0 if rng.random() < habit else 1 - better
    return Verdict(forward, "", "r"), Verdict(swapped, "", "r")


def test_a_judge_that_prefers_the_first_is_seen() -> None:
    rng = random.Random(1)
    swayed = by_position([asked_twice(rng, rng.choice((0.0, 1.0)), 0.3) for _ in range(200)])
    assert swayed.low > 0.5
    fair = by_position([asked_twice(rng, rng.choice((0.0, 1.0)), 0.0) for _ in range(200)])
    assert fair.n == 0 and math.isnan(fair.value), "it never changed sides with the order"
    assert by_position([(Unreadable("x"), Verdict(1.0, "first", "r"))]).n == 0


def test_a_judge_that_likes_long_answers_is_seen_and_long_good_answers_are_no_sign_of_it() -> None:
    rng = random.Random(2)
    lengths = [rng.randrange(20, 2000) for _ in range(600)]
    truth = [float(rng.random() < 0.4 + length / 4000) for length in lengths]
    fair = by_length(truth, truth, lengths)
    assert fair.low <= 0 <= fair.high
    fooled = [
        max(good, float(length > 1000 and rng.random() < 0.5)) for good, length in zip(truth, lengths, strict=True)
    ]
    assert by_length(fooled, truth, lengths).low > 0
    assert math.isnan(by_length([1.0] * 5, [1.0] * 5, [1] * 5).value)


def test_evidence_of_change_is_honest_and_sees_a_lenient_judge() -> None:
    rng = random.Random(3)
    alarms = 0
    for _ in range(2000):  # nothing changed: verdicts come and go by chance, and as many rise as fall
        before = [float(rng.random() < 0.5) for _ in range(40)]
        alarms += evidence_of_change(before, [float(rng.random() < 0.5) for _ in before]) >= 20
    assert alarms <= 2000 / 20
    assert evidence_of_change([0.0] * 20 + [1.0] * 20, [1.0] * 40) > 1000
    assert evidence_of_change([0.5] * 10, [0.5] * 10) == pytest.approx(1.0)
