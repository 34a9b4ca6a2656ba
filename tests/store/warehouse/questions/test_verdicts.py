"""The evidence of a verdict: per user and release, per block, and only what belongs to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.verdicts import About, an_hour, blocks, measurable, units
from tests.builders import NOON, ZERO_TRACE, exchange_row, score_row, signal_row, span_row, store

MINUTE = timedelta(minutes=1)
NOW = NOON + timedelta(hours=2)


@pytest.fixture
def told(warehouse: Warehouse, project: str) -> About:
    """u1 on A twice (one late), u2 on B, somebody without a name; the first two with a score."""
    rows = [
        exchange_row(project, at=NOON, user_id="u1", release="A", latency_ms=100.0),
        exchange_row(project, at=NOON + 30 * MINUTE, user_id="u1", release="A", latency_ms=900.0),
        exchange_row(project, at=NOON + 5 * MINUTE, user_id="u2", release="B", latency_ms=300.0),
        exchange_row(project, at=NOON + 6 * MINUTE, user_id="", session_id="", release="B", latency_ms=500.0),
        exchange_row(project, at=NOON + 200 * MINUTE, user_id="u3", release="B", latency_ms=1.0),
    ]
    scores = [
        score_row(
            project, at=row["at"], trace_id=row["trace_id"], span_id=row["span_id"], name="relevance", value=value
        )
        for row, value in zip(rows[:3], (1.0, 0.0, 0.5), strict=True)
    ]
    signals = [signal_row(project, at=NOON + MINUTE, trace_id=rows[0]["trace_id"], span_id=rows[0]["span_id"],
                          name="thumbs", value=-1.0)]  # fmt: skip
    store(warehouse, exchanges=rows, scores=scores, signals=signals)
    return About(project, "mean(score.relevance)", micros(NOON), micros(NOW), NOW)


def of(about: About, measure: str) -> About:
    return About(about.project, measure, about.start, about.end, about.now, about.filters)


def test_users_by_release(warehouse: Warehouse, told: About) -> None:
    found = units(warehouse, told)
    assert list(zip(found.unit, found.release, found.n, found.total, found.squares, strict=True)) == [
        ("u1", "A", 2, 1.0, 1.0), ("u2", "B", 1, 0.5, 0.25),
    ]  # fmt: skip
    total, n = found.of("B")
    assert (total.tolist(), n.tolist()) == ([0.5], [1.0])


def test_a_user_counts_within_a_window_that_is_over(warehouse: Warehouse, told: About) -> None:
    found = units(warehouse, told, window=600_000_000)
    assert list(zip(found.unit, found.n, found.total, strict=True)) == [("u1", 1, 1.0), ("u2", 1, 0.5)]
    early = About(told.project, told.measure, told.start, micros(NOON + 12 * MINUTE), NOW)
    assert units(warehouse, early, window=600_000_000).unit == ["u1"]


@pytest.mark.parametrize(
    ("measure", "sums"),
    [
        ("mean(latency)", {"u1": 1000.0, "u2": 300.0}),
        ("share(latency>400)", {"u1": 1.0, "u2": 0.0}),
        ("share(score.relevance<0.6)", {"u1": 1.0, "u2": 1.0}),
        ("share(signal.thumbs=-1)", {"u1": 1.0}),
        ("coverage(signals)", {"u1": 1.0, "u2": 0.0}),
        ("coverage(signal.thumbs)", {"u1": 1.0, "u2": 0.0}),
        ("coverage(signal.rating)", {"u1": 0.0, "u2": 0.0}),
        ("coverage(score.relevance)", {"u1": 2.0, "u2": 1.0}),
        ("count", {"u1": 2.0, "u2": 1.0}),
    ],
)
def test_every_kind_of_measure(warehouse: Warehouse, told: About, measure: str, sums: dict[str, float]) -> None:
    found = units(warehouse, of(told, measure))
    mine = {unit: total for unit, total in zip(found.unit, found.total.tolist(), strict=True) if unit.startswith("u")}
    assert mine == sums


def test_blocks_from_the_start(warehouse: Warehouse, told: About) -> None:
    found = blocks(warehouse, of(told, "mean(latency)"), 10 * 60_000_000)
    assert found.n.tolist() == [3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert found.total.tolist()[:4] == [900.0, 0, 0, 900.0]
    assert len(blocks(warehouse, told, 10**12).n) == 0


def test_only_what_passes_the_filters(warehouse: Warehouse, told: About) -> None:
    only = About(told.project, told.measure, told.start, told.end, NOW, filters.parse([("release", "B")]))
    assert units(warehouse, only).unit == ["u2"]
    assert an_hour(warehouse, told.project, told.end) == 4 / 3


@pytest.mark.parametrize("measure", ["p95(latency)", "unique(user)", "rate", "count(model=a)", "mean(attribute.x)"])
def test_what_has_no_value_for_one_exchange(warehouse: Warehouse, told: About, measure: str) -> None:
    with pytest.raises(Refused):
        units(warehouse, of(told, measure))
    if not measure.startswith("mean"):
        with pytest.raises(Refused):
            measurable(measure)


def test_what_a_shadow_said_is_no_evidence(warehouse: Warehouse, told: About) -> None:
    """Nor is it what a signal about a session is about."""
    at, seen = NOON + 7 * MINUTE, of(told, "mean(latency)")
    before = (units(warehouse, seen).n.tolist(), blocks(warehouse, seen, 600_000_000).n.tolist())
    mine = exchange_row(told.project, at=at, user_id="u9", session_id="s9", release="A")
    shadow = exchange_row(told.project, at=at + MINUTE, user_id="u9", session_id="s9", release="C", tags=["shadow"])
    alone = signal_row(told.project, at=at + 2 * MINUTE, trace_id=ZERO_TRACE, session_id="s9", name="stars", value=1.0)
    store(warehouse, exchanges=[shadow])
    assert (units(warehouse, seen).n.tolist(), blocks(warehouse, seen, 600_000_000).n.tolist()) == before
    store(warehouse, exchanges=[mine], signals=[alone])
    assert units(warehouse, of(told, "mean(signal.stars)")).release == ["A"]


@pytest.mark.parametrize("measure", ["mean(score.relevance)", "mean(latency)", "coverage(score.relevance)"])
def test_of_one_route_only_what_names_it(warehouse: Warehouse, project: str, measure: str) -> None:
    for user, route in (("u1", "p"), ("u2", "q"), ("u3", "")):
        row = exchange_row(project, at=NOON, user_id=user, release="A")
        here = {"at": NOON, "trace_id": row["trace_id"], "span_id": row["span_id"]}
        named = [span_row(project, attributes={"homeostat.route": route}, **here)] if route else []
        store(warehouse, exchanges=[row], spans=named, scores=[score_row(project, name="relevance", value=1.0, **here)])
    about = About(project, measure, micros(NOON), micros(NOW), NOW)
    assert units(warehouse, about).unit == ["u1", "u2", "u3"]
    assert units(warehouse, replace(about, route="q")).unit == ["u2"]
    assert blocks(warehouse, replace(about, route="p"), 60_000_000).n.sum() == 1
