"""Before and after in one segment: what happened everywhere was not the action."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from homeostat.act import acting
from homeostat.loop.watching import carrying_out, verifier
from homeostat.records.action import Action, Expectation
from homeostat.registry.author import Author
from homeostat.store.ledger import verdicts
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_row, score_row, store
from tests.loop.watching.stage import MINUTE, RELEVANCE, Stage, us

DONE = NOON + 90 * MINUTE


def talk(stage: Stage, start: datetime, minutes: int, quality: Mapping[str, float]) -> None:
    """Six answers a minute in each environment, as good as told."""
    dice, rows, scores = Random(us(start)), [], []
    for n in range(minutes * 6):
        for place, good in quality.items():
            at = start + n * MINUTE / 6
            row = exchange_row(stage.project, at=at, user_id=f"u{dice.randrange(400)}", environment=place)
            rows.append(row)
            scores.append(score_row(
                stage.project, at=at, trace_id=row["trace_id"], span_id=row["span_id"], name="relevance",
                value=float(dice.random() < good),
            ))  # fmt: skip
    store(stage.context.warehouse, exchanges=rows, scores=scores)


@pytest.mark.parametrize(("elsewhere", "outcome"), [(0.85, "worked"), (0.60, "no-effect")])
def test_the_rest_of_the_traffic_is_the_control(
    tmp_path: Path, warehouse: Warehouse, project: str, elsewhere: float, outcome: str
) -> None:
    """In both cases the segment rises from 0.60 to 0.85; in the second everybody else does too."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    ledger, due = stage.context.ledger, us(NOON + timedelta(hours=5))
    incident = stage.incident(NOON, "provider")
    expects = Expectation(RELEVANCE, "up", 0.12, due, "before", {"environment": "free"}, 0.72, None)
    wanted = Action(0, project, "by-hand", "update-knowledge", {"what": "mend it"}, expects, "proposed", "anna",
                    "worse", incident.id)  # fmt: skip
    author = Author("anna", DONE, DONE)
    made = acting.propose(ledger, wanted, author)
    assert isinstance(made, Action)
    acting.approve(ledger, project, made.id, author, why="go")
    carrying_out.resume(stage.context, project, us(DONE))
    talk(stage, NOON, 90, {"free": 0.60, "paid": elsewhere})
    talk(stage, DONE, 200, {"free": 0.85, "paid": 0.85})
    verifier.run(stage.context, due)
    said = verdicts.latest(ledger, project, made.id)
    assert said is not None
    assert (said.outcome, said.rung) == (outcome, "before-after"), said
    if outcome == "worked":
        assert said.claim == "moved-more-than-controls"
