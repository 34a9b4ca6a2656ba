"""Rollups and raw rows give the same numbers: after late data, rewrites, tombstones and erasure."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.records.instant import micros
from homeostat.store.ledger import marks
from homeostat.store.ledger.database import Ledger
from homeostat.store.warehouse import rollups
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.measures import Question, ask, grammar, steps
from tests.seeds import seeded
from tests.store.warehouse.questions.measures import made

MEASURES = (
    "count,share(status=error),mean(latency),p50(latency),p95(latency),p99(ttft),sum(cost),sum(tokens),mean(cached_tokens),"
    "min(latency),max(output_tokens)"
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    return ledger


def hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def answers(warehouse: Warehouse, ledger: Ledger, question: Question) -> tuple[list[Any], list[Any]]:
    """(from rollups and raw, from raw alone)"""

    def dirty() -> Iterable[datetime]:
        return [hour for hour, _ in marks.dirty(ledger, question.project, made.START - timedelta(days=1), made.NOW)]

    return ask(warehouse, question, dirty), ask(warehouse, question, None)


def random_question(project: str, dice: random.Random) -> Question:
    start = made.START + timedelta(seconds=dice.choice([0, 0, dice.randint(0, 90_000)]))
    end = made.START + timedelta(seconds=dice.choice([3 * 86_400, dice.randint(100_000, 3 * 86_400)]))
    low, high = micros(start), micros(end)
    every, zone = dice.choice(
        [("", ""), ("1h", ""), ("3h", ""), ("1d", "Europe/Berlin"), ("1d", ""), ("20m", ""), ("1w", "")]
    )
    pairs = dice.choice([[], [("model", "small")], [("status", "error")], [("release.not", "r1")], [("user", "u1")]])
    by = dice.choice(
        [(), ("model",), ("model", "release"), ("status",), ("prompt_version", "name"), ("user",), ("tag",)]
    )
    return Question(
        project, grammar.parse([MEASURES]), low, high, made.NOW, by, steps.parse(every, zone, low, high),
        dice.choice(["answer", "call", "all"]), filters.parse(pairs),
    )  # fmt: skip


def same(mixed: list[Any], raw: list[Any]) -> None:
    assert len(mixed) == len(raw)
    for one, other in zip(mixed, raw, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            if isinstance(value, float):
                assert value == pytest.approx(other[key], rel=1e-9, abs=1e-9), (one, other)
            else:
                assert value == other[key], (one, other)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(1, 12))])
def test_rollups_equal_raw(warehouse: Warehouse, ledger: Ledger, project: str, seed: int) -> None:
    dice = random.Random(seeded(seed))
    rows = [made.exchange(project, dice) for _ in range(400)]
    made.put(warehouse, rows)
    marks.add(ledger, {(project, hour(row["at"])) for row in rows}, 1)
    assert rollups.run(warehouse, ledger, made.NOW).rebuilt > 40
    for version in range(2, 5):
        late = [made.exchange(project, dice) for _ in range(20)]
        changed = [
            {
                **row,
                "version": version,
                "latency_ms": row["latency_ms"] * 3,
                "model": "large",
                "gone": dice.random() < 0.3,
            }
            for row in dice.sample(rows, 30)
        ]
        made.put(warehouse, [*late, *changed])
        marks.add(ledger, {(project, hour(row["at"])) for row in (*late, *changed)}, version)
        for _ in range(4):
            same(*answers(warehouse, ledger, random_question(project, dice)))
        rollups.run(warehouse, ledger, made.NOW, limit=dice.randint(5, 40))
        for _ in range(4):
            same(*answers(warehouse, ledger, random_question(project, dice)))


def test_old_builds_are_forgotten(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(hours=3)
    made.put(warehouse, [made.exchange(project, random.Random(i), at=at + timedelta(minutes=i)) for i in range(200)])
    hours = [int((made.START + timedelta(hours=i)).timestamp()) for i in range(24)]
    for _ in range(6):
        rollups.rebuild(warehouse, project, hours)
    question = Question(project, grammar.parse([MEASURES]), micros(made.START), micros(made.NOW), made.NOW, ("model",))
    before = ask(warehouse, question, list)
    assert rollups.forget(warehouse, least=500) == 1
    builds = "SELECT uniqExact(build) AS builds, count() AS n FROM rollups WHERE project = {p:String} GROUP BY hour"
    assert {row["builds"] for row in warehouse.ask(builds, {"p": project})} == {1}
    same(ask(warehouse, question, list), before)


def test_an_hour_that_became_empty_stays_empty(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    row = made.exchange(project, random.Random(1), is_answer=True)
    made.put(warehouse, [row])
    marks.add(ledger, [(project, hour(row["at"]))], 1)
    rollups.run(warehouse, ledger, made.NOW)
    made.put(warehouse, [{**row, "version": 2, "gone": 1}])
    marks.add(ledger, [(project, hour(row["at"]))], 2)
    question = Question(
        project, grammar.parse(["count"]), micros(made.START), micros(made.START + timedelta(days=3)), made.NOW
    )
    for _ in range(2):
        mixed, raw = answers(warehouse, ledger, question)
        assert mixed == raw
        assert mixed[0]["value"] == 0
        rollups.run(warehouse, ledger, made.NOW)
    assert marks.all(ledger, 10) == []


def test_an_hour_that_may_still_change_waits(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(minutes=5)
    orphan = made.exchange(
        project, random.Random(1), at=at, received=at, answer_from=at + timedelta(seconds=60), settles=at
    )
    made.put(warehouse, [orphan])
    marks.add(ledger, [(project, hour(at))], 1)
    assert rollups.run(warehouse, ledger, at + timedelta(seconds=69)) == rollups.Done(busy=1)
    assert rollups.run(warehouse, ledger, at + timedelta(seconds=70)) == rollups.Done(rebuilt=1)


def test_hours_that_nobody_marked_are_found(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(minutes=5)
    made.put(warehouse, [made.exchange(project, random.Random(1), at=at)])
    assert rollups.mark_missing(warehouse, ledger) >= 1
    assert (project, hour(at)) in {(p, h.replace(tzinfo=at.tzinfo)) for p, h, _ in marks.all(ledger, 100_000)}
    rollups.rebuild(warehouse, project, [int(hour(at).timestamp())])
    marks.clear(ledger, project, hour(at), 0)
    rollups.mark_missing(warehouse, ledger)
    assert marks.dirty(ledger, project, made.START, made.NOW) == []


def test_a_mark_that_moved_stays(
    warehouse: Warehouse, ledger: Ledger, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = made.START + timedelta(minutes=5)
    made.put(warehouse, [made.exchange(project, random.Random(1), at=at)])
    marks.add(ledger, [(project, hour(at))], 1)
    rebuild = rollups.rebuild

    def rebuild_while_data_arrives(*given: Any) -> int:
        build = rebuild(*given)
        marks.add(ledger, [(project, hour(at))], 2)
        return build

    monkeypatch.setattr(rollups, "rebuild", rebuild_while_data_arrives)
    assert rollups.run(warehouse, ledger, made.NOW) == rollups.Done(again=1)
    assert [(p, m) for p, _, m in marks.all(ledger, 10)] == [(project, 2)]


def test_a_build_without_its_marker_does_not_count(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(minutes=5)
    made.put(warehouse, [made.exchange(project, random.Random(1), at=at, is_answer=True)])
    torn = [project, True, hour(at), 7, False, True, 99]
    warehouse.jobs.insert(
        "rollups", [torn], column_names=["project", "coarse", "hour", "build", "marker", "is_answer", "n"]
    )
    question = Question(project, grammar.parse(["count"]), micros(made.START), micros(made.NOW), made.NOW)
    assert ask(warehouse, question, list)[0]["value"] == 1
    rollups.rebuild(warehouse, project, [int(hour(at).timestamp())])
    assert ask(warehouse, question, list)[0]["value"] == 1
