"""Actions and verdicts in the ledger: whole again, and changed by one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from homeostat.records.action import Action, Expectation
from homeostat.records.verdict import Verdict
from homeostat.store.ledger import Ledger, actions, datasets, guards, projects, verdicts

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ACTION = Action(
    id=0, project="p", remedy="rollback", answer="rollback", parameters={"route": "default", "to": "A"},
    expects=Expectation("mean(score.relevance)", "up", 0.1, 1_000, "canary", {"plan": "premium"}, 0.7, 1.0),
    state="proposed", by="rule:automatic-rollback", why="worse", incident=3, proposed=10,
)  # fmt: skip


def test_an_action_comes_back_as_it_was(ledger: Ledger) -> None:
    projects.ensure(ledger, "p", at=NOW)
    made = actions.make(ledger, ACTION)
    assert made == replace(ACTION, id=made.id)
    assert actions.get(ledger, "p", made.id) == made
    assert actions.get(ledger, "other", made.id) is None
    assert actions.listed(ledger, "p", incident=3, states=["proposed"]) == [made]
    assert actions.listed(ledger, "p", states=["done"]) == []


def test_of_two_who_move_an_action_one_wins(ledger: Ledger) -> None:
    projects.ensure(ledger, "p", at=NOW)
    made = actions.make(ledger, ACTION)
    approved = actions.move(ledger, made, state="approved")
    assert approved is not None and approved.state == "approved"
    assert actions.move(ledger, made, state="declined") is None
    assert actions.get(ledger, "p", made.id) == approved


def test_the_final_verdict_counts(ledger: Ledger) -> None:
    projects.ensure(ledger, "p", at=NOW)
    made = actions.make(ledger, ACTION)
    said = Verdict(
        made.id,
        "p",
        20,
        "worked",
        "randomised",
        "mean(score.relevance)",
        0.2,
        0.1,
        0.3,
        40,
        "caused",
        evidence={"e": 1},
    )
    verdicts.add(ledger, said)
    later = replace(said, at=30, outcome="not-enough-data", final=False)
    verdicts.add(ledger, later)
    assert verdicts.latest(ledger, "p", made.id) == said
    assert [verdict for _, verdict in verdicts.listed(ledger, "p")] == [later, said]


def test_datasets_and_guards_are_kept(ledger: Ledger) -> None:
    projects.ensure(ledger, "p", at=NOW)
    version = datasets.Version("failing", 1, 2, "d", {"from": "exchanges"}, "", NOW, "operator")
    datasets.add(ledger, "p", version, [{"exchange": "a", "input": "?"}, {"exchange": "b", "input": "!"}])
    assert datasets.newest(ledger, "p") == [version]
    assert [item["input"] for item in datasets.items(ledger, "p", "failing", 1)] == ["?", "!"]
    assert datasets.forget(ledger, "p", ["a", "zzz"]) == 1
    assert [item["number"] for item in datasets.items(ledger, "p", "failing", 1)] == [2]
    assert datasets.newest(ledger, "p")[0].items == 1
    guards.put(ledger, "p", "no-cards", {"pattern": "x"}, state="on", at=NOW, author="operator")
    kept = guards.put(ledger, "p", "no-cards", {"pattern": "y"}, state="off", at=NOW, author="operator")
    assert (kept.version, guards.listed(ledger, "p")) == (2, [kept])
    assert guards.changes(ledger, "p") == 2
