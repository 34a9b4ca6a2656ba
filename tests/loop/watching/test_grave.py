"""How grave a finding is depends on how large the change is, not only on how sure; one that grows is told again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from homeostat.act.monitors import defaults
from homeostat.act.monitors.reading import BadMonitor, monitor
from homeostat.loop.watching import told
from homeostat.store.ledger import findings, incidents, monitors
from tests.loop.watching.test_ticker import MINUTE, START, make

RELEVANCE = {
    "name": "score-relevance", "measure": "mean(score.relevance)", "direction": "down", "against": {"reference": "all"},
    "severity": "critical", "critical_from": 0.25, "budget": 50.0,
}  # fmt: skip


def watched(warehouse, project, path, **more):
    world = make(warehouse, project, path)
    made = monitor(RELEVANCE | more, project)
    monitors.put(world.context.ledger, made, at=datetime.now(UTC), author="ann")
    return world


def severities(world):
    found = [one for one in findings.newest(world.context.ledger, world.project) if one.monitor == "score-relevance"]
    return [(one.severity, one.at) for one in reversed(found)]


@pytest.mark.parametrize("least", ["critical_from", "tolerance"])
def test_a_small_change_is_no_critical_one_until_it_has_grown(warehouse, project, tmp_path, least):
    world = watched(warehouse, project, tmp_path / "ledger.db", **{"critical_from": 0.0, least: 0.25})
    world.live(range(90), score=0.85)
    world.live(range(90, 150), score=0.75, seed=2)
    world.live(range(150, 240), score=0.1, seed=3)
    ticker = world.ticker()
    for minute in range(10, 151, 10):
        world.tick(ticker, minute)
    small = severities(world)
    assert [severity for severity, _ in small] == (["warning"] if least == "critical_from" else [])
    for minute in range(155, 241, 5):
        world.tick(ticker, minute)
    assert [severity for severity, _ in severities(world)] == [*(severity for severity, _ in small), "critical"]
    assert severities(world)[-1][1] > START + 150 * MINUTE
    [incident] = [one for one in incidents.open(world.context.ledger, project) if one.severity == "critical"]
    assert incident.opened == severities(world)[0][1]


def test_what_the_default_set_calls_critical():
    made = {one.name: one for one in defaults.monitors("p", ["safety", "relevance"], [])}
    safety, relevance = made["score-safety"], made["score-relevance"]
    assert [told.grave(safety, size) for size in (-0.003, 0.003, -0.01, 0.2, None)] == [
        "warning", "warning", "critical", "critical", "critical",
    ]  # fmt: skip
    assert told.grave(made["errors"], 0.005) == "warning" and told.grave(made["errors"], 0.02) == "critical"
    assert told.grave(relevance, -0.4) == "warning"
    assert told.grave(replace(safety, critical_from=0.0), -0.003) == "critical"


def test_a_size_is_no_less_than_nothing():
    assert monitor(RELEVANCE, "p").critical_from == 0.25
    with pytest.raises(BadMonitor, match="critical_from is 0 or more"):
        monitor(RELEVANCE | {"critical_from": -0.1}, "p")
