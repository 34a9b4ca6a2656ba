"""Monitors as people write them: what is right is read, what is wrong is said."""

from __future__ import annotations

import pytest

from homeostat.act.monitors.reading import BadMonitor, monitor, monitors
from homeostat.act.monitors.spans import span

GOOD = {"name": "refusals", "measure": "mean(score.answered)", "against": {"reference": "all"}, "direction": "down"}
SIMPLE = {"against": {"threshold": {"value": 0.1}}, "direction": "down"}


def test_a_whole_one():
    made = monitor(
        GOOD | {"where": {"model": ["a", "b"]}, "by": ["attribute.plan"], "unit": "session", "tolerance": 0.02,
                "severity": "critical", "budget": 2}, "p",
    )  # fmt: skip
    assert made.where == (("model", "a"), ("model", "b")) and made.by == ("attribute.plan",)
    assert made.kind == "reference" and made.budget == 2.0 and made.version == 0


def test_a_file_of_them():
    assert [one.name for one in monitors({"monitor": [GOOD, GOOD | {"name": "two"}]}, "p")] == ["refusals", "two"]
    assert len(monitors([GOOD], "p")) == len(monitors(GOOD, "p")) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Not So"}, "lower case"),
        ({"measure": ""}, "measure is missing"),
        ({"measure": "mean(score.)"}, "refusals"),
        ({"measure": "p200(latency)"}, "p200"),
        ({"measure": "count"}, "threshold"),
        ({"against": {}}, "against is one of"),
        ({"against": {"reference": "7h"}}, "1d to 92d"),
        ({"against": {"reference": "7d", "season": "year"}}, "season is none, day"),
        ({"against": {"reference": "3d", "season": "week"}}, "at least 7d"),
        ({"against": {"limit": 0.1, "season": "day"}, "direction": "up"}, "only a reference"),
        ({"against": {"segment": "free"}}, "table of filters"),
        ({"against": {"limit": "x"}}, "number"),
        ({"against": {"limit": 2.0}}, "between 0 and 1"),
        ({"against": {"limit": 0.1}, "direction": "both"}, "has a side"),
        ({"against": {"band": [0.9, 0.1]}}, "lower first"),
        ({"measure": "p95(latency)", "against": {"limit": 800}}, r"share\(latency_ms>800\)"),
        ({"against": {"threshold": {"window": "5m"}}}, "value is needed"),
        ({"against": {"threshold": {"value": 1, "window": "five"}}}, "10m"),
        ({"against": {"threshold": {"value": 1}}, "direction": "both"}, "has a side"),
        ({"against": {"segment": {"model": "a"}}}, "which segment it watches"),
        ({"against": {"segment": {"model": "a"}}, "where": {"model": "a"}}, "belongs to both"),
        ({"against": {"release": "previous-good"}, "direction": "both"}, "worse"),
        ({"direction": "sideways"}, "down, up or both"),
        ({"unit": "trace"}, "user, session or exchange"),
        ({"where": {"nothing": "x"}}, "no filter"),
        ({"by": ["cost"]}, "cannot be split"),
        ({"budget": 0}, "above 0"),
        ({"kind": "drift"}, "kind is answer"),
        ({"directoin": "up"}, "Did you mean direction"),
        ({"do": ["rollback"]}, "there is no 'do'"),
        ({"notify": ["ops"]}, "there is no 'notify'"),
        ({"measure": "count, rate"}, "2 measures"),
        (SIMPLE | {"measure": "count, rate"}, "2 measures"),
        (SIMPLE | {"measure": "coverage(signals)"}, "one kind of signal"),
        (SIMPLE | {"by": ["error"]}, "no dimension"),
        (SIMPLE | {"by": ["model", "release", "user", "status", "attribute.a"]}, "At most 4"),
        ({"against": {"threshold": {"value": 0.1, "window": "0m"}}, "direction": "down"}, "from 1m"),
        ({"against": {"threshold": {"value": 0.1, "window": "30d"}}, "direction": "down"}, "to 7d"),
        ({"against": {"threshold": {"value": 0.1, "min_n": -3}}, "direction": "down"}, "1 or more"),
        ({"against": {"threshold": {"value": 0.1, "clear": 0.05}}, "direction": "down"}, "good side"),
    ],
)  # fmt: skip
def test_mistakes_are_said(change, said):
    with pytest.raises(BadMonitor, match=said):
        monitor(GOOD | change, "p")


def test_files_that_are_none():
    for document, said in (
        ("x", "a table"),
        ([], "no monitor"),
        ([GOOD, GOOD], "twice"),
        ({"monitor": GOOD, "x": 1}, "x"),
    ):
        with pytest.raises(BadMonitor, match=said):
            monitors(document, "p")


def test_spans():
    assert span("90s") == 90_000_000 and span("7d") == 7 * 86_400_000_000
    with pytest.raises(ValueError, match="no time"):
        span("7 days")


def test_a_flag_is_spelled_as_filters_spell_it():
    assert monitor(GOOD | {"where": {"streaming": True}}, "p").where == (("streaming", "true"),)


@pytest.mark.parametrize(("said", "state"), [({}, ""), ({"state": True}, "on"), ({"state": False}, "paused")])
def test_a_state_that_yaml_reads_as_a_flag(said, state):
    assert monitor(GOOD | said, "p").state == state
