"""Parts of a minute: what was sure in the middle of it counts, is told at its end, and costs no more of the budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homeostat.act.monitors import counting, lumps, plan, ticking
from homeostat.act.monitors.watch import Alarm, Watch
from homeostat.analyze.inference.budget import Budget
from homeostat.records.monitor import Monitor
from homeostat.store.warehouse.questions.ticks import MINUTE, STEPS, Rows

LIMIT = Monitor("p", "errors", "share(status=error)", {"limit": 0.1}, "up")
BESIDE = Monitor(
    "p", "segments", "share(status=error)", {"segment": {"attribute.plan": "free"}}, "up",
    where=(("attribute.plan", "pro"),),
)  # fmt: skip


def _ticked(made: Monitor, step: Any, bad: Any, *, known: bool, per_month: float, changes: Any = ()) -> Any:
    """Answers of one user each, in these parts of minutes; `known`: whether the rows say which part."""
    at, n = np.asarray(step, np.int64), len(step)
    [group] = plan.groups([plan.watch(made, {})])
    columns = np.stack([np.arange(n) % len(group.watched) == each for each in range(len(group.watched))]).astype(float)
    rows = Rows(
        at // STEPS, np.arange(n, dtype=np.uint64), at // STEPS // 60, [""] * n, [""] * n, columns,
        columns * np.asarray(bad, float), step=at if known else np.zeros(0, np.int64),
    )  # fmt: skip
    watch = Watch(ticked=int(at[0] // STEPS) * MINUTE)
    until = (int(at[-1]) // STEPS + 1) * MINUTE
    values = counting.values(watch, [(group, rows)])
    alarms: list[Alarm] = ticking.tick(watch, values, Budget(per_month, 43_200), until, changes=changes)
    return watch, alarms


def test_what_is_sure_in_the_middle_of_a_minute_is_told_at_its_end() -> None:
    first = 100 * STEPS
    step = np.r_[np.full(12, first), np.full(300, first + 3)]
    bad = np.r_[np.ones(12), np.zeros(300)]
    _, alarms = _ticked(LIMIT, step, bad, known=True, per_month=20.0)
    assert [alarm.at for alarm in alarms] == [101 * MINUTE]
    _, alarms = _ticked(LIMIT, step, bad, known=False, per_month=20.0)
    assert not alarms, "by the end of the minute it was over"


@pytest.mark.parametrize(("made", "name"), [(LIMIT, "known"), (BESIDE, "paired")])
def test_parts_of_minutes_spend_what_minutes_spend(made: Monitor, name: str) -> None:
    rng = np.random.default_rng(1)
    minutes = 240
    step = np.sort(np.r_[rng.integers(600, 600 + minutes * STEPS, 4_000), np.arange(600, 600 + minutes * STEPS)])
    spent = []
    for known in (True, False):
        watch, alarms = _ticked(made, step, np.zeros(len(step)), known=known, per_month=2.0)
        assert not alarms
        spent.append(float(getattr(watch, name).detector.injected.sum()))
    assert spent == pytest.approx([(1 - lumps.RESERVE) * 2.0 * minutes / 43_200] * 2)


def test_what_waits_for_a_change_is_laid_once_for_those_who_go_on_by_minutes() -> None:
    """A stream that knows what is usual lets lumps be laid; pairs, ticked at the end of that minute, get theirs."""
    laid = ticking._Laid(0)
    parts = [laid.part(now, 43_200 * STEPS, 0.05 * (now == 8), spent=now % STEPS == STEPS - 1) for now in range(12)]
    ends = parts[STEPS - 1], parts[2 * STEPS - 1]
    assert ends == pytest.approx([0.75 / 43_200, 0.75 / 43_200 + 0.05])
