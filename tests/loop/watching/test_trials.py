"""What counts as a trial of a release: people's canaries do, hold-backs of our own actions do not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from homeostat.act import acting
from homeostat.loop.watching import carrying_out, trials
from homeostat.records.action import Action, Expectation
from homeostat.records.policy import Policy, reshaped
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.store.ledger import actions
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON
from tests.loop.watching.stage import RELEVANCE, Stage, us


def test_a_hold_back_is_no_trial(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"B": 1.0})
    ledger, author = stage.context.ledger, Author("anna", NOON, NOON)
    wanted = Action(
        0, project, "rollback", "rollback", {"route": "default", "to": "A", "leaving": "B", "holdback": 0.1},
        Expectation(RELEVANCE, "up", 0.1, us(NOON + timedelta(hours=4)), "holdback"), "proposed", "anna", "worse",
    )  # fmt: skip
    made = acting.propose(ledger, wanted, author)
    assert isinstance(made, Action)
    acting.approve(ledger, project, made.id, author, why="go")
    carrying_out.resume(stage.context, project, us(NOON))
    assert stage.shares == {"A": 0.9, "B": 0.1}
    assert trials.running(ledger, project) == []
    stage.put({"A": 0.8, "B": 0.1, "C": 0.1}, NOON + timedelta(minutes=1))
    assert {trial.candidate for trial in trials.running(ledger, project)} == {"B", "C"}, "people decide what is tried"


def test_a_canary_of_people_is_one(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    [trial] = trials.running(stage.context.ledger, project)
    assert (trial.baseline, trial.candidate, trial.share) == ("A", "B", 0.1)
    assert actions.listed(stage.context.ledger, project) == []


def test_only_what_names_the_route_is_of_a_trial_whose_releases_serve_another_too(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 0.9, "B": 0.1})
    ledger, author = stage.context.ledger, Author("anna", NOON, NOON)
    [trial] = trials.running(ledger, project)
    assert not trial.shared
    steering.put(ledger, project, Policy("other", 0, reshaped((), {"C": 1.0})), 0, author)
    assert not any(trial.shared for trial in trials.running(ledger, project))
    steering.put(ledger, project, Policy("other", 0, reshaped((), {"C": 1.0}), pinned={"u1": "B"}), 1, author)
    assert all(trial.shared for trial in trials.running(ledger, project))
