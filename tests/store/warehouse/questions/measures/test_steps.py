"""Buckets of time: in Python (which ones there are) and in the engine (into which one a time falls)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import Bound
from homeostat.store.warehouse.questions.measures import steps
from homeostat.store.warehouse.questions.refused import Refused

LOW = datetime(2026, 10, 20, 7, 13, tzinfo=UTC)
HIGH = datetime(2026, 11, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("every", ["7m", "1h", "5h", "1d", "3d", "1w", "90s"])
@pytest.mark.parametrize("zone", ["", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_engine_and_python_agree(warehouse: Warehouse, every: str, zone: str) -> None:
    """Over the end of summer time in Europe and in America."""
    low, high = micros(LOW), micros(HIGH)
    step = steps.parse(every, zone, low, high)
    assert step is not None
    bound = Bound("p", HIGH, low, high)
    sql = step.sql("at", bound)
    minutes = "numbers(toUInt64(({high:Int64} - {low:Int64}) / 60000000))"
    times = f"SELECT fromUnixTimestamp64Micro(toInt64(number * 60000000 + {{low:Int64}}), 'UTC') AS at FROM {minutes}"
    rows = warehouse.ask(f"SELECT DISTINCT {sql} AS t FROM ({times}) ORDER BY t", bound.values)
    assert [row["t"] for row in rows] == step.starts(low, high)


@pytest.mark.parametrize(("step", "length"), [(60, 90), (120, 600), (60, 60)])
def test_windows_that_lie_over_each_other(warehouse: Warehouse, step: int, length: int) -> None:
    """Every time lies in each window that holds it, and windows end on whole steps."""
    low, high = micros(LOW), micros(LOW + timedelta(minutes=30))
    windows, bound = steps.Step(step, length=length), Bound("p", HIGH, low, high)
    at = "fromUnixTimestamp64Micro(toInt64(number * 30000000 + {low:Int64}), 'UTC')"
    rows = warehouse.ask(f"SELECT at, {windows.sql('at', bound)} AS t FROM (SELECT {at} AS at FROM numbers(60))",
                         bound.values)  # fmt: skip
    seconds = [low // 1_000_000 + 30 * n for n in range(60)]
    whole = windows.starts(low, high)
    assert all((start + length) % step == 0 and low <= start * 1_000_000 for start in whole)
    assert sorted(row["t"] for row in rows if row["t"] in whole) == sorted(
        start for start in whole for second in seconds if start <= second < start + length
    )


def test_a_day_may_have_25_hours() -> None:
    step = steps.Step(86_400, "Europe/Berlin")
    first, second, *_ = step.starts(micros(datetime(2026, 10, 24, 22, tzinfo=UTC)), micros(HIGH))
    assert second - first == 25 * 3600


def test_weeks_begin_on_monday() -> None:
    first, *_ = steps.Step(7 * 86_400).starts(micros(LOW), micros(HIGH))
    assert datetime.fromtimestamp(first, UTC) == datetime(2026, 10, 19, tzinfo=UTC)


def test_half_hour_zones_need_raw_rows() -> None:
    low, high = micros(LOW), micros(HIGH)
    assert steps.Step(86_400, "Europe/Berlin").whole_hours(low, high)
    assert not steps.Step(86_400, "Asia/Kolkata").whole_hours(low, high)
    assert not steps.Step(300).whole_hours(low, high)


@pytest.mark.parametrize("every", ["0h", "1", "h", "-1h", "1.5h", "1y", "999999h"])
def test_what_is_no_step(every: str) -> None:
    with pytest.raises(Refused):
        steps.parse(every, "", micros(LOW), micros(LOW + timedelta(hours=1)))
