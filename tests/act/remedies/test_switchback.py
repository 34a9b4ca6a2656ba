"""Turns in an order drawn at random: each as long as was said, through any restart, and stopped by anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.act import acting
from homeostat.act.remedies import remedy
from homeostat.records.action import Action
from homeostat.records.policy import Policy, reshaped
from homeostat.registry import steering
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, audit, policies
from tests.act.remedies.stage import AUTHOR, EXAMPLES, EXPECTS, action_of, effects_of, ledger_at, made, world


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = ledger_at(tmp_path)
    yield ledger
    ledger.close()


def _begun(ledger: Ledger) -> Action:
    action = made(acting.propose(ledger, action_of("switchback"), AUTHOR))
    return made(acting.approve(ledger, "p", action.id, AUTHOR, why="yes"))


def _at(ledger: Ledger, action: Action, hours: int) -> Action:
    """What the loop does at that hour, from the ledger alone, as after a restart."""
    now = actions.get(ledger, "p", action.id)
    assert now is not None
    return acting.carry_out(effects_of(ledger, hours=hours), now)


def _shares(ledger: Ledger) -> dict[str, float]:
    shares: dict[str, float] = world(ledger)["shares"]
    return shares


def test_each_turn_is_what_was_drawn_and_afterwards_all_is_as_it_was(ledger: Ledger) -> None:
    before, action = world(ledger), _begun(ledger)
    for hour in range(12):
        action = _at(ledger, action, hour)
        on = action.result["order"][hour]
        assert _shares(ledger) == ({"B": 1.0} if on else {"A": 1.0})
        assert _at(ledger, action, hour) == action, "half an hour is not over"
    assert sum(action.result["order"]) == 6 and action.state == "doing"
    turns = action.result["turns"]
    assert [turn[0] for turn in turns] == action.result["order"]
    assert all(end - start == 30 * 60_000_000 for _, start, end in turns)
    action = _at(ledger, action, 12)
    assert action.state == "done" and world(ledger) == before
    assert audit.verify(ledger) is None


def test_after_a_long_silence_the_next_turn_begins_then(ledger: Ledger) -> None:
    action = _at(ledger, _begun(ledger), 0)
    action = _at(ledger, action, 7)
    first, second = action.result["turns"]
    assert first[2] - first[1] == second[2] - second[1] and second[1] - first[1] == 7 * 3_600_000_000


def test_anybody_may_stop_it(ledger: Ledger) -> None:
    before = world(ledger)
    action = _at(ledger, _at(ledger, _begun(ledger), 0), 1)
    stopped = made(acting.undo(effects_of(ledger, hours=1), "p", action.id, why="enough"))
    assert stopped.state == "undone" and world(ledger) == before
    assert _at(ledger, stopped, 2) == stopped


def test_who_changes_the_route_meanwhile_has_the_last_word(ledger: Ledger) -> None:
    action = _at(ledger, _begun(ledger), 0)
    kept = policies.get(ledger, "p", "default")
    assert kept is not None
    wanted = Policy("default", 0, reshaped((), {"A": 0.5, "B": 0.5}))
    made(steering.put(ledger, "p", wanted, kept.policy.version, AUTHOR))
    for hour in range(1, 4):
        action = _at(ledger, action, hour)
    assert action.state == "failed" and "changed" in action.error
    assert _shares(ledger) == {"A": 0.5, "B": 0.5}


@pytest.mark.parametrize(
    "change",
    [{"to": "A"}, {"blocks": 11}, {"blocks": 10}, {"minutes": 2}, {"settle": 20}, {"blocks": 96, "minutes": 300}],
)
def test_what_could_tell_nothing_is_refused(change: dict[str, Any]) -> None:
    assert isinstance(remedy("switchback", EXAMPLES["switchback"] | change), Declined)


def test_a_verdict_cannot_be_due_before_the_turns_are_over(ledger: Ledger) -> None:
    from dataclasses import replace

    from homeostat.records.instant import micros

    soon = replace(EXPECTS, by=micros(AUTHOR.at) + 5 * 3_600_000_000)
    told = acting.propose(ledger, action_of("switchback", expects=soon), AUTHOR)
    assert isinstance(told, Declined) and "360 minutes" in told.message


def test_a_release_that_does_not_serve_cannot_take_turns(ledger: Ledger) -> None:
    told = {**EXAMPLES["switchback"], "leaving": "C"}
    action = made(
        acting.propose(ledger, Action(0, "p", "switchback", "rollback", told, EXPECTS, "proposed", ""), AUTHOR)
    )
    refused = acting.approve(ledger, "p", action.id, AUTHOR)
    assert isinstance(refused, Declined) and "C does not serve default now" in refused.message
