"""What a diagnosis reads: every score there is, whoever made it, each once."""

from __future__ import annotations

from datetime import timedelta

from homeostat.records.instant import micros
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import diagnosis, feed
from homeostat.store.warehouse.questions.diagnosis import Sides
from homeostat.store.warehouse.questions.feed import Place
from homeostat.store.warehouse.scored import Score
from tests.builders import NOON, exchange_row, score_row, store

BEFORE, SINCE = 40, 30


def test_scores_of_our_own_count_each_by_itself(warehouse: Warehouse, project: str) -> None:
    """They carry no key of a row: what tells them apart is their id."""
    start = NOON - timedelta(hours=1)
    rows = [
        exchange_row(project, at=start + timedelta(minutes=number), user_id=f"u{number}")
        for number in range(BEFORE + SINCE)
    ]
    store(warehouse, exchanges=rows)
    taken = feed.take(warehouse, project, Place(micros(start) - 1), micros(NOON) + 3_600_000_000, limit=100)
    edge = start + timedelta(minutes=BEFORE)
    made = [
        Score(each, "relevance", "relevance@1", "model", 0.9 if each.at < micros(edge) else 0.6, "")
        for each in taken.exchanges
    ]
    scored.put(warehouse, project, made, now=micros(NOON))
    told = [score_row(project, trace_id=rows[0]["trace_id"], span_id=rows[0]["span_id"], at=start, name="mine")] * 2
    store(warehouse, scores=told)
    sides = Sides(project, micros(start), micros(edge), micros(edge), micros(NOON) + 3_600_000_000)
    found = diagnosis.scores(warehouse, sides)
    sums = found["relevance", "model"]
    assert (sums[0].users, sums[1].users) == (BEFORE, SINCE)
    assert (round(sums[0].mean, 6), round(sums[1].mean, 6)) == (0.9, 0.6)
    assert found["mine", "engine"][0].n == 1


def test_scores_of_what_a_guard_withheld_are_none(warehouse: Warehouse, project: str) -> None:
    start = NOON - timedelta(hours=1)
    rows = [exchange_row(project, at=start, user_id=f"u{at}", tags=["blocked"] if at < 3 else []) for at in range(10)]
    told = [
        score_row(project, trace_id=row["trace_id"], span_id=row["span_id"], at=start, name="mine",
                  value=float(not row["tags"]))
        for row in rows
    ]  # fmt: skip
    store(warehouse, exchanges=rows, scores=told)
    sides = Sides(project, micros(start), micros(NOON), micros(NOON), micros(NOON) + 3_600_000_000)
    found = diagnosis.scores(warehouse, sides)["mine", "engine"][0]
    assert (found.users, found.mean) == (7, 1.0)
    assert diagnosis.plain(warehouse, sides)["share(status=error)",][0].mean == 0.0


def test_scores_of_calls_that_failed_are_none(warehouse: Warehouse, project: str) -> None:
    """As for monitors: what a scorer says of an answer that never came would look like the worst of answers."""
    start = NOON - timedelta(hours=1)
    rows = [
        exchange_row(
            project, at=start + timedelta(minutes=at), user_id=f"u{at}", status="error" if at % 3 == 0 else "ok"
        )
        for at in range(30)
    ]
    told = [
        score_row(
            project, trace_id=row["trace_id"], span_id=row["span_id"], at=row["at"], name="mine",
            value=0.0 if row["status"] == "error" else 1.0,
        )
        for row in rows
    ]  # fmt: skip
    store(warehouse, exchanges=rows, scores=told)
    edge = micros(start + timedelta(minutes=15))
    sides = Sides(project, micros(start), edge, edge, micros(NOON) + 3_600_000_000)
    mine = diagnosis.scores(warehouse, sides)["mine", "engine"]
    assert [(mine[side].users, mine[side].mean) for side in (0, 1)] == [(10, 1.0), (10, 1.0)]
    assert {row["mean"] for row in diagnosis.values(warehouse, sides, ["mine"])} == {1.0}


def test_what_a_shadow_said_is_on_no_side(warehouse: Warehouse, project: str) -> None:
    start = NOON - timedelta(hours=1)
    rows = [exchange_row(project, at=start, user_id="u", release="A", latency_ms=100.0)]
    rows += [exchange_row(project, at=start, user_id="u", latency_ms=900.0, status="error", tags=["shadow"])]
    told = [
        score_row(project, trace_id=row["trace_id"], span_id=row["span_id"], at=start, name="mine", value=value)
        for row, value in zip(rows, (1.0, 0.0), strict=True)
    ]
    store(warehouse, exchanges=rows, scores=told)
    sides = Sides(project, micros(start), micros(NOON), micros(NOON), micros(NOON) + 3_600_000_000)
    assert diagnosis.answers(warehouse, sides)[0]["n"] == 1
    assert diagnosis.scores(warehouse, sides)["mine", "engine"][0].mean == 1.0
    assert diagnosis.plain(warehouse, sides)["share(status=error)",][0].mean == 0.0
    assert [row["release"] for row in diagnosis.sample(warehouse, sides)] == ["A"]
