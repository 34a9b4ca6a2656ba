"""Actions: stated first, one decision each, and never half, wherever the process is killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from homeostat.act import acting, incidents
from homeostat.act.remedies import REMEDIES, Rejected
from homeostat.records import words
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, audit, policies
from homeostat.store.ledger import incidents as kept_incidents
from tests.act.found import finding, kept
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


def _begun(ledger: Ledger, name: str) -> Any:
    return made(acting.approve(ledger, "p", made(acting.propose(ledger, action_of(name), AUTHOR)).id, AUTHOR))


def test_who_takes_back_while_an_answer_is_awaited_is_obeyed_when_it_comes(tmp_path: Path) -> None:
    """Undoing is said in the middle of the call that starts the job: the job that came of it is cancelled."""
    ledger = ledger_at(tmp_path)

    class Asked(Outside):
        def call(self, method: str, path: str, *rest: Any, **named: Any) -> Any:
            if (method, path) == ("POST", "/fine_tuning/jobs"):
                said = made(acting.undo(effects_of(ledger, outside=self), "p", action.id, why="it costs too much"))
                assert said.state == "undoing"
            return super().call(method, path, *rest, **named)

    outside, action = Asked(), _begun(ledger, "retrain")
    ended = acting.carry_out(effects_of(ledger, outside=outside), action)
    assert (ended.state, ended.error, ended.result["job"]) == ("undone", "", "job-1")
    assert outside.calls[-1] == ("POST", "/fine_tuning/jobs/job-1/cancel")
    assert "undone by operator: it costs too much; begun by operator: because" in words.action(ended)


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("name", ["retrain", "pipeline"])
def test_killed_anywhere_while_it_is_taken_back_on_its_way_it_ends_whole(tmp_path: Path, name: str, steps: int) -> None:
    """Approved only, or with a job that runs: wherever the process dies it ends undone, and no job runs."""
    for after in range(1, 60):
        folder = tmp_path / str(after)
        folder.mkdir()
        ledger, outside = ledger_at(folder), Outside(looks=-1_000)
        before, action = world(ledger), _begun(ledger, name)
        if steps and name == "retrain":
            action = acting.carry_out(effects_of(ledger, outside=outside), action)
        dead = False
        with pytest.MonkeyPatch.context() as patch:
            _killing(patch, after, outside)
            try:
                made(acting.undo(effects_of(ledger, outside=outside), "p", action.id))
                acting.carry_out(effects_of(ledger, outside=outside), action)
            except Killed:
                dead = True
        ledger.close()
        ledger = Ledger(f"sqlite:///{folder}/ledger.db", seal=b"seal")
        if actions.listed(ledger, "p", states=("approved", "doing")):  # it died before the word was kept
            made(acting.undo(effects_of(ledger, outside=outside), "p", action.id))
        ended = _finished(ledger, outside, action.id)
        assert (ended.state, world(ledger)) == ("undone", before)
        cancelled = {path for _, path in outside.calls if path.endswith("/cancel")}
        assert len(cancelled) == len(outside.jobs)
        assert audit.verify(ledger) is None
        ledger.close()
        if not dead:
            return
    raise AssertionError("it never came to an end")


def test_a_running_job_is_cancelled_by_a_person(tmp_path: Path) -> None:
    ledger, outside = ledger_at(tmp_path), Outside()
    action = acting.carry_out(effects_of(ledger, outside=outside), _begun(ledger, "retrain"))
    assert (action.state, action.step) == ("doing", "follow")
    outside.looks = -100
    assert made(acting.undo(effects_of(ledger, outside=outside), "p", action.id)).state == "undoing"
    assert outside.calls.count(("POST", "/fine_tuning/jobs/job-1/cancel")) == 0, "that is for its owner to do"
    assert acting.carry_out(effects_of(ledger, outside=outside), action).state == "undone"
    assert outside.calls.count(("POST", "/fine_tuning/jobs/job-1/cancel")) == 1


def test_a_job_that_was_started_and_not_written_down_is_cancelled_too(tmp_path: Path) -> None:
    ledger, outside = ledger_at(tmp_path), Outside()

    class Dying(Outside):
        def call(self, method: str, path: str, *rest: Any, **named: Any) -> Any:
            told = super().call(method, path, *rest, **named)
            if (method, path) == ("POST", "/fine_tuning/jobs"):
                raise Killed
            return told

    dying, action = Dying(), _begun(ledger, "retrain")
    with pytest.raises(Killed):
        acting.carry_out(effects_of(ledger, outside=dying), action)
    made(acting.undo(effects_of(ledger), "p", action.id))
    outside.jobs = dying.jobs
    outside.looks = -100
    assert acting.carry_out(effects_of(ledger, outside=outside), action).state == "undone"
    assert ("POST", "/fine_tuning/jobs/job-1/cancel") in outside.calls


@pytest.mark.parametrize("status", ["running", "failed"])
def test_what_cannot_be_cancelled_is_not_asked_for_ever(tmp_path: Path, status: str) -> None:
    """A job that has ended needs no cancelling; one that runs and refuses is told to a person, once."""

    class Refusing(Outside):
        def call(self, method: str, path: str, *rest: Any, **named: Any) -> Any:
            if path.endswith("/cancel"):
                self.calls.append((method, path))
                raise Rejected("it answered 400: job cannot be cancelled")
            told = super().call(method, path, *rest, **named)
            return {"status": status} if path.startswith("/fine_tuning/jobs/") else told

    ledger, outside = ledger_at(tmp_path), Refusing()
    action = acting.carry_out(effects_of(ledger, outside=outside), _begun(ledger, "retrain"))
    if status == "running":
        made(acting.undo(effects_of(ledger, outside=outside), "p", action.id))
        action = acting.carry_out(effects_of(ledger, outside=outside), action)
        assert "job-1 could not be cancelled (it answered 400: job cannot be cancelled): stop it" in action.error
    else:
        assert "The fine-tuning job ended: failed" in action.error
    assert action.state == "failed" and action.ended
    asked = len(outside.calls)
    assert acting.carry_out(effects_of(ledger, outside=outside), action) == action
    assert len(outside.calls) == asked


def test_an_undo_that_reaches_nobody_ends_after_a_day_with_what_is_left_to_do(tmp_path: Path) -> None:
    ledger, outside = ledger_at(tmp_path), Outside()
    action = acting.carry_out(effects_of(ledger, outside=outside), _begun(ledger, "retrain"))
    made(acting.undo(effects_of(ledger, outside=outside), "p", action.id))
    outside.away = True
    for hours in (0, 23):
        action = acting.carry_out(effects_of(ledger, outside=outside, hours=hours), action)
        assert action.state == "undoing" and "(nobody listens)" in words.action(action)
    action = acting.carry_out(effects_of(ledger, outside=outside, hours=24), action)
    assert (action.state, action.error) == ("failed", "It could not be taken back: nobody listens")


@pytest.mark.parametrize("place", ["/files", "/fine_tuning/jobs"])
@pytest.mark.parametrize("nonsense", [{}, [], "yes", {"id": None}])
def test_a_nonsense_answer_fails_the_action_and_nothing_else(tmp_path: Path, place: str, nonsense: Any) -> None:
    class Mad(Outside):
        def call(self, method: str, path: str, *rest: Any, **named: Any) -> Any:
            told = super().call(method, path, *rest, **named)
            return nonsense if (method, path) == ("POST", place) else told

    ledger, outside = ledger_at(tmp_path), Mad()
    action = acting.carry_out(effects_of(ledger, outside=outside), _begun(ledger, "retrain"))
    assert action.state == "failed" and "gave no id" in action.error
    if place == "/fine_tuning/jobs":
        assert ("POST", "/fine_tuning/jobs/job-1/cancel") in outside.calls, "what it may have started is stopped"


def test_a_no_that_will_not_change_is_heard_once(tmp_path: Path) -> None:
    class No(Outside):
        def call(self, method: str, path: str, *rest: Any, **named: Any) -> Any:
            self.calls.append((method, path))
            raise Rejected("it answered 404")

    ledger, outside = ledger_at(tmp_path), No()
    action = acting.carry_out(effects_of(ledger, outside=outside), _begun(ledger, "pipeline"))
    assert (action.state, action.error, len(outside.calls)) == ("failed", "it answered 404", 1)


def test_what_a_verdict_closed_is_open_again_when_the_action_is_taken_back(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    [found] = kept(ledger, finding())
    [opened] = incidents.take(ledger, "p", [found], at=found.at)
    rule = replace(AUTHOR, actor="rule:automatic-rollback")
    action = made(acting.propose(ledger, action_of("rollback", incident=opened.id), rule))
    action = acting.carry_out(effects_of(ledger), made(acting.approve(ledger, "p", action.id, rule)))
    incidents.close(ledger, "p", opened.id, by=f"verdict:{action.id}", at=found.at, why="WORKED")
    anna = replace(effects_of(ledger), author=replace(AUTHOR, actor="anna"))
    undone = made(acting.undo(anna, "p", action.id, why="we need B"))
    said = words.action(undone)
    assert said.endswith("undone by anna: we need B; begun by rule:automatic-rollback: because")
    now = kept_incidents.get(ledger, "p", opened.id)
    assert now is not None and now.state == "open"
    assert [(entry.text, entry.by) for entry in now.timeline if entry.kind == "action"][-1] == (said, "anna")


def test_who_declined_and_why_stands_in_the_story(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    [found] = kept(ledger, finding())
    [opened] = incidents.take(ledger, "p", [found], at=found.at)
    rule, anna = replace(AUTHOR, actor="rule:answers"), replace(AUTHOR, actor="anna")
    action = made(acting.propose(ledger, action_of("rollback", incident=opened.id), rule))
    said = words.action(made(acting.decline(ledger, "p", action.id, anna, why="it is the weather")))
    assert said.endswith("declined by anna: it is the weather; proposed by rule:answers: because")
    now = kept_incidents.get(ledger, "p", opened.id)
    assert now is not None and now.timeline[-1].text == said
