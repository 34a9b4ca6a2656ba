"""A rhythm that comes every day is no change; what comes on top of it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homeostat.act.monitors import counting, plan, ticking
from homeostat.act.monitors.reading import monitor
from homeostat.act.monitors.seasons import CELL_LEAST, Seasonal, cell
from homeostat.act.monitors.watch import Watch
from homeostat.analyze.inference.budget import Budget
from homeostat.store.warehouse.questions.ticks import MINUTE, Rows

DAY, HOUR = 1440, 60
#: Ticks bring what came in so many minutes: quicker to simulate.
STEP = 30
WEEK = {"reference": "7d"}


def _day(rng: np.random.Generator, day: int, rate: float, streams: int, share: Any, more: float = 0.0) -> Rows:
    """New users all day long, `rate` a minute and stream; of an answer at some hour so many are bad."""
    n = rng.poisson(rate * DAY * streams)
    minute = np.sort(rng.integers(0, DAY, n)) // STEP * STEP + day * DAY
    hour = (minute % DAY) / HOUR
    bad = rng.random(n) < np.clip(share(hour, minute // DAY) + more, 0, 1)
    text = [str(one) for one in rng.integers(0, streams, n)]
    unit = rng.integers(0, 2**62, n).astype(np.uint64)
    return Rows(
        minute, unit, minute // HOUR, [""] * n, text, np.ones((1, n)), bad.astype(float)[None, :]
    )  # fmt: skip


def _ticked(watch: Watch, rows: Rows, until: int, per_month: float, against: Any, streams: int = 1) -> list[Any]:
    by = ["model"] if streams > 1 else []
    told = {"name": "bad", "measure": "share(status=error)", "against": against, "direction": "up", "by": by}
    chosen = plan.groups([plan.watch(monitor(told, "p"), {})])
    return ticking.tick(
        watch, counting.values(watch, [(group, rows) for group in chosen]), Budget(per_month, 43_200), until * MINUTE
    )


def _rhythm(hour: Any, _day: Any) -> Any:
    """Two of a hundred at night, twelve at the worst hour of the afternoon."""
    return 0.07 - 0.05 * np.cos(2 * np.pi * (hour - 3) / 24)


def _alarms(against: Any, seed: int, *, days: int = 16, streams: int = 12, rate: float = 0.7) -> int:
    """After four days, with as many false alarms paid for as there are streams halved."""
    rng, watch, found = np.random.default_rng(seed), Watch(ticked=MINUTE), 0
    for day in range(1, days + 1):
        paid = streams / 2 * 43_200 / (12 * DAY) if day > 4 else 0.001
        alarms = _ticked(watch, _day(rng, day, rate, streams, _rhythm), (day + 1) * DAY, paid, against, streams)
        found += len(alarms) if day > 4 else 0
    return found


def test_a_strong_daily_rhythm_raises_no_more_alarms_than_were_paid_for() -> None:
    assert _alarms(WEEK, 5, days=12) <= 13  # six at most are expected


def test_without_the_season_the_same_traffic_raises_many() -> None:
    assert _alarms({"reference": "all"}, 5, days=7) >= 6  # in three days, for which one and a half were paid


@pytest.mark.nightly
def test_a_rhythm_is_no_change_in_many_streams() -> None:
    found = [_alarms(WEEK, seed, days=16, streams=25) for seed in range(8)]
    assert sum(found) <= 100 + 3 * 10, found


def test_what_comes_on_top_of_the_rhythm_is_found_at_any_hour() -> None:
    for begin in (3 * HOUR, 15 * HOUR):  # the best hour and the worst
        rng, watch, alarms = np.random.default_rng(begin), Watch(ticked=MINUTE), []
        for day in range(1, 10):
            rows = _day(rng, day, 4, 1, _rhythm)
            if day == 9:
                late = rows.minute % DAY >= begin
                rows.total[0, late] = np.maximum(rows.total[0, late], rng.random(int(late.sum())) < 0.15)
            alarms = _ticked(watch, rows, (day + 1) * DAY, 0.5, WEEK)
            assert day == 9 or not alarms
        assert alarms and 0 < alarms[0].at // MINUTE - 9 * DAY - begin <= 3 * HOUR + STEP


def test_a_restart_after_every_piece_changes_nothing() -> None:
    rng = np.random.default_rng(8)
    days = [_day(rng, day, 3, 1, _rhythm) for day in range(1, 5)]
    once, again = Watch(ticked=MINUTE), Watch(ticked=MINUTE)
    for day, rows in enumerate(days, 1):
        for begin in range(day * DAY, (day + 1) * DAY, 6 * HOUR):
            here = (rows.minute >= begin) & (rows.minute < begin + 6 * HOUR)
            piece = Rows(
                rows.minute[here], rows.unit[here], rows.window[here], [""] * int(here.sum()),
                [""] * int(here.sum()), rows.count[:, here], rows.total[:, here],
            )  # fmt: skip
            for watch in (once, again):
                _ticked(watch, piece, begin + 6 * HOUR, 2.0, WEEK)
            again.seasonal = Seasonal.from_bytes(again.seasonal.to_bytes())
    assert (once.seasonal.counts == again.seasonal.counts).all() and once.seasonal.hour == again.seasonal.hour
    assert (once.seasonal.detector.wealth == again.seasonal.detector.wealth).all()


def test_a_window_forgets_by_chance_and_never_all() -> None:
    held = Seasonal.new().having(["a", "b"], 24)
    some = np.zeros(7_000, np.int64)
    held = held.learned(np.r_[some, some + 1], np.r_[some, some], np.r_[some, some])
    held = held.forgotten(1000, np.array([7.0, 0.0]), 1)
    for hour in range(1001, 1000 + 7 * 24 + 1):
        held = held.forgotten(hour, np.array([7.0, 0.0]), 1)
    assert 2_350 <= held.counts[0].sum() <= 2_800 and held.counts[1].sum() == 7_000  # 1/e of it is 2,575
    for hour in range(2000, 4000, 24):
        held = held.forgotten(hour, np.array([1.0, 0.0]), 1)
    assert held.counts[0].sum() == 100


def test_history_becomes_what_is_usual() -> None:
    rng, watch = np.random.default_rng(3), Watch(ticked=MINUTE)
    told = {"name": "bad", "measure": "share(status=error)", "against": WEEK, "direction": "up"}
    watched = plan.watch(monitor(told, "p"), {})
    groups = plan.groups([watched])
    for day in range(1, 8):
        rows = _day(rng, day, 4, 1, _rhythm)
        ticking.learn(watch, counting.values(watch, [(group, rows) for group in groups]), {watched.head})
    assert watch.seasonal.counts.sum() > 7 * 5_000 and watch.seasonal.ready.all()
    assert (watch.seasonal.counts.sum(axis=2) > CELL_LEAST).all() and not watch.seasonal.detector.alarms.any()
    assert not _ticked(watch, _day(rng, 8, 4, 1, _rhythm), 9 * DAY, 2.0, WEEK)
    assert _ticked(watch, _day(rng, 9, 4, 1, _rhythm, 0.1), 10 * DAY, 2.0, WEEK)


def test_the_week_begins_on_monday() -> None:
    monday = 4 * DAY  # 5 January 1970
    assert cell("week", [monday, monday + 7 * DAY - 1, monday + 7 * DAY]).tolist() == [0, 167, 0]
