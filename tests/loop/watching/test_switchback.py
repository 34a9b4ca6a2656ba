"""A switchback from the yes to the verdict: turns, their means, and what follows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.act import acting
from homeostat.loop.watching import actor, carrying_out, verifier
from homeostat.records import words
from homeostat.records.action import Action, Expectation
from homeostat.records.verdict import Verdict
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, verdicts
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON
from tests.loop.watching.stage import MINUTE, RELEVANCE, Stage, us

TURNS, LASTS = 12, 20


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of turns is drawn anew in life; where nothing differs, one in twenty would seem to."""
    drawn = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed=20261122: drawn(seed))


def _play(stage: Stage, good: dict[str, float]) -> tuple[Action, Verdict]:
    """All turns with their traffic, then the verdict; `good`: how often each release answers well."""
    author = Author("anna", NOON, NOON)
    expects = Expectation(RELEVANCE, "up", 0.1, us(NOON + timedelta(hours=24)), "switchback")
    told = {"leaving": "A", "to": "B", "blocks": TURNS, "minutes": LASTS}
    wanted = Action(0, stage.project, "switchback", "rollback", told, expects, "proposed", "", "is B better?")
    made = acting.propose(stage.context.ledger, wanted, author)
    assert not isinstance(made, Declined), made
    assert not isinstance(acting.approve(stage.context.ledger, stage.project, made.id, author), Declined)
    served = []
    for turn in range(TURNS):
        at = NOON + turn * LASTS * MINUTE
        actor.run(stage.context, us(at))
        served += list(stage.shares)
        stage.talk(at, LASTS, good, a_minute=5, users=4000)
    assert sorted(served) == ["A"] * 6 + ["B"] * 6
    end = NOON + TURNS * LASTS * MINUTE
    actor.run(stage.context, us(end))
    verifier.run(stage.context, us(end + MINUTE))
    assert stage.shares == {"A": 1.0} and verdicts.listed(stage.context.ledger, stage.project) == []
    verifier.run(stage.context, us(end + 6 * MINUTE))
    actor.run(stage.context, us(end + 7 * MINUTE))
    said = verdicts.latest(stage.context.ledger, stage.project, made.id)
    done = actions.get(stage.context.ledger, stage.project, made.id)
    assert said is not None and done is not None
    return done, said


def test_the_better_release_gets_the_route(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    done, said = _play(stage, {"A": 0.6, "B": 0.9})
    assert (said.outcome, said.rung, said.claim, said.n) == ("worked", "switchback", "caused-by-turns", TURNS)
    assert said.estimate == pytest.approx(0.3, abs=0.1) and said.low is not None and said.low > 0
    assert "took turns" in words.verdict(said) and "carries over" in words.verdict(said)
    assert stage.shares == {"B": 1.0}
    told: Any = carrying_out.effects(stage.context, project, "anna", NOON + timedelta(hours=8))
    assert getattr(acting.undo(told, project, done.id), "state", "") == "undone" and stage.shares == {"A": 1.0}


def test_of_no_difference_nothing_follows(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    stage.incident(NOON - MINUTE, "data", "")
    _done, said = _play(stage, {"A": 0.8, "B": 0.8})
    assert said.rung == "switchback" and said.outcome in ("no-effect", "not-enough-data")
    assert stage.shares == {"A": 1.0}
    assert not [one for one in actions.listed(stage.context.ledger, project) if one.result.get("adopted")]
