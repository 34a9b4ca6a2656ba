"""Actions: stated first, one decision each, and never half, wherever the process is killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from homeostat.act import acting
from homeostat.act.remedies import REMEDIES
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, audit, policies
from tests.act.remedies.stage import AUTHOR, EXPECTS, Outside, action_of, effects_of, ledger_at, made, world


@pytest.mark.parametrize(
    "expects",
    [
        replace(EXPECTS, measure=" "), replace(EXPECTS, at_least=0.0), replace(EXPECTS, at_least=float("nan")),
        replace(EXPECTS, by=0), replace(EXPECTS, direction=cast(Any, "sideways")),
    ],
)  # fmt: skip
def test_an_action_without_an_expectation_cannot_be_made(tmp_path: Path, expects: Any) -> None:
    ledger = ledger_at(tmp_path)
    assert isinstance(acting.propose(ledger, action_of("rollback", expects=expects), AUTHOR), Declined)
    assert actions.listed(ledger, "p") == []


def test_it_is_decided_once(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    action = made(acting.propose(ledger, action_of("rollback"), AUTHOR))
    assert made(acting.decline(ledger, "p", action.id, AUTHOR, why="it is the weather")).state == "declined"
    refused = acting.approve(ledger, "p", action.id, AUTHOR)
    assert isinstance(refused, Declined) and refused.code == "conflict"
    said = [entry.action for entry in audit.entries(ledger, project="p")]
    assert said[:2] == ["action.declined", "action.propose"]


def test_a_late_yes_leaves_as_much_time_as_was_promised(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    rule, late = replace(AUTHOR, actor="rule:answers"), replace(AUTHOR, at=AUTHOR.at + timedelta(hours=5))
    for author, waited in ((rule, 5 * 3_600_000_000), (AUTHOR, 0)):
        action = made(acting.propose(ledger, action_of("rollback"), author))
        agreed = made(acting.approve(ledger, "p", action.id, late))
        assert agreed.expects.by == action.expects.by + waited


def test_nothing_happens_without_a_yes(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    before = world(ledger)
    action = made(acting.propose(ledger, action_of("rollback"), AUTHOR))
    assert acting.carry_out(effects_of(ledger), action) == action
    assert world(ledger) == before


def test_policy_and_state_move_in_one_transaction(tmp_path: Path) -> None:
    """Whoever looks after any commit sees both or neither."""
    ledger = ledger_at(tmp_path)
    action = made(acting.propose(ledger, action_of("rollback"), AUTHOR))
    made(acting.approve(ledger, "p", action.id, AUTHOR))
    seen: list[tuple[str, float]] = []
    whole = Ledger.begin

    def watching(self: Ledger) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def wrapped() -> Any:
            with whole(self) as connection:
                yield connection
            mine = getattr(self._mine, "connection", None)
            if mine is None:
                now = actions.get(ledger, "p", action.id)
                kept = policies.get(ledger, "p", "default")
                assert now is not None and kept is not None
                seen.append((now.state, round(kept.policy.shares["A"], 6)))

        return wrapped()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "begin", watching)
        acting.carry_out(effects_of(ledger), actions.get(ledger, "p", action.id))  # type: ignore[arg-type]
    assert seen == [("doing", 0.9), ("done", 0.95)]


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


def _killing(patch: pytest.MonkeyPatch, after: int, outside: Outside) -> None:
    """The process dies at the N-th place where it could: before a commit, after it, and after a call outside."""
    places = {"left": after}

    def place() -> None:
        places["left"] -= 1
        if places["left"] == 0:
            raise Killed

    whole, call = Ledger.begin, Outside.call

    def begin(self: Ledger) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def wrapped() -> Any:
            outer = getattr(self._mine, "connection", None) is None
            with whole(self) as connection:
                yield connection
                if outer:
                    place()
            if outer:
                place()

        return wrapped()

    def calling(self: Outside, *rest: Any, **named: Any) -> Any:
        told = call(self, *rest, **named)
        place()
        return told

    patch.setattr(Ledger, "begin", begin)
    patch.setattr(Outside, "call", calling)


@pytest.mark.parametrize("taking_back", [False, True], ids=["do", "undo"])
@pytest.mark.parametrize("name", REMEDIES)
def test_killed_anywhere_it_ends_whole(tmp_path: Path, name: str, taking_back: bool) -> None:
    """T10, T12: at every place where the process can die the action ends done (or undone) after the next start."""
    for after in range(1, 60):
        folder = tmp_path / str(after)
        folder.mkdir()
        ledger, outside = ledger_at(folder), Outside()
        before = world(ledger)
        action = made(acting.propose(ledger, action_of(name), AUTHOR))
        action = made(acting.approve(ledger, "p", action.id, AUTHOR))
        if taking_back:
            action = _finished(ledger, outside, action.id)
        dead = False
        with pytest.MonkeyPatch.context() as patch:
            _killing(patch, after, outside)
            try:
                if taking_back:
                    acting.undo(effects_of(ledger, outside=outside), "p", action.id)
                else:
                    acting.carry_out(effects_of(ledger, outside=outside), action)
            except Killed:
                dead = True
        ledger.close()
        ledger = Ledger(f"sqlite:///{folder}/ledger.db", seal=b"seal")
        here = actions.get(ledger, "p", action.id)
        assert here is not None
        if name != "pipeline" or not taking_back:
            served = world(ledger)
            assert (served == before) == (here.state in ("approved", "doing", "undone")) or name in (
                "curate", "by-hand", "pipeline", "retrain", "prompt", "fallback", "switchback",
            )  # fmt: skip
        ended = _finished(ledger, outside, action.id)
        if taking_back and here.state != "done" and name != "pipeline":
            assert ended.state == "undone"
            assert world(ledger) == before
        else:
            assert ended.state == "done"
            assert len(outside.jobs) <= 1
        assert audit.verify(ledger) is None
        ledger.close()
        if not dead:
            return
    raise AssertionError("it never came to an end")


def _finished(ledger: Ledger, outside: Outside, id: int) -> Any:
    """What the loop does at its next ticks."""
    for hours in range(20):
        action = actions.get(ledger, "p", id)
        assert action is not None
        if action.state in ("done", "undone", "failed"):
            return action
        acting.carry_out(effects_of(ledger, outside=outside, hours=hours), action)
    return actions.get(ledger, "p", id)
