"""The loop closes: evidence, rollback, verdict; proposals for every cause; nothing half."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.act import acting, incidents
from homeostat.loop.watching import actor, carrying_out, evidence, verifier
from homeostat.records import words
from homeostat.records.action import Action, Expectation
from homeostat.records.story import story
from homeostat.records.verdict import Verdict
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, audit, policies, verdicts
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.verdicts import About
from tests.builders import NOON
from tests.loop.watching.stage import MINUTE, RELEVANCE, Stage, us


def run(stage: Stage, at: Any) -> None:
    actor.run(stage.context, us(at))
    verifier.run(stage.context, us(at))


def only(stage: Stage) -> Action:
    [action] = actions.listed(stage.context.ledger, stage.project)
    return action


def approved(stage: Stage, id: int, at: Any) -> None:
    done = acting.approve(stage.context.ledger, stage.project, id, Author("anna", at, at), why="go")
    assert not isinstance(done, Declined), done


def test_a_bad_canary_is_rolled_back_and_the_verdict_is_worked(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.talk(NOON - 60 * MINUTE, 60, {"A": 0.85, "B": 0.60})
    stage.compare(NOON, 90.0)
    run(stage, NOON)
    assert stage.shares == {"A": 0.9, "B": 0.1}
    assert actions.listed(stage.context.ledger, project) == []

    incident = stage.incident(NOON, "release", "B", release="B")
    stage.compare(NOON + MINUTE, 130.0)
    run(stage, NOON + MINUTE)
    done = only(stage)
    assert stage.shares == {"A": 1.0}
    assert stage.published
    assert (done.state, done.by, done.incident, done.answer) == (
        "done", "rule:automatic-rollback", incident.id, "rollback",
    )  # fmt: skip
    assert (done.expects.measure, done.expects.direction, done.expects.control) == (RELEVANCE, "up", "canary")
    assert done.expects.low == pytest.approx(0.683, abs=0.001)
    assert done.why == "B does worse than A: relevance -0.25 (-0.4 to -0.1)", "no figure that takes a statistician"

    run(stage, NOON + 2 * MINUTE)
    assert verdicts.listed(stage.context.ledger, project) == []
    stage.talk(NOON + 2 * MINUTE, 170, {"A": 0.85}, a_minute=18, users=1_500)
    run(stage, NOON + 235 * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, done.id)
    assert said is not None
    assert (said.outcome, said.rung, said.claim, said.final) == ("worked", "randomised", "caused", True)
    assert (said.estimate, said.low, said.high) == (0.25, 0.10, 0.40)
    kept = kept_incidents.get(stage.context.ledger, project, incident.id)
    assert kept is not None and (kept.state, kept.closed_by) == ("closed", f"verdict:{done.id}")
    assert audit.verify(stage.context.ledger) is None
    told = [entry.action for entry in audit.entries(stage.context.ledger, project=project)]
    for step in ("action.propose", "action.approved", "policy.put", "action.done", "action.verdict"):
        assert told.count(step) >= 1, step


def test_moved_users_who_are_no_better_say_no_effect(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.talk(NOON - 60 * MINUTE, 60, {"A": 0.85, "B": 0.60})
    incident = stage.incident(NOON, "release", "B", release="B")
    stage.compare(NOON, 130.0)
    run(stage, NOON)
    stage.talk(NOON + MINUTE, 340, {"A": 0.45}, a_minute=9, users=1_500)
    run(stage, NOON + 405 * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, only(stage).id)
    assert said is not None and (said.outcome, said.final) == ("no-effect", True)
    kept = kept_incidents.get(stage.context.ledger, project, incident.id)
    assert kept is not None and kept.state == "open"
    assert any("a person must look" in entry.text for entry in kept.timeline)


def test_a_judge_alone_rolls_nothing_back(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.compare(NOON, 1e6, rung="judge")
    run(stage, NOON)
    assert stage.shares == {"A": 0.9, "B": 0.1}


def test_a_bad_release_for_everybody_keeps_some_on_it_until_the_verdict(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    stage.talk(NOON - 60 * MINUTE, 60, {"B": 0.6}, a_minute=12)
    stage.incident(NOON, "release", "B")
    run(stage, NOON)
    proposed = only(stage)
    assert (proposed.state, proposed.answer, proposed.by) == ("proposed", "rollback", "rule:answers")
    assert proposed.parameters == {"route": "default", "to": "A", "leaving": "B", "holdback": 0.1}
    assert stage.shares == {"B": 1.0}
    approved(stage, proposed.id, NOON + MINUTE)
    run(stage, NOON + MINUTE)
    assert stage.shares == {"A": 0.9, "B": 0.1}
    stage.talk(NOON + MINUTE, 170, {"A": 0.9, "B": 0.4}, a_minute=12, users=900)
    for minute in range(5, 185, 5):
        run(stage, NOON + minute * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, proposed.id)
    assert said is not None
    assert (said.outcome, said.rung, said.claim) == ("worked", "randomised", "caused")
    assert said.low is not None and said.low > 0 and said.estimate == pytest.approx(0.5, abs=0.15)
    assert stage.shares == {"A": 1.0}
    done, until = only(stage), us(NOON + 171 * MINUTE)
    about = About(project, RELEVANCE, done.ended, until, NOON + 171 * MINUTE)
    seen = evidence.of_blocks(stage.context, done, about, True)
    assert seen.users is not None
    assert seen.users.mean() == pytest.approx(0.9, abs=0.02), "before and after is asked of those who were moved"


def _held_back(stage: Stage, *, route: str = "") -> Action:
    """B served everybody and was worse; A serves now, but for the hold-back, to whom B is worse still."""
    stage.talk(NOON - 60 * MINUTE, 60, {"B": 0.6}, a_minute=12, route=route)
    stage.incident(NOON, "release", "B")
    run(stage, NOON)
    proposed = only(stage)
    approved(stage, proposed.id, NOON + MINUTE)
    run(stage, NOON + MINUTE)
    stage.talk(NOON + MINUTE, 170, {"A": 0.9, "B": 0.4}, a_minute=12, users=900, route=route)
    return only(stage)


def test_a_verdict_of_one_route_counts_no_traffic_of_another_that_the_same_releases_serve(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    """On the other route A is the worse one, and it has ten times the traffic."""
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    stage.put({"A": 0.5, "B": 0.5}, NOON - 60 * MINUTE, route="other")
    done = _held_back(stage, route="default")
    stage.talk(NOON - 60 * MINUTE, 230, {"A": 0.1, "B": 0.95}, a_minute=60, users=5_000, shares={"A": 0.5, "B": 0.5},
               route="other")  # fmt: skip
    for minute in range(5, 185, 5):
        run(stage, NOON + minute * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, done.id)
    assert said is not None and (said.outcome, said.rung, said.claim) == ("worked", "randomised", "caused")
    assert said.estimate == pytest.approx(0.5, abs=0.15) and said.evidence["route"] == "default"
    assert "Only what names the route default counted" in words.verdict(said)
    kept = kept_incidents.get(stage.context.ledger, project, done.incident)
    assert kept is not None and kept.state == "open", "B does what it did on the other route"
    assert any("B serves other still" in entry.text for entry in kept.timeline)


def test_a_verdict_of_a_route_with_releases_of_its_own_asks_nothing_to_name_it(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    stage.put({"C": 1.0}, NOON - 60 * MINUTE, route="other")
    done = _held_back(stage)
    for minute in range(5, 185, 5):
        run(stage, NOON + minute * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, done.id)
    assert said is not None and said.outcome == "worked" and "route" not in said.evidence
    kept = kept_incidents.get(stage.context.ledger, project, done.incident)
    assert kept is not None and kept.state == "closed"


def test_what_another_route_has_of_a_canary_is_not_of_its_verdict(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    """Those who were moved are well on their route; on the other one the same users are not."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.put({"A": 1.0}, NOON - 60 * MINUTE, route="other")
    stage.talk(NOON - 60 * MINUTE, 60, {"A": 0.85, "B": 0.60}, route="default")
    stage.incident(NOON, "release", "B", release="B")
    stage.compare(NOON + MINUTE, 130.0)
    run(stage, NOON + MINUTE)
    done = only(stage)
    assert done.expects.control == "canary"
    for route, good, a_minute in (("default", 0.85, 18), ("other", 0.1, 60)):
        stage.talk(NOON + 2 * MINUTE, 170, {"A": good}, a_minute=a_minute, users=1_500, route=route)
    run(stage, NOON + 235 * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, done.id)
    assert said is not None and (said.outcome, said.claim) == ("worked", "caused")
    kept = kept_incidents.get(stage.context.ledger, project, done.incident)
    assert kept is not None and kept.state == "closed", "B, which was left, serves nobody"


def test_before_and_after_uses_only_what_nobody_picked(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.incident(NOON, "knowledge", "retrieved documents")
    run(stage, NOON)
    action = only(stage)
    assert (action.answer, action.remedy, action.expects.control) == ("update-knowledge", "by-hand", "before")
    stage.talk(NOON, 90, {"A": 0.6}, a_minute=10)
    approved(stage, action.id, NOON + 90 * MINUTE)
    run(stage, NOON + 90 * MINUTE)
    stage.talk(NOON + 90 * MINUTE, 300, {"A": 0.85}, a_minute=10)
    end = NOON + timedelta(hours=51)
    run(stage, NOON + 100 * MINUTE)
    assert verdicts.latest(stage.context.ledger, project, action.id) is None
    run(stage, end)
    said = verdicts.latest(stage.context.ledger, project, action.id)
    assert said is not None
    assert (said.outcome, said.rung, said.claim) == ("worked", "before-after", "moved-with-the-action")
    assert said.estimate == pytest.approx(0.25, abs=0.08)


def test_what_is_to_come_back_is_what_was_lost_since_the_alert_not_what_the_alert_picked(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.incident(NOON, "knowledge", "retrieved documents", value=0.2)
    run(stage, NOON)
    action = only(stage)
    assert action.expects.low == pytest.approx(0.525)
    stage.talk(NOON, 90, {"A": 0.65}, a_minute=10)
    approved(stage, action.id, NOON + 90 * MINUTE)
    run(stage, NOON + 90 * MINUTE)
    begun = only(stage)
    assert begun.expects.at_least == pytest.approx(0.1, abs=0.02)
    assert begun.expects.low == pytest.approx(0.75, abs=0.02)
    stage.talk(NOON + 90 * MINUTE, 300, {"A": 0.65}, a_minute=10)
    run(stage, NOON + timedelta(hours=51))
    said = verdicts.latest(stage.context.ledger, project, action.id)
    assert said is not None and said.outcome == "no-effect"


def test_an_inert_edit_of_a_person_gets_its_verdict(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.incident(NOON, "provider", "m-2")
    stage.talk(NOON, 120, {"A": 0.6}, a_minute=10)
    stage.put({"C": 1.0}, NOON + 120 * MINUTE, actor="bert")
    run(stage, NOON + 121 * MINUTE)
    edit = next(each for each in actions.listed(stage.context.ledger, project) if each.by == "bert")
    assert (edit.state, edit.answer, edit.started) == ("done", "update-prompt", us(NOON + 120 * MINUTE))
    stage.talk(NOON + 120 * MINUTE, 400, {"C": 0.6}, a_minute=10)
    run(stage, NOON + timedelta(hours=50))
    said = verdicts.latest(stage.context.ledger, project, edit.id)
    assert said is not None and (said.outcome, said.rung) == ("no-effect", "before-after")


@pytest.mark.parametrize(
    ("cause", "subject", "answer"),
    [
        ("release", "A", "rollback"), ("provider", "m-2", "fallback"), ("knowledge", "", "update-knowledge"),
        ("concept", "Brightwave", "update-knowledge"), ("judge", "relevance", "fix-judge"),
        ("feedback", "thumbs", "curate"), ("instrumentation", "scores", "fix-instrumentation"),
        ("data", "languages", "update-prompt"), ("data", "words", None), ("none", "", None),
    ],
)  # fmt: skip
def test_every_cause_has_its_answer(
    tmp_path: Path, warehouse: Warehouse, project: str, cause: str, subject: str, answer: str | None
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.incident(NOON, cause, subject)
    run(stage, NOON)
    run(stage, NOON + MINUTE)
    found = actions.listed(stage.context.ledger, project)
    assert [action.answer for action in found] == ([answer] if answer else [])
    assert all(action.state == "proposed" for action in found)
    assert stage.shares == {"A": 1.0}


def test_another_diagnosis_takes_the_place_of_the_first_proposal(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    from homeostat.act import incidents
    from homeostat.records.incident import Candidate

    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    incident = stage.incident(NOON, "knowledge")
    run(stage, NOON)
    incidents.diagnosed(stage.context.ledger, incident, [Candidate("judge", 0.9)], at=us(NOON + MINUTE))
    run(stage, NOON + MINUTE)
    found = actions.listed(stage.context.ledger, project)
    assert [(action.answer, action.state) for action in found] == [
        ("fix-judge", "proposed"), ("update-knowledge", "declined"),
    ]  # fmt: skip


def test_a_proposal_stays_while_its_cause_is_blamed_however_much_is_seen_to_have_moved(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    from homeostat.act import incidents
    from homeostat.records.incident import Candidate, Sight

    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    incident = stage.incident(NOON, "provider", measure="mean(output_tokens)")
    seen = Candidate("provider", 0.9, moved=(Sight("mean(score.relevance)", 0.9, 0.7),))
    for minutes, told in enumerate((seen, Candidate("provider", 0.9), Candidate("none", 0.9))):
        incidents.diagnosed(stage.context.ledger, incident, [told], at=us(NOON + minutes * MINUTE))
        run(stage, NOON + minutes * MINUTE)
        (found,) = actions.listed(stage.context.ledger, project)
        assert (found.answer, found.state) == ("fallback", "declined" if told.cause == "none" else "proposed")


def test_what_was_in_hand_when_the_process_died_is_finished(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    stage.incident(NOON, "release", "B")
    run(stage, NOON)
    action = only(stage)
    approved(stage, action.id, NOON)
    in_hand = actions.get(stage.context.ledger, project, action.id)
    assert in_hand is not None
    actions.move(stage.context.ledger, in_hand, state="doing", step="policy", started=us(NOON))
    run(stage, NOON + MINUTE)
    assert only(stage).state == "done"
    assert stage.shares == {"A": 0.9, "B": 0.1}


def test_harmful_answers_are_blocked_too_and_nobody_is_held_back(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    stage.incident(NOON, "release", "B", measure="mean(score.privacy)")
    run(stage, NOON)
    block, back = actions.listed(stage.context.ledger, project)
    assert (back.answer, back.parameters["holdback"]) == ("rollback", 0.0)
    assert (block.answer, block.parameters["detector"]) == ("block", "private")
    assert back.proposed < block.proposed


def test_a_rollback_belongs_to_the_incident_that_found_the_release(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    incident = stage.incident(NOON, "instrumentation", release="B")
    stage.compare(NOON, 130.0)
    run(stage, NOON)
    assert only(stage).incident == incident.id


def test_evidence_that_was_acted_on_counts_no_more(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    """Somebody takes the rollback back: the canary serves again, and what was known of it before is used up."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.compare(NOON, 130.0)
    run(stage, NOON)
    told = carrying_out.effects(stage.context, project, "anna", NOON + MINUTE)
    done = acting.undo(told, project, only(stage).id)
    assert not isinstance(done, Declined) and done.state == "undone"
    run(stage, NOON + timedelta(hours=2))
    assert stage.shares == {"A": 0.9, "B": 0.1}
    stage.compare(NOON + timedelta(hours=2), 130.0)
    run(stage, NOON + timedelta(hours=2))
    assert stage.shares == {"A": 1.0}


def test_a_label_does_not_hide_the_evidence(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    from homeostat.registry import releases

    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.compare(NOON, 130.0)
    author = Author("operator", NOON, NOON)
    releases.label(stage.context.ledger, project, "C", "previous-good", author, route="default")
    run(stage, NOON)
    assert stage.shares == {"A": 1.0}


def test_what_harmed_is_taken_back(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    incident = stage.incident(NOON, "release", "B")
    run(stage, NOON)
    action = only(stage)
    approved(stage, action.id, NOON)
    run(stage, NOON + MINUTE)
    assert stage.shares == {"A": 0.9, "B": 0.1}
    stage.talk(NOON + MINUTE, 90, {"A": 0.3, "B": 0.9}, a_minute=12, users=900)
    for minute in range(5, 95, 5):
        run(stage, NOON + minute * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, action.id)
    assert said is not None and (said.outcome, said.claim) == ("harmed", "caused")
    assert only(stage).state == "undone"
    assert stage.shares == {"B": 1.0}
    kept = kept_incidents.get(stage.context.ledger, project, incident.id)
    assert kept is not None and kept.state == "open"
    assert any("taken back" in entry.text for entry in kept.timeline)


def test_a_proposal_to_change_the_prompt_comes_with_a_draft(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.talk(NOON, 20, {"A": 0.5})
    stage.incident(NOON, "data", "languages")
    run(stage, NOON + 30 * MINUTE)
    proposed = only(stage)
    assert proposed.answer == "update-prompt"
    assert proposed.parameters["template"].startswith("You are A.")
    assert [each["role"] for each in proposed.parameters["examples"]] == ["user", "assistant"] * 2
    approved(stage, proposed.id, NOON + 31 * MINUTE)
    run(stage, NOON + 31 * MINUTE)
    [new] = stage.shares
    assert new.startswith("A-prompt-")


def test_a_canary_that_a_person_takes_back_is_judged_by_its_comparison(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    """Evidence that was not enough to act on by itself still says what was wrong, as it stood when somebody acted."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    stage.incident(NOON, "release", "B", measure="coverage(signal.thumbs)")
    stage.compare(NOON, 5.0, low=-0.5, high=0.02)
    run(stage, NOON)
    proposed = only(stage)
    assert (proposed.expects.measure, proposed.expects.control) == (RELEVANCE, "canary")
    stage.compare(NOON + MINUTE, 60.0)
    approved(stage, proposed.id, NOON + 2 * MINUTE)
    run(stage, NOON + 2 * MINUTE)
    assert only(stage).result["comparison"]["harm"] == 60.0
    stage.talk(NOON + 2 * MINUTE, 170, {"A": 0.85}, a_minute=18, users=1_500)
    for minute in range(5, 180, 5):
        run(stage, NOON + minute * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, proposed.id)
    assert said is not None and (said.outcome, said.rung) == ("worked", "randomised")


def test_a_hold_back_that_nobody_scored_ends_when_the_time_is_up(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    stage.incident(NOON, "release", "B")
    run(stage, NOON)
    action = only(stage)
    approved(stage, action.id, NOON)
    run(stage, NOON + MINUTE)
    assert stage.shares == {"A": 0.9, "B": 0.1}
    run(stage, NOON + 5 * MINUTE)
    assert verdicts.latest(stage.context.ledger, project, action.id) is None
    run(stage, NOON + timedelta(hours=49))
    said = verdicts.latest(stage.context.ledger, project, action.id)
    assert said is not None and (said.outcome, said.final) == ("not-enough-data", True)
    assert stage.shares == {"A": 1.0}, "nobody is held back any more"


def test_what_cannot_be_asked_gets_its_verdict_when_the_time_is_up(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    """Also an action whose filter nobody knows any more; and, a day later, whatever else is broken."""
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    expects = Expectation(RELEVANCE, "up", 0.1, us(NOON + 60 * MINUTE), where={"bogus": "1"})
    author = Author("anna", NOON, NOON)
    wanted = Action(0, project, "rollback", "rollback", {"to": "A"}, expects, "proposed", "", "it is B")
    made = acting.propose(stage.context.ledger, wanted, author)
    assert not isinstance(made, Declined)
    approved(stage, made.id, NOON)
    for minutes in (0, 59):
        run(stage, NOON + minutes * MINUTE)
        assert verdicts.latest(stage.context.ledger, project, made.id) is None
    run(stage, NOON + 60 * MINUTE)
    said = verdicts.latest(stage.context.ledger, project, made.id)
    assert said is not None and (said.outcome, said.final) == ("not-enough-data", True)
    assert "It could not be judged: expects.where: There is no filter bogus" in words.verdict(said)

    other = acting.propose(stage.context.ledger, replace(wanted, expects=replace(expects, where={})), author)
    assert not isinstance(other, Declined)
    approved(stage, other.id, NOON)
    actor.run(stage.context, us(NOON))
    broken: Any = None
    without = replace(stage.context, warehouse=broken)
    for minutes, given in ((60, False), (60 + 1440, True)):
        verifier.run(without, us(NOON + minutes * MINUTE))
        assert (verdicts.latest(stage.context.ledger, project, other.id) is not None) is given


def test_what_is_changed_on_another_route_is_no_action_of_the_incident(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.8, "B": 0.2})
    stage.incident(NOON, "release", "B")
    stage.put({"C": 1.0}, NOON + MINUTE, route="support")
    stage.put({"C": 0.5, "A": 0.5}, NOON + 2 * MINUTE, route="support")
    stage.put({"C": 1.0}, NOON + 3 * MINUTE, route="support")
    stage.put({"A": 1.0}, NOON + 4 * MINUTE)
    run(stage, NOON + 5 * MINUTE)
    adopted = [one for one in actions.listed(stage.context.ledger, project) if one.result.get("adopted")]
    assert [one.result["route"] for one in adopted] == ["default"]


def test_of_a_provider_trouble_routes_that_came_later_are_none(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.incident(NOON, "provider", "m-2")
    stage.put({"C": 1.0}, NOON + MINUTE, route="support")
    stage.put({"B": 1.0}, NOON + 2 * MINUTE, route="support")
    stage.put({"C": 1.0}, NOON + 3 * MINUTE)
    run(stage, NOON + 5 * MINUTE)
    adopted = [one for one in actions.listed(stage.context.ledger, project) if one.result.get("adopted")]
    assert [one.result["route"] for one in adopted] == ["default"]


@pytest.mark.parametrize("first", ["the actor", "a person's yes"])
def test_a_proposal_that_somebody_carried_out_by_hand_is_withdrawn(
    tmp_path: Path, warehouse: Warehouse, project: str, first: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.8, "B": 0.2})
    ledger = stage.context.ledger
    incident = stage.incident(NOON, "release", "B")
    run(stage, NOON + MINUTE)
    proposed = only(stage)
    assert (proposed.remedy, proposed.state, proposed.parameters["leaving"]) == ("rollback", "proposed", "B")
    back = stage.put({"A": 1.0}, NOON + 2 * MINUTE, actor="bert")
    if first == "the actor":
        run(stage, NOON + 3 * MINUTE)
        after = actions.get(ledger, project, proposed.id)
        assert after is not None and after.state == "declined"
        kept = kept_incidents.get(ledger, project, incident.id)
        assert kept is not None and any("somebody has done it by hand" in entry.text for entry in kept.timeline)
        states = [(one.remedy, one.state) for one in actions.listed(ledger, project)]
        assert sorted(states) == [("by-hand", "done"), ("rollback", "declined")], "and nothing takes its place"
    said = acting.approve(ledger, project, proposed.id, Author("anna", NOON, NOON), why="go")
    assert isinstance(said, Declined) and said.code == "conflict"
    run(stage, NOON + 4 * MINUTE)
    kept_policy = policies.get(ledger, project, "default")
    assert kept_policy is not None and kept_policy.policy.version == back.version


def test_what_came_back_is_answered_anew(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    """What helped the first time, and the no of somebody then, are no answers to the second time."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.8, "B": 0.2})
    ledger = stage.context.ledger
    incident = stage.incident(NOON, "release", "B")
    run(stage, NOON + MINUTE)
    approved(stage, only(stage).id, NOON + 2 * MINUTE)
    run(stage, NOON + 2 * MINUTE)
    assert only(stage).state == "done" and stage.shares == {"A": 1.0}
    incidents.close(ledger, project, incident.id, by="verdict:1", at=us(NOON + 60 * MINUTE))
    stage.put({"A": 0.8, "B": 0.2}, NOON + 90 * MINUTE)
    again = stage.incident(NOON + 91 * MINUTE, "release", "B")
    assert again.id == incident.id and again.reopened == 1
    run(stage, NOON + 92 * MINUTE)
    [new] = [one for one in actions.listed(ledger, project) if one.state == "proposed"]
    assert (new.remedy, new.parameters["leaving"]) == ("rollback", "B")


def test_a_release_that_serves_again_is_proposed_to_be_rolled_back_again(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    """The verdict on the first rollback is not waited for; and none that comes later closes what came back."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.8, "B": 0.2})
    ledger = stage.context.ledger
    stage.incident(NOON, "release", "B")
    run(stage, NOON + MINUTE)
    approved(stage, only(stage).id, NOON + 2 * MINUTE)
    run(stage, NOON + 2 * MINUTE)
    run(stage, NOON + 3 * MINUTE)
    assert only(stage).state == "done" and stage.shares == {"A": 1.0}
    stage.put({"A": 0.8, "B": 0.2}, NOON + 10 * MINUTE)
    run(stage, NOON + 11 * MINUTE)
    waiting = [one for one in actions.listed(ledger, project) if one.state == "proposed"]
    assert [(one.remedy, one.parameters["leaving"]) for one in waiting] == [("rollback", "B")]


def test_a_verdict_on_what_was_done_before_closes_nothing_that_came_back(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.8, "B": 0.2})
    ledger = stage.context.ledger
    incident = stage.incident(NOON, "release", "B")
    run(stage, NOON + MINUTE)
    approved(stage, only(stage).id, NOON + 2 * MINUTE)
    run(stage, NOON + 2 * MINUTE)
    done = only(stage)
    incidents.close(ledger, project, incident.id, by="anna", at=us(NOON + 10 * MINUTE))
    assert stage.incident(NOON + 20 * MINUTE, "release", "B").reopened == 1
    worked = Verdict(done.id, project, us(NOON + 30 * MINUTE), "worked", "before-after", RELEVANCE, 0.2, 0.1, 0.3, 900,
                     "back-inside-band", True)  # fmt: skip
    verifier.conclude(stage.context, done, worked, worked.at)
    kept = kept_incidents.get(ledger, project, incident.id)
    assert kept is not None and kept.state == "open"
    page = story(kept, [], actions.listed(ledger, project), {})
    assert f"Wait for the verdict on #{done.id}" not in page
