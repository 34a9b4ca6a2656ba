"""Retention by age and by size. The engine is shared, so these days lie decades before those of other tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.records.outcome import Outcome
from homeostat.store.ledger import Ledger, outcomes, segments
from homeostat.store.warehouse import retention
from homeostat.store.warehouse.client import DATABASE, Warehouse

NOW = datetime(1999, 3, 20, 15, 30, tzinfo=UTC)
DAY = timedelta(days=1)
ROWS = (
    "INSERT INTO {table} (project, at, {columns}) "
    "SELECT {p:String}, fromUnixTimestamp64Micro({at:Int64}, 'UTC'), {values} FROM numbers({n:UInt64})"
)
SPANS = (
    ROWS.replace("{table}", "spans")
    .replace("{columns}", "trace_id, span_id, attributes")
    .replace("{values}", "toString(number), toString(number), map('k', randomString(500))")
)


def put(warehouse: Warehouse, project: str, age: timedelta, n: int) -> None:
    """n spans, one signal and one score of this age."""
    at = int((NOW - age).timestamp() * 1_000_000)
    warehouse.jobs.command(SPANS, parameters={"p": project, "at": at, "n": n})
    for table in ("signals", "scores"):
        sql = ROWS.replace("{table}", table).replace("{columns}", "id").replace("{values}", "'a'")
        warehouse.jobs.command(sql, parameters={"p": project, "at": at, "n": 1})


def left(warehouse: Warehouse, project: str, table: str = "spans") -> int:
    sql = f"SELECT count() AS n FROM {table} WHERE project = {{p:String}}"
    return int(warehouse.ask(sql, {"p": project})[0]["n"])


def of(project: str, outcomes: list[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.project == project]


def test_whole_days_go_by_age(warehouse: Warehouse, project: str) -> None:
    for age, n in ((timedelta(0), 3), (9 * DAY, 5), (10 * DAY, 7), (11 * DAY, 11), (40 * DAY, 13)):
        put(warehouse, project, age, n)
    moves = of(project, retention.run(warehouse, None, NOW, days=10))
    # 11 and 40 days ago lie before the day that was ten days ago: 24 spans, a signal and a score on both days.
    assert moves == [Outcome(project, "expired", 11 + 13 + 2 * 2)]
    assert (left(warehouse, project), left(warehouse, project, "signals"), left(warehouse, project, "scores")) == (
        15,
        3,
        3,
    )
    assert of(project, retention.run(warehouse, None, NOW, days=10)) == []


def test_exactly_when_asked(warehouse: Warehouse, project: str) -> None:
    for age in (10 * DAY - timedelta(seconds=1), 10 * DAY + timedelta(seconds=1)):
        put(warehouse, project, age, 2)
    assert of(project, retention.run(warehouse, None, NOW, days=10)) == []
    assert of(project, retention.run(warehouse, None, NOW, days=10, exact=True)) == [Outcome(project, "expired", 4)]
    assert left(warehouse, project) == 2


@pytest.mark.parametrize("dies", ["before", "after", "never"])
def test_a_crash_in_between_miscounts_nothing(
    warehouse: Warehouse, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    put(warehouse, project, 40 * DAY, 13)  # and a signal and a score
    put(warehouse, project, timedelta(0), 5)
    segments.intend(ledger, 1)
    segments.finish(ledger, [1], [Outcome(project, "stored", 13 + 2 + 5 + 2)], set())
    command = warehouse.jobs.command

    def dying(statement: str, **options: Any) -> Any:
        if "DROP PARTITION" in statement and "spans" in statement and dies == "before":
            raise KeyboardInterrupt
        done = command(statement, **options)
        if "DROP PARTITION" in statement and "spans" in statement and dies == "after":
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(warehouse.jobs, "command", dying)
    if dies != "never":
        with pytest.raises(KeyboardInterrupt):
            retention.run(warehouse, ledger, NOW, days=10)
        assert outcomes.totals(ledger, project)["stored"] == 22
    monkeypatch.undo()
    retention.run(warehouse, ledger, NOW, days=10)
    retention.run(warehouse, ledger, NOW, days=10)
    found = outcomes.totals(ledger, project)
    assert (found["stored"], found["expired"]) == (7, 15)
    assert left(warehouse, project) == 5


def test_what_has_expired_is_shown_nowhere(
    warehouse: Warehouse, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment that accounting calls an item expired no chart counts it: what is derived goes first."""
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    put(warehouse, project, 40 * DAY, 13)  # and a signal and a score
    segments.intend(ledger, 1)
    segments.finish(ledger, [1], [Outcome(project, "stored", 13 + 2)], set())
    derived = ("exchanges", "rollups")
    for table, time in zip(derived, ("at", "start"), strict=True):
        sql = (
            f"INSERT INTO {table} (project, {time}) SELECT {{p:String}}, fromUnixTimestamp64Micro({{at:Int64}}, 'UTC')"
        )
        at = int((NOW - 40 * DAY).timestamp() * 1_000_000)
        warehouse.jobs.command(sql, parameters={"p": project, "at": at})
    shown: list[list[int]] = []
    command = warehouse.jobs.command

    def watched(statement: str, **options: Any) -> Any:
        if outcomes.totals(ledger, project)["expired"]:
            shown.append([left(warehouse, project, table) for table in derived])
        return command(statement, **options)

    assert [left(warehouse, project, table) for table in derived] == [1, 1]
    monkeypatch.setattr(warehouse.jobs, "command", watched)
    retention.run(warehouse, ledger, NOW, days=10)
    assert outcomes.totals(ledger, project)["expired"] == 15
    assert shown
    assert all(rows == [0, 0] for rows in shown)


def test_room_comes_back(warehouse: Warehouse, project: str) -> None:
    put(warehouse, project, 20 * DAY, 2_000)
    before = on_disk(warehouse)
    retention.run(warehouse, None, NOW, days=10)
    assert before - on_disk(warehouse) > 2_000 * 500


def test_oldest_days_go_until_it_fits(warehouse: Warehouse, project: str) -> None:
    retention.run(warehouse, None, NOW, days=1)
    for age in (5, 4, 3):
        put(warehouse, project, age * DAY, 1_000)
    put(warehouse, project, timedelta(0), 1_000)
    limit = on_disk(warehouse) - 600_000  # more than one day of ours, less than two
    moves = of(project, retention.run(warehouse, None, NOW, days=30, bytes=limit))
    assert moves == [Outcome(project, "expired", 2 * 1_000 + 2 * 2)]
    assert on_disk(warehouse) <= limit
    # Today stays, however small the limit.
    retention.run(warehouse, None, NOW, days=30, bytes=1)
    assert left(warehouse, project) == 1_000


def test_the_engine_keeps_no_logs(warehouse: Warehouse) -> None:
    """Logs of queries and traces are what fills the disks of others: none is stored, whatever the engine calls it."""
    warehouse.ask("SELECT 1")
    warehouse.jobs.command("SYSTEM FLUSH LOGS")
    stored = warehouse.ask(
        "SELECT name, engine, ifNull(total_bytes, 0) AS bytes FROM system.tables WHERE database = 'system' "
        "AND name LIKE '%\\_log%' AND (engine LIKE '%MergeTree%' OR ifNull(total_bytes, 0) > 0)"
    )
    assert stored == []


def on_disk(warehouse: Warehouse) -> int:
    sql = "SELECT sum(bytes_on_disk) AS n FROM system.parts WHERE active AND database = {d:String}"
    return int(warehouse.ask(sql, {"d": DATABASE})[0]["n"])


@pytest.fixture(autouse=True)
def clean(warehouse: Warehouse, project: str) -> None:
    """Days that an earlier test left here."""
    retention.run(warehouse, None, NOW + 60 * DAY, days=1)


def test_scores_of_ours_go_without_being_counted(warehouse: Warehouse, project: str) -> None:
    """Nobody sent them, so they were never received and cannot expire."""
    put(warehouse, project, 20 * DAY, 2)
    sql = ROWS.replace("{table}", "scores").replace("{columns}", "id, source").replace("{values}", "'b', 'homeostat'")
    warehouse.jobs.command(sql, parameters={"p": project, "at": int((NOW - 20 * DAY).timestamp() * 1e6), "n": 30})
    assert of(project, retention.run(warehouse, None, NOW, days=10)) == [Outcome(project, "expired", 2 + 2)]
    assert left(warehouse, project, "scores") == 0
