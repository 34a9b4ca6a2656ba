"""Every remedy of the table: a dry run changes nothing, doing ends in done, undo puts back what served."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from homeostat.act import acting
from homeostat.act.remedies import REMEDIES, Effects, remedy
from homeostat.records import words
from homeostat.records.action import ANSWERS
from homeostat.records.policy import Shadow, reshaped
from homeostat.records.release import Release
from homeostat.registry import datasets, steering
from homeostat.registry import releases as registered
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, audit, guards, policies, releases
from homeostat.store.ledger import datasets as kept_datasets
from tests.act.remedies.stage import AUTHOR, EXAMPLES, Outside, action_of, effects_of, ledger_at, made, world

NEVER_UNDONE = {"pipeline"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = ledger_at(tmp_path)
    yield ledger
    ledger.close()


def done(effects: Effects, which: str, ledger: Ledger, **parameters: Any) -> Any:
    wanted = replace(action_of(which), parameters={**EXAMPLES[which], **parameters})
    action = made(acting.propose(ledger, wanted, AUTHOR))
    action = made(acting.approve(ledger, "p", action.id, AUTHOR, why="yes"))
    for hours in range(20):
        if action.state in ("approved", "doing"):
            action = acting.carry_out(replace(effects, author=effects_of(ledger, hours=hours).author), action)
    return action


def rows(path: Path) -> list[Any]:
    with sqlite3.connect(path / "ledger.db") as connection:
        return list(connection.iterdump())


def test_every_remedy_has_an_example() -> None:
    assert set(EXAMPLES) == set(REMEDIES)


@pytest.mark.parametrize("name", REMEDIES)
def test_a_remedy_says_what_it_is(name: str) -> None:
    plugin = REMEDIES[name]
    assert plugin.answer in (*ANSWERS, "")
    assert plugin.steps
    assert plugin.inside <= set(plugin.steps)
    assert plugin.__doc__ and ">>>" in plugin.__doc__


@pytest.mark.parametrize("name", REMEDIES)
def test_a_dry_run_changes_nothing(name: str, ledger: Ledger, tmp_path: Path) -> None:
    before, outside = rows(tmp_path), Outside()
    found = remedy(name, EXAMPLES[name])
    assert not isinstance(found, Declined)
    shown = found.preview(effects_of(ledger, outside=outside), action_of(name))
    assert not isinstance(shown, Declined) and shown
    assert rows(tmp_path) == before
    assert outside.calls == []


@pytest.mark.parametrize("name", REMEDIES)
def test_it_is_done_and_undone(name: str, ledger: Ledger) -> None:
    before = world(ledger)
    effects = effects_of(ledger)
    action = done(effects, name, ledger)
    assert (action.state, action.step, action.error) == ("done", "", "")
    assert action.started and action.ended
    again = acting.carry_out(effects, action)
    assert again == action
    taken_back = acting.undo(effects, "p", action.id, why="no")
    if name in NEVER_UNDONE:
        assert made(taken_back).state == "done"
        return
    assert made(taken_back).state == "undone"
    assert world(ledger) == before
    assert audit.verify(ledger) is None


@pytest.mark.parametrize("name", REMEDIES)
def test_a_parameter_that_it_does_not_know_is_told(name: str) -> None:
    found = remedy(name, {**EXAMPLES[name], "tooth": 1})
    assert isinstance(found, Declined) and "tooth" in found.message


def test_what_nobody_knows_is_told() -> None:
    assert isinstance(remedy("pray", {}), Declined)
    assert isinstance(remedy("rollback", {"holdback": "much"}), Declined)
    assert isinstance(remedy("rollback", {"holdback": 0.9, "leaving": "B"}), Declined)


def test_undo_leaves_alone_what_somebody_changed_since(ledger: Ledger) -> None:
    effects = effects_of(ledger)
    first, second = done(effects, "rollback", ledger), done(effects, "shift-traffic", ledger)
    served = world(ledger)
    kept = made(acting.undo(effects, "p", first.id))
    assert kept.state == "done" and "changed after" in kept.error
    assert world(ledger) == served
    assert made(acting.undo(effects, "p", second.id)).state == "undone"
    assert actions.get(ledger, "p", second.id).state == "undone"  # type: ignore[union-attr]


def test_an_endpoint_that_is_away_is_waited_for(ledger: Ledger) -> None:
    outside = Outside(away=True)
    effects = effects_of(ledger, outside=outside)
    action = done(effects, "retrain", ledger)
    assert (action.state, action.step) == ("doing", "upload")
    assert "nobody listens" in action.error
    outside.away = False
    for _ in range(3):
        action = acting.carry_out(effects, action)
    assert action.state == "done"
    assert len(outside.jobs) == 1


def test_a_job_that_fails_is_failed(ledger: Ledger) -> None:
    class Failing(Outside):
        def call(self, method: str, path: str, *rest: Any, **named: Any) -> Any:
            if path.startswith("/fine_tuning/jobs/job"):
                return {"status": "failed", "error": {"message": "line 3 is no conversation"}}
            return super().call(method, path, *rest, **named)

    before = world(ledger)
    action = done(effects_of(ledger, outside=Failing()), "retrain", ledger)
    assert action.state == "failed" and "line 3" in action.error
    assert world(ledger) == before


@pytest.mark.parametrize("name", ["", " "])
def test_a_guard_has_a_name(name: str, ledger: Ledger) -> None:
    """It is found again by it, and taken off."""
    found = made(remedy("block", {**EXAMPLES["block"], "name": name}))
    no = found.preview(effects_of(ledger), action_of("block"))
    assert isinstance(no, Declined) and no.message == "A guard needs a name."
    assert isinstance(found.do("guard", effects_of(ledger), action_of("block")), Declined)
    assert world(ledger)["guards"] == []


@pytest.mark.parametrize("order", [*permutations((0, 1, 2))])
def test_a_guard_is_what_the_actions_that_stand_put_there(order: tuple[int, ...], ledger: Ledger) -> None:
    """Undone in any order: what stands is the newest that nobody took back, and nothing when all were."""
    effects, words = effects_of(ledger), ["aaa", "bbb", "ccc"]
    ids = [done(effects, "block", ledger, name="dup", words=[word]).id for word in words]
    for number in order:
        assert made(acting.undo(effects, "p", ids[number])).state == "undone"
        words[number] = ""
        assert on(ledger) == [[word] for word in words if word][-1:]
    done(effects, "block", ledger, name="dup", words=["ddd"])
    assert on(ledger) == [["ddd"]]
    assert audit.verify(ledger) is None


def test_undo_leaves_guards_of_other_names_alone(ledger: Ledger) -> None:
    effects = effects_of(ledger)
    done(effects, "block", ledger, name="other", words=["zzz"])
    mine = done(effects, "block", ledger, name="mine", words=["aaa"])
    made(acting.undo(effects, "p", mine.id))
    assert on(ledger) == [["zzz"]]


def on(ledger: Ledger) -> list[Any]:
    """The words of the guards that are on."""
    return [kept.document["words"] for kept in guards.listed(ledger, "p") if kept.state == "on"]


def test_a_collected_version_is_withdrawn(ledger: Ledger) -> None:
    """It stays what it is; what comes next builds on the one before it, and later ones say that they hold its items."""
    effects = effects_of(ledger)
    old = [{"input": "an old question", "output": "x"}]
    datasets.make(ledger, "p", "failing", old, AUTHOR, lineage={})
    first = done(effects, "curate", ledger)
    same = done(effects, "curate", ledger)
    assert made(acting.undo(effects, "p", same.id)).result.get("withdrawn") is None  # it made none
    assert made(datasets.find(ledger, "p", "failing")).version == 2
    later = made(datasets.make(ledger, "p", "failing", [{"input": "one more"}], AUTHOR, lineage={}, add=True))[0]
    undone = made(acting.undo(effects, "p", first.id, why="too much"))
    assert (undone.result["withdrawn"], undone.result["still_in"]) == (2, [later.version])
    assert "version 2 is withdrawn; later versions still hold its items: 3" in words.action(undone)
    assert [(each.version, each.withdrawn) for each in kept_datasets.versions(ledger, "p", "failing")] == [
        (3, False), (2, True), (1, False),
    ]  # fmt: skip
    assert len(kept_datasets.items(ledger, "p", "failing", 2)) == 5


def test_the_newest_version_is_one_that_was_not_withdrawn(ledger: Ledger) -> None:
    effects = effects_of(ledger)
    old = [{"input": "an old question", "output": "x"}]
    datasets.make(ledger, "p", "failing", old, AUTHOR, lineage={})
    for _ in range(2):  # undone and done again: the same items are another version
        made(acting.undo(effects, "p", done(effects, "curate", ledger).id))
        newest = {each.name: (each.version, each.items) for each in kept_datasets.newest(ledger, "p")}
        assert newest["failing"] == (1, 1)
        assert made(datasets.find(ledger, "p", "failing")).version == 1
    next_one = made(datasets.make(ledger, "p", "failing", [{"input": "one more"}], AUTHOR, lineage={}, add=True))[0]
    assert (next_one.version, next_one.items, next_one.lineage["after"]) == (4, 2, 1)


def test_a_dataset_of_withdrawn_versions_alone_says_so(ledger: Ledger) -> None:
    effects = effects_of(ledger)
    made(acting.undo(effects, "p", done(effects, "curate", ledger).id))
    assert [each.name for each in kept_datasets.newest(ledger, "p")] == ["lessons"]
    no = datasets.find(ledger, "p", "failing")
    assert isinstance(no, Declined) and "was withdrawn" in no.message
    assert made(datasets.find(ledger, "p", "failing", 1)).items == 4


@pytest.mark.parametrize("name", ["project", "action", "incident", "why"])
def test_a_pipeline_is_told_by_us_what_it_is_about(name: str, ledger: Ledger) -> None:
    """Inputs of one project's admin speak for no other project and no other action."""
    told: list[dict[str, Any]] = []

    class Listening(Outside):
        def call(self, method: str, path: str, body: bytes = b"", *rest: Any, **named: Any) -> Any:
            told.append(json.loads(body))

    action = done(effects_of(ledger, outside=Listening()), "pipeline", ledger, inputs={"ref": "main", name: "forged"})
    assert action.state == "done"
    about = {"project": "p", "action": action.id, "incident": 0, "why": "because"}
    assert told == [{"ref": "main", **about}]


ON_A_ROUTE = [name for name in REMEDIES if name not in ("curate", "pipeline", "block", "by-hand")]


@pytest.mark.parametrize("name", ON_A_ROUTE)
def test_a_dry_run_names_what_ends_with_the_change(name: str, ledger: Ledger) -> None:
    """Said before is what is so afterwards: the shadow, and pins on releases that serve no more."""
    kept = policies.get(ledger, "p", "default")
    assert kept is not None
    pinned = {"u1": "B", "u2": "B", "u3": "A"}
    shadowed = replace(kept.policy, shadow=Shadow("A", 0.05), pinned=pinned)
    made(steering.put(ledger, "p", shadowed, kept.policy.version, AUTHOR))
    found = remedy(name, EXAMPLES[name])
    assert not isinstance(found, Declined)
    shown = made(found.preview(effects_of(ledger), action_of(name)))
    action = done(effects_of(ledger), name, ledger)
    after = policies.get(ledger, "p", "default")
    assert after is not None and action.state == "done"
    assert shown["ends"]["shadow"] == {"release": "A", "share": 0.05}
    if name != "switchback":  # which ends as it began
        assert after.policy.shadow is None
        gone = Counter(release for user, release in pinned.items() if user not in after.policy.pinned)
        assert shown["ends"].get("pins", {}) == gone


TAKING: dict[str, dict[str, Any]] = {
    "prompt": {}, "retrain": {}, "fallback": {"holdback": 0.1}, "fallback-without-holdback": {},
    "rollback": {"to": "C", "holdback": 0.05},
}  # fmt: skip


@pytest.mark.parametrize("case", TAKING)
def test_what_serves_nobody_has_nothing_to_give(case: str, ledger: Ledger) -> None:
    """A share of what `leaving` serves is not to be had where it serves nobody: no release gets traffic by it."""
    name, outside = case.partition("-without")[0], Outside()
    parameters = {**EXAMPLES[name], "leaving": "A", **TAKING[case]}
    wanted = replace(action_of(name), parameters=parameters)
    agreed, waiting = (made(acting.propose(ledger, wanted, AUTHOR)) for _ in range(2))
    agreed = made(acting.approve(ledger, "p", agreed.id, AUTHOR))
    serving(ledger, {"B": 1.0})
    before, effects = world(ledger), effects_of(ledger, outside=outside)
    no = made(remedy(name, parameters)).preview(effects, action_of(name))
    assert isinstance(no, Declined) and "A does not serve default now" in no.message
    refused = acting.approve(ledger, "p", waiting.id, AUTHOR)
    assert isinstance(refused, Declined) and "A does not serve default now" in refused.message
    action = acting.carry_out(effects, agreed)
    assert action.state == "failed" and "A does not serve default now" in action.error
    assert world(ledger) == before
    assert [call for call in outside.calls if call[0] == "POST"] == []


def test_a_model_that_was_taught_serves_nobody_where_the_route_moved_on(ledger: Ledger) -> None:
    """Days lie between the yes and the model."""
    effects = effects_of(ledger)
    action = made(acting.propose(ledger, action_of("retrain"), AUTHOR))
    action = made(acting.approve(ledger, "p", action.id, AUTHOR))
    while action.step != "follow":
        action = acting.carry_out(effects, action)
    serving(ledger, {"B": 1.0})
    for _ in range(3):
        action = acting.carry_out(effects, action)
    assert action.state == "failed" and "A does not serve default now" in action.error
    assert world(ledger)["shares"] == {"B": 1.0}


@pytest.mark.parametrize("name", ["prompt", "retrain", "fallback"])
def test_only_the_new_one_gets_traffic_that_had_none(name: str, ledger: Ledger) -> None:
    """What it gets is a share of what `leaving` had; everybody else serves what they served."""
    serving(ledger, {"A": 0.4, "B": 0.6})
    action = done(effects_of(ledger), name, ledger)
    assert action.state == "done", action.error
    shares = world(ledger)["shares"]
    assert shares["B"] == pytest.approx(0.6)
    [new] = set(shares) - {"A", "B"}
    assert shares[new] + shares.get("A", 0) == pytest.approx(0.4)


def serving(ledger: Ledger, shares: dict[str, float]) -> None:
    """Somebody gives the route other shares."""
    kept = policies.get(ledger, "p", "default")
    assert kept is not None
    if "C" not in releases.named(ledger, "p", ["C"]):
        made(registered.make(ledger, "p", Release("C", model="gpt-4o-mini"), AUTHOR))
    wanted = replace(kept.policy, pieces=reshaped(kept.policy.pieces, shares), pinned={})
    made(steering.put(ledger, "p", wanted, kept.policy.version, AUTHOR))
