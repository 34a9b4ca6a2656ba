"""A segment is counted once, whatever dies when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homeostat.records.outcome import Outcome
from homeostat.store.ledger import Ledger, LedgerError, marks, outcomes, segments

HOUR = datetime(2026, 11, 20, 7, tzinfo=UTC)
NUMBER = 1_790_000_000_000_000 << 12 | 4095


def test_the_life_of_a_segment(ledger: Ledger) -> None:
    assert segments.state(ledger, NUMBER) is None
    assert segments.intend(ledger, NUMBER) is False
    assert segments.state(ledger, NUMBER) == "loading"
    assert segments.intend(ledger, NUMBER) is True
    assert (segments.attempts(ledger, NUMBER), segments.unfinished(ledger)) == (2, [NUMBER])
    segments.finish(ledger, NUMBER, [Outcome("p", "stored", 5)], [("p", HOUR, 1)])
    assert segments.state(ledger, NUMBER) == "loaded"
    assert segments.unfinished(ledger) == []


def test_finishing_counts_and_marks(ledger: Ledger) -> None:
    for number, hour in ((1, HOUR), (2, HOUR + timedelta(hours=1)), (3, HOUR)):
        segments.intend(ledger, number)
        told = [
            Outcome("p", "stored", 5),
            Outcome("p", "stored", 2),
            Outcome("p", "rejected", 1, "duplicate"),
            Outcome("q", "expired", 4),
            Outcome("q", "erased", 0),
        ]
        segments.finish(ledger, number, iter(told), [("p", hour, 1), ("p", hour, 2), ("q", hour, 1)])
    assert outcomes.totals(ledger, "p") == {"stored": 21, "rejected": {"duplicate": 3}, "expired": 0, "erased": 0}
    assert outcomes.totals(ledger, None) == {"stored": 21, "rejected": {"duplicate": 3}, "expired": 12, "erased": 0}
    assert marks.dirty(ledger, "p", HOUR, HOUR + timedelta(hours=2)) == [(HOUR, 3), (HOUR + timedelta(hours=1), 3)]
    assert {mark for *_, mark in marks.all(ledger, 10)} == {2, 3}


def test_finishing_twice_is_refused_and_counts_nothing(ledger: Ledger) -> None:
    segments.intend(ledger, 1)
    segments.finish(ledger, 1, [Outcome("p", "stored", 5)], [])
    with pytest.raises(LedgerError, match="twice"):
        segments.finish(ledger, 1, [Outcome("p", "stored", 5)], [("p", HOUR, 1)])
    with pytest.raises(LedgerError, match="loaded already"):
        segments.intend(ledger, 1)
    assert outcomes.totals(ledger, "p")["stored"] == 5
    assert marks.all(ledger, 10) == []


def test_finishing_what_nobody_began_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        segments.finish(ledger, 1, [Outcome("p", "stored", 5)], [])
    assert outcomes.totals(ledger, None)["stored"] == 0


def test_forgetting_keeps_what_is_under_way(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        segments.intend(ledger, number)
    for number in (1, 3):
        segments.finish(ledger, number, [], [])
    assert segments.forget(ledger, 3) == 1
    assert [segments.state(ledger, number) for number in (1, 2, 3)] == [None, "loading", "loaded"]
