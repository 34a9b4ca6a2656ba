"""An hour that changes while it is rebuilt stays dirty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from homeostat.store.ledger import Ledger, marks
from homeostat.store.ledger.marks import EVERY

HOUR = datetime(2026, 11, 20, 7, tzinfo=UTC)


def test_clear_only_what_did_not_move(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, EVERY)], 5)
    marks.add(ledger, [("p", HOUR, EVERY)], 9)
    assert marks.clear(ledger, "p", HOUR, 5) is False
    assert marks.dirty(ledger, "p", HOUR, HOUR + timedelta(hours=1)) == [(HOUR, EVERY)]
    assert marks.clear(ledger, "q", HOUR, 9) is False
    assert marks.clear(ledger, "p", HOUR, 9) is True
    assert marks.all(ledger, 10) == []


def test_an_older_segment_that_comes_late_moves_the_mark_too(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, EVERY)], 9)
    marks.add(ledger, [("p", HOUR, EVERY)], 5)
    assert marks.clear(ledger, "p", HOUR, 9) is False
    assert marks.all(ledger, 10) == [("p", HOUR, EVERY, 5)]


def test_dirty_is_of_one_project_and_half_open(ledger: Ledger) -> None:
    hours = [HOUR + timedelta(hours=n) for n in range(4)]
    for project in ("p", "q"):
        marks.add(ledger, [(project, hour, EVERY) for hour in hours], 1)
    assert [hour for hour, _ in marks.dirty(ledger, "p", hours[1], hours[3])] == hours[1:3]


def test_all_gives_the_longest_waiting_first(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, EVERY)], 8)
    marks.add(ledger, [("q", HOUR, EVERY)], 3)
    marks.add(ledger, [("p", HOUR + timedelta(hours=1), EVERY)], 5)
    assert [mark for *_, mark in marks.all(ledger, 2)] == [3, 5]


def test_the_same_moment_in_another_zone_is_the_same_hour(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR.astimezone(timezone(timedelta(hours=9))), EVERY)], 1)
    assert marks.clear(ledger, "p", HOUR, 1)


def test_a_time_without_a_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="zone"):
        marks.add(ledger, [("p", HOUR.replace(tzinfo=None), EVERY)], 1)


def minutes(ledger: Ledger) -> int:
    [(_, _, changed, _)] = marks.all(ledger, 10)
    assert marks.dirty(ledger, "p", HOUR, HOUR + timedelta(hours=1)) == [(HOUR, changed)]
    return changed


def test_minutes_that_changed_add_up(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, 0b001), ("p", HOUR, 0b100), ("p", HOUR, 0b001)], 1)
    assert minutes(ledger) == 0b101
    marks.add(ledger, [("p", HOUR, 1 << 59)], 2)
    assert minutes(ledger) == 1 << 59 | 0b101
    marks.add_missing(ledger, [("p", HOUR, EVERY)])
    assert minutes(ledger) == 1 << 59 | 0b101


def test_a_minute_that_changes_while_it_is_built_stays_changed(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, 0b111)], 1)
    marks.begin(ledger, "p", {HOUR: 0b011})
    assert minutes(ledger) == 0b111  # not built yet
    marks.add(ledger, [("p", HOUR, 0b010)], 2)
    marks.end(ledger, "p", [HOUR])
    assert minutes(ledger) == 0b110


def test_minutes_whose_builder_died_are_built_again(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, 0b111)], 1)
    marks.begin(ledger, "p", {HOUR: 0b011})
    marks.begin(ledger, "p", {HOUR: 0b001})
    marks.end(ledger, "p", [HOUR])
    assert minutes(ledger) == 0b110


def test_what_was_built_by_minute_goes_with_its_hour(ledger: Ledger) -> None:
    marks.add(ledger, [("p", HOUR, 0b111)], 1)
    marks.begin(ledger, "p", {HOUR: 0b111})
    marks.end(ledger, "p", [HOUR])
    assert marks.dirty(ledger, "p", HOUR, HOUR + timedelta(hours=1)) == [(HOUR, 0)]
    assert marks.clear(ledger, "p", HOUR, 1)
    assert marks.dirty(ledger, "p", HOUR, HOUR + timedelta(hours=1)) == []
