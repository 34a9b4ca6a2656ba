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
from homeostat.store.warehouse.questions.measures import Question, ask, grammar, hours, steps
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


def changed(rows: Iterable[dict[str, Any]]) -> set[marks.Mark]:
    """What a loader would mark."""
    return {(row["project"], hour(row["at"]), 1 << row["at"].minute) for row in rows}


def answers(warehouse: Warehouse, ledger: Ledger, question: Question) -> tuple[list[Any], list[Any]]:
    """(from rollups and raw, from raw alone)"""

    def dirty() -> Iterable[tuple[datetime, int]]:
        return marks.dirty(ledger, question.project, made.START - timedelta(days=1), made.NOW)

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
    marks.add(ledger, changed(rows), 1)
    assert rollups.run(warehouse, ledger, made.NOW).rebuilt > 40
    for version in range(2, 5):
        late = [made.exchange(project, dice) for _ in range(20)]
        rewritten = [
            {
                **row,
                "version": version,
                "latency_ms": row["latency_ms"] * 3,
                "model": "large",
                "gone": dice.random() < 0.3,
            }
            for row in dice.sample(rows, 30)
        ]
        made.put(warehouse, [*late, *rewritten])
        marks.add(ledger, changed([*late, *rewritten]), version)
        for _ in range(4):
            same(*answers(warehouse, ledger, random_question(project, dice)))
        rollups.run(warehouse, ledger, made.NOW, limit=dice.randint(5, 40))
        for _ in range(4):
            same(*answers(warehouse, ledger, random_question(project, dice)))


class Died(Exception):
    """What the builder wanted to do next it never did."""


class Mortal:
    """Counts what a builder writes, step by step, in both stores, and dies before one of these steps."""

    def __init__(self, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 1_000_000
        places = [(warehouse.jobs, "command"), (warehouse.jobs, "insert")]
        for place, name in [*places, (marks, "begin"), (marks, "end"), (marks, "clear")]:
            monkeypatch.setattr(place, name, self._step(getattr(place, name)))

    def _step(self, call: Any) -> Any:
        def step(*args: Any, **options: Any) -> Any:
            if self.left == 0:
                raise Died
            self.left -= 1
            return call(*args, **options)

        return step


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(1, 12))])
def test_busy_hours_equal_raw(
    warehouse: Warehouse, ledger: Ledger, project: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Rows keep coming, late ones too, are rewritten and go; whoever adds them up dies now and then."""
    dice = random.Random(seeded(seed))
    monkeypatch.setattr(rollups, "WORTHWHILE", 1)
    mortal = Mortal(warehouse, monkeypatch)
    now, rows, built, died, by_minute = made.START + timedelta(minutes=50), list[dict[str, Any]](), 0, 0, 0
    for version in range(1, 41 if seed else 17):
        late = [now - timedelta(seconds=dice.expovariate(1 / dice.choice([5, 60, 900]))) for _ in range(12)]
        told = [made.exchange(project, dice, at=max(at, made.START)) for at in late]
        told += [
            {**row, "latency_ms": row["latency_ms"] * 3, "model": "large", "gone": dice.random() < 0.3}
            for row in dice.sample(rows[-100:], min(len(rows), dice.choice([0, 0, 3])))
        ]
        for row in told:
            waits = dice.choice([0, 10, 60])
            row |= {"version": version, "received": now, "settles": now + timedelta(seconds=max(10, waits)),
                    "answer_from": now + timedelta(seconds=waits)}  # fmt: skip
        rows += told
        made.put(warehouse, told)
        marks.add(ledger, changed(told), version)
        for _ in range(dice.randint(1, 3)):
            now += timedelta(seconds=dice.choice([1, 4, 12, 30, 75, 400]))
            mortal.left = dice.choice([1_000_000, dice.randint(0, 6)])
            try:
                done = rollups.run(warehouse, ledger, now)
                built, by_minute = built + done.rebuilt, by_minute + done.minutes
            except Died:
                died += 1
            mortal.left = 1_000_000
            if dice.random() < 0.1:
                rollups.mark_missing(warehouse, ledger)
            if dice.random() < 0.1:
                rollups.forget(warehouse, least=5)
            by, every = dice.choice([(), ("model",), ("release", "status")]), dice.choice(["", "1h", "15m"])
            low = micros(made.START + timedelta(seconds=dice.choice([0, 0, 700])))
            high = micros(dice.choice([now, now, now - timedelta(seconds=90)]))
            question = Question(
                project, grammar.parse([MEASURES]), low, high, now, by, steps.parse(every, "", low, high),
                dice.choice(["answer", "call", "all"]),
            )  # fmt: skip
            same(*answers(warehouse, ledger, question))
    assert built and by_minute and died


def test_minutes_of_a_busy_hour_are_not_read_again(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    """While rows keep coming, what has settled is answered from rollups, minute by minute, until it changes."""
    now = hour(made.START) + timedelta(minutes=30)
    dice = random.Random(1)

    def begun(at: datetime) -> dict[str, Any]:
        settles = at + timedelta(seconds=10)
        return made.exchange(project, dice, at=at, received=at, answer_from=at, settles=settles, is_answer=True)

    old = [begun(hour(now) + timedelta(minutes=n % 3, milliseconds=n)) for n in range(3 * rollups.WORTHWHILE)]
    few = [begun(hour(now) + timedelta(minutes=10, milliseconds=n)) for n in range(9)]
    young = begun(now)
    made.put(warehouse, [*old, *few, young])
    marks.add(ledger, changed([*old, *few, young]), 1)
    assert rollups.run(warehouse, ledger, now) == rollups.Done(minutes=3, busy=1)
    assert rollups.run(warehouse, ledger, now) == rollups.Done(busy=1)
    low, high = micros(hour(now)), micros(now + timedelta(seconds=1))
    question = Question(project, grammar.parse([MEASURES]), low, high, now, ("model",))
    same(*answers(warehouse, ledger, question))
    split = hours.split(warehouse, question, marks.dirty(ledger, project, hour(now), now))
    assert [second - low // 1_000_000 for second in split.built] == [0, 60, 120]
    assert split.raw == ((low + 180_000_000, high),)
    rewritten = {**old[1], "version": 2, "gone": 1}
    made.put(warehouse, [rewritten])
    marks.add(ledger, changed([rewritten]), 2)
    same(*answers(warehouse, ledger, question))
    split = hours.split(warehouse, question, marks.dirty(ledger, project, hour(now), now))
    assert [second - low // 1_000_000 for second in split.built] == [0, 120]


def test_old_builds_are_forgotten(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(hours=3)
    made.put(warehouse, [made.exchange(project, random.Random(i), at=at + timedelta(minutes=i)) for i in range(200)])
    starts = [int((made.START + timedelta(hours=i)).timestamp()) for i in range(24)]
    for _ in range(6):
        rollups.rebuild(warehouse, project, starts)
    question = Question(project, grammar.parse([MEASURES]), micros(made.START), micros(made.NOW), made.NOW, ("model",))
    before = ask(warehouse, question, list)
    assert rollups.forget(warehouse, least=500) == 1
    builds = "SELECT uniqExact(build) AS builds, count() AS n FROM rollups WHERE project = {p:String} GROUP BY start"
    assert {row["builds"] for row in warehouse.ask(builds, {"p": project})} == {1}
    same(ask(warehouse, question, list), before)


def test_an_hour_that_became_empty_stays_empty(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    row = made.exchange(project, random.Random(1), is_answer=True)
    made.put(warehouse, [row])
    marks.add(ledger, changed([row]), 1)
    rollups.run(warehouse, ledger, made.NOW)
    made.put(warehouse, [{**row, "version": 2, "gone": 1}])
    marks.add(ledger, changed([row]), 2)
    question = Question(
        project, grammar.parse(["count"]), micros(made.START), micros(made.START + timedelta(days=3)), made.NOW
    )
    for _ in range(2):
        mixed, raw = answers(warehouse, ledger, question)
        assert mixed == raw
        assert mixed[0]["value"] == 0
        rollups.run(warehouse, ledger, made.NOW)
    assert marks.all(ledger, 10) == []


def test_nothing_is_read_raw_where_all_is_built(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    rows = [
        made.exchange(project, random.Random(i), at=made.START + timedelta(minutes=7 * i), is_answer=True)
        for i in range(17)
    ]
    made.put(warehouse, rows)
    marks.add(ledger, changed(rows), 1)
    assert rollups.run(warehouse, ledger, made.NOW).rebuilt == 2
    end = made.START + timedelta(hours=2)
    question = Question(project, grammar.parse([MEASURES]), micros(made.START), micros(end), made.NOW, ("model",))
    same(*answers(warehouse, ledger, question))
    assert hours.split(warehouse, question, []).raw == ()


def test_an_hour_that_may_still_change_waits(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(minutes=5)
    orphan = made.exchange(
        project, random.Random(1), at=at, received=at, answer_from=at + timedelta(seconds=60), settles=at
    )
    made.put(warehouse, [orphan])
    marks.add(ledger, [(project, hour(at), marks.EVERY)], 1)
    assert rollups.run(warehouse, ledger, at + timedelta(minutes=54, seconds=59)) == rollups.Done(busy=1)
    assert rollups.run(warehouse, ledger, at + timedelta(minutes=55)) == rollups.Done(rebuilt=1)
    marks.add(ledger, changed([orphan]), 2)
    again = hour(at) + timedelta(hours=2)
    later = {**orphan, "version": 2, "received": again, "settles": again, "answer_from": again + timedelta(seconds=60)}
    made.put(warehouse, [later])
    assert rollups.run(warehouse, ledger, again + timedelta(seconds=69)) == rollups.Done(busy=1)
    assert rollups.run(warehouse, ledger, again + timedelta(seconds=70)) == rollups.Done(rebuilt=1)


def test_hours_that_nobody_marked_are_found(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(minutes=5)
    made.put(warehouse, [made.exchange(project, random.Random(1), at=at)])
    assert rollups.mark_missing(warehouse, ledger) >= 1
    assert (project, hour(at)) in {(p, h.replace(tzinfo=at.tzinfo)) for p, h, *_ in marks.all(ledger, 100_000)}
    rollups.rebuild(warehouse, project, [int(hour(at).timestamp())])
    marks.clear(ledger, project, hour(at), 0)
    rollups.mark_missing(warehouse, ledger)
    assert marks.dirty(ledger, project, made.START, made.NOW) == []


def test_a_mark_that_moved_stays(
    warehouse: Warehouse, ledger: Ledger, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = made.START + timedelta(minutes=5)
    made.put(warehouse, [made.exchange(project, random.Random(1), at=at)])
    marks.add(ledger, [(project, hour(at), marks.EVERY)], 1)
    rebuild = rollups.rebuild

    def rebuild_while_data_arrives(*given: Any) -> int:
        build = rebuild(*given)
        marks.add(ledger, [(project, hour(at), marks.EVERY)], 2)
        return build

    monkeypatch.setattr(rollups, "rebuild", rebuild_while_data_arrives)
    assert rollups.run(warehouse, ledger, made.NOW) == rollups.Done(again=1)
    assert [(p, m) for p, *_, m in marks.all(ledger, 10)] == [(project, 2)]


def test_a_build_without_its_marker_does_not_count(warehouse: Warehouse, ledger: Ledger, project: str) -> None:
    at = made.START + timedelta(minutes=5)
    made.put(warehouse, [made.exchange(project, random.Random(1), at=at, is_answer=True)])
    torn = [project, "coarse", hour(at), 3600, 7, True, 99]
    warehouse.jobs.insert(
        "rollups", [torn], column_names=["project", "grain", "start", "seconds", "build", "is_answer", "n"]
    )
    question = Question(project, grammar.parse(["count"]), micros(made.START), micros(made.NOW), made.NOW)
    assert ask(warehouse, question, list)[0]["value"] == 1
    rollups.rebuild(warehouse, project, [int(hour(at).timestamp())])
    assert ask(warehouse, question, list)[0]["value"] == 1
