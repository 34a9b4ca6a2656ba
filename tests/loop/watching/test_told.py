"""How an alarm about signals is told: as signals an answer."""

from __future__ import annotations

import pytest

from homeostat.act.monitors.onset import Change
from homeostat.loop.watching.told import _an_answer


def test_a_signal_beside_four_answers_is_a_quarter() -> None:
    told = _an_answer(Change(9, 8, 10, 0.2, 0.5, 0.4, None, 100))
    assert (told.before, told.since, told.since_high, told.n) == (0.25, 1.0, None, 50)
    assert told.since_low == pytest.approx(2 / 3)
    assert _an_answer(Change(9, 8, 10, 1.0, 0.0, 0.0, 0.1, 40)).n == 40
