"""The scoreboard: what the product said beside what was true, on stories with known ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.scoreboard import page
from homeostat.records.policy import Policy, reshaped
from homeostat.sim import scoreboard, words
from homeostat.sim.lockstep import Played
from homeostat.sim.scenario import named
from homeostat.sim.world import World


def played(name: str, **said: Any) -> Played:
    world = World(named(name).sized(1_500), 3)
    world.until(world.now + 10**18, Policy("default", 1, reshaped([], {world.scenario.releases[0].name: 1.0})))
    told = Played(world, exchanges=world.count, **said)
    told.onset_ns = world.book.rows[world.scenario.onset].at_ns
    return told


def moment(one: Played, after: int) -> int:
    """Microseconds: when so many exchanges had come since the onset."""
    return one.world.book.rows[one.world.scenario.onset + after - 1].at_ns // 1000 + 1


def incident(id_: int, opened: int, **more: Any) -> dict[str, Any]:
    return {"id": id_, "opened": opened, "severity": "warning", "cause": "release"} | more


def action(id_: int, about: int, answer: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "incident": about, "answer": answer, "state": "done", "proposed": id_} | more


def verdict(about: int, outcome: str, *, final: bool = True, at: int = 1) -> dict[str, Any]:
    return {"action": about, "outcome": outcome, "final": final, "at": at}


def test_before_anything_is_measured_everything_is_null() -> None:
    row = scoreboard.row(played("bad-prompt-release"))
    for name in ("detected", "in_time", "delay_events", "false_alarms", "cause", "cause_right", "action", "verdict"):
        assert row[name] is None, name
    assert scoreboard.closed(row) is None
    assert scoreboard.report([row])["totals"]["closed"] is None
    assert "nothing to score" in words.totals(scoreboard.report([row])["totals"])


def test_a_loop_that_closed() -> None:
    one = played("bad-prompt-release")
    one.incidents = [incident(1, moment(one, 60)), incident(2, moment(one, 200), severity="watch")]
    one.actions = [action(5, 1, "rollback"), action(6, 1, "block")]
    one.verdicts = [verdict(5, "no-effect", final=False), verdict(5, "worked", at=9)]
    row = scoreboard.row(one)
    assert (row["detected"], row["delay_events"], row["false_alarms"], row["in_time"]) == (True, 60, 0, True)
    assert (row["cause"], row["action"], row["verdict"]) == ("release", "rollback", "worked")
    assert row["cause_right"] and row["action_right"] and row["verdict_right"] and scoreboard.closed(row)
    assert scoreboard.report([row])["totals"]["in_time"] == 1
    assert "incident 60 exchanges after the onset" in words.summary(row)


def test_what_came_before_is_a_false_alarm_and_what_follows_is_none() -> None:
    one = played("bad-prompt-release")
    before = one.world.book.rows[100].at_ns // 1000
    one.incidents = [incident(1, before), incident(2, moment(one, 90), cause="data"), incident(3, moment(one, 300))]
    one.actions, one.verdicts = [], []
    row = scoreboard.row(one)
    assert (row["false_alarms"], row["delay_events"], row["cause_right"]) == (1, 90, False)
    assert (row["action"], row["verdict"], scoreboard.closed(row)) == ("none", "none", False)


def test_late_is_not_in_time() -> None:
    one = played("verbose")
    one.incidents = [incident(1, moment(one, 3 * one.world.scenario.oracle + 1))]
    assert scoreboard.row(one)["in_time"] is False
    one.incidents = [incident(1, moment(one, 3 * one.world.scenario.oracle))]
    assert scoreboard.row(one)["in_time"] is True


def test_the_verdict_is_the_last_word_about_the_newest_action() -> None:
    """In the story of the inert fix the fallback stays a proposal, and what people edited is judged."""
    one = played("inert-fix")
    one.incidents = [incident(1, moment(one, 50), cause="provider")]
    one.actions = [action(1, 1, "fallback", state="proposed"), action(2, 1, "update-prompt")]
    one.verdicts = [verdict(2, "not-enough-data", final=False)]
    assert scoreboard.row(one)["verdict"] == "not-enough-data"
    one.verdicts += [verdict(2, "no-effect", at=7)]
    row = scoreboard.row(one)
    assert (row["action"], row["verdict"], scoreboard.closed(row)) == ("fallback", "no-effect", True)
    one.actions = [action(2, 1, "update-prompt", result={"adopted": True}), action(3, 1, "fallback", state="proposed")]
    assert scoreboard.row(one)["action"] == "fallback", "an edit of people is none of ours, however early"


def test_silence_is_right_where_nothing_is_wrong() -> None:
    one = played("weekend")
    one.incidents, one.actions, one.verdicts = [], [], []
    row = scoreboard.row(one)
    assert (row["detected"], row["false_alarms"], row["in_time"], row["cause_right"]) == (False, 0, None, True)
    assert scoreboard.closed(row) is True
    one.incidents = [incident(1, moment(one, 9))]
    loud = scoreboard.row(one)
    assert loud["false_alarms"] == 1 and scoreboard.closed(loud) is False


def test_the_table_says_what_would_have_been_right() -> None:
    one = played("bad-prompt-release")
    one.incidents, one.actions, one.verdicts = [incident(1, moment(one, 60), cause="data")], [], []
    rows = [scoreboard.row(one), scoreboard.row(played("weekend"))]
    told = words.table(rows).splitlines()
    assert len(told) == 4 and "| 60 |" in told[2] and "data (right: release)" in told[2]
    assert told[3].startswith("| weekend | 3 | - | - | ?")
    assert replace(named("weekend")).benign


def test_drift_stands_apart_on_the_page() -> None:
    rows = []
    for name in ("verbose", "slower"):
        one = played(name)
        one.incidents, one.actions, one.verdicts = [incident(1, moment(one, 20))], [], []
        rows.append(scoreboard.row(one))
    first, drift = page(rows, 60).split("## Drift")
    assert ("| verbose |" in first, "| slower |" in first) == (True, False)
    assert ("1 of 1 found" in first, "1 of 1 found" in drift) == (True, True)
