"""Part of the budget waits for changes: what they break is found sooner, and no month costs more."""

from __future__ import annotations

import numpy as np

from homeostat.act.monitors import counting, lumps, plan, ticking
from homeostat.act.monitors.watch import Watch
from homeostat.analyze.inference.budget import Budget
from homeostat.records.monitor import Monitor
from homeostat.store.warehouse.questions.ticks import MINUTE, Rows

DAY = 1440


def test_no_month_gets_more_than_the_reserve() -> None:
    known: lumps.Lumps = []
    told: list[tuple[int, float]] = []
    for hour in range(0, 24 * 70, 5):
        at = hour * 60 * MINUTE + 1
        known, part = lumps.laid(known, [at], at + MINUTE)
        told.append((at, part))
    for start, _ in told:
        assert sum(part for at, part in told if start <= at < start + 30 * DAY * MINUTE) <= lumps.RESERVE + 1e-12
    assert told[0][1] == max(part for _, part in told)


def test_changes_close_to_each_other_are_one() -> None:
    known, part = lumps.laid([], [10 * MINUTE, 12 * MINUTE], 13 * MINUTE)
    assert part > 0
    assert lumps.laid(known, [10 * MINUTE, 12 * MINUTE, 14 * MINUTE], 15 * MINUTE) == (known, 0.0)


def test_what_became_known_too_late_is_not_answered() -> None:
    assert lumps.laid([], [MINUTE], MINUTE + lumps.RECENT + 1) == ([], 0.0)


def _found(changes: list[int], seed: int) -> int:
    """Minutes until 4 % of errors that are 25 % from minute 400 on are found."""
    rng = np.random.default_rng(seed)
    minute = np.repeat(np.arange(520), 3)
    bad = rng.random(len(minute)) < np.where(minute < 400, 0.04, 0.25)
    unit = np.arange(len(minute), dtype=np.uint64)
    rows = Rows(
        minute, unit, minute // 60, [""] * len(minute), [""] * len(minute),
        np.ones((1, len(minute))), bad.astype(float)[None, :],
    )  # fmt: skip
    made = Monitor("p", "bad", "share(status=error)", {"reference": "all"}, "up")
    watch = Watch(ticked=0)
    values = counting.values(watch, [(group, rows) for group in plan.groups([plan.watch(made, {})])])
    alarms = ticking.tick(watch, values, Budget(0.05, 43_200), 520 * MINUTE, changes=changes)
    assert alarms and alarms[0].at > 400 * MINUTE
    return alarms[0].at // MINUTE - 400


def test_what_a_change_broke_is_found_sooner() -> None:
    at = 400 * MINUTE
    without, with_ = (sum(_found(changes, seed) for seed in range(3)) for changes in ([], [at]))
    assert with_ <= 0.8 * without
