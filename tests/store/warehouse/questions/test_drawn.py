"""Of very many answers a share of the users is looked at: the same ones, whatever is asked about them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from homeostat.act.monitors.columns import source
from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import diagnosis, drawn, filters, ticks, verdicts
from homeostat.store.warehouse.questions.diagnosis import Sides
from homeostat.store.warehouse.questions.ticks import MINUTE, Piece
from homeostat.store.warehouse.questions.verdicts import About
from tests.builders import NOON, exchange_row, score_row, signal_row, store

USERS, TURNS = 400, 3
START, END = micros(NOON), micros(NOON) + 60 * MINUTE


@pytest.fixture(scope="module")
def many(warehouse: Warehouse) -> str:
    """Users who ask three times within an hour: half of them are slow, each answer is scored, and each has a thumb."""
    name = "drawn"
    exchanges, scores, signals = [], [], []
    for user in range(USERS):
        for turn in range(TURNS):
            at = NOON + timedelta(minutes=20 * turn, seconds=user / 10)
            slow = 100.0 if user % 2 else 300.0
            row = exchange_row(name, at=at, user_id=f"user-{user}", latency_ms=slow)
            here = {"trace_id": row["trace_id"], "span_id": row["span_id"], "at": at}
            exchanges.append(row)
            scores.append(score_row(name, name="relevance", value=0.75, rung="model", **here))
            signals.append(signal_row(name, value=1.0, user_id=f"user-{user}", **here))
    store(warehouse, exchanges=exchanges, scores=scores, signals=signals)
    return name


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "MOST", USERS * TURNS // 4)


def tick(warehouse: Warehouse, project: str, measure: str) -> ticks.Rows:
    found = source(measure, ())
    piece = Piece(START - 1, END, START)
    return ticks.rows(warehouse, project, found.family, [found.column], piece)


MEASURES = ("mean(latency_ms)", "mean(score.relevance)", "mean(signal.thumbs)")


@pytest.mark.parametrize("measure", MEASURES)
def test_all_of_few(warehouse: Warehouse, many: str, measure: str) -> None:
    rows = tick(warehouse, many, measure)
    assert (rows.share, rows.count[0].sum()) == (1.0, USERS * TURNS)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.usefixtures("few")
def test_ticks_take_whole_users(warehouse: Warehouse, many: str, measure: str) -> None:
    rows = tick(warehouse, many, measure)
    users, times = np.unique(rows.unit, return_counts=True)
    assert rows.share == 0.25
    assert 0.15 * USERS < len(users) < 0.35 * USERS
    assert set(times.tolist()) == {TURNS}


@pytest.mark.usefixtures("few")
def test_the_same_users_whatever_is_asked(warehouse: Warehouse, many: str) -> None:
    asked = [set(tick(warehouse, many, measure).unit.tolist()) for measure in MEASURES]
    assert asked[0] == asked[1] == asked[2]


@pytest.mark.usefixtures("few")
def test_a_diagnosis_takes_a_share_of_each_side(warehouse: Warehouse, many: str) -> None:
    """Sides of one and of two turns: as many answers of each are looked at, and means are what they are."""
    turn = START + 10 * MINUTE
    sides = diagnosis.drawn_of(warehouse, Sides(many, START, turn, turn, END))
    assert sides.shares == (0.75, 0.375)
    answers = diagnosis.answers(warehouse, sides)
    assert 0.6 * USERS < answers[0]["n"] < 0.9 * USERS
    assert 0.55 * USERS < answers[1]["n"] < 0.95 * USERS
    scores = diagnosis.scores(warehouse, sides)["relevance", "model"]
    assert [scores[side].n for side in (0, 1)] == [answers[side]["n"] for side in (0, 1)]
    assert scores[0].mean == scores[1].mean == 0.75
    thumbs = diagnosis.signals(warehouse, sides)["thumbs", "count"]
    assert [thumbs[side].s for side in (0, 1)] == [answers[side]["n"] for side in (0, 1)]
    sample = diagnosis.sample(warehouse, sides)
    assert {row["side"] for row in sample} == {0, 1}
    assert len(sample) == answers[0]["n"] + answers[1]["n"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("measure", "mean"), [("mean(latency_ms)", None), ("mean(score.relevance)", 0.75)])
def test_a_verdict_takes_whole_users(warehouse: Warehouse, many: str, measure: str, mean: float | None) -> None:
    about = About(many, measure, START, END, NOON + timedelta(hours=2))
    found = verdicts.units(warehouse, about)
    assert 0.15 * USERS < len(found.unit) < 0.35 * USERS
    assert set(found.n.tolist()) == {float(TURNS)}
    if mean is not None:
        assert found.total.sum() / found.n.sum() == mean
        blocks = verdicts.blocks(warehouse, about, 20 * MINUTE)
        assert blocks.n.tolist() == [len(found.unit)] * 3
        assert (blocks.total / blocks.n).tolist() == [mean] * 3


@pytest.mark.usefixtures("few")
def test_a_small_segment_of_very_many_is_looked_at_whole(warehouse: Warehouse, many: str) -> None:
    chosen = filters.parse([("user", "user-7"), ("user", "user-8")])
    about = About(many, "mean(latency_ms)", START, END, NOON + timedelta(hours=2), chosen)
    assert sorted(verdicts.units(warehouse, about).unit) == ["user-7", "user-8"]


@pytest.mark.usefixtures("few")
def test_volume_is_never_a_share(warehouse: Warehouse, many: str) -> None:
    about = About(many, "count", START, END, NOON + timedelta(hours=2))
    assert verdicts.blocks(warehouse, about, 20 * MINUTE).n.tolist() == [USERS] * 3


def test_doctest() -> None:
    import doctest

    assert doctest.testmod(drawn).failed == 0
