"""How good a judge is, and whether it is the judge that changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from homeostat.loop.scoring import anchors
from homeostat.loop.scoring.quality import quality
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import micros
from tests.analyze.judges.serving import completion, listening, verdict
from tests.builders import NOON, score_row, store

from .conftest import NOW, judging, scorer

Fill = Callable[..., list[dict[str, Any]]]
DAY = 86_400_000_000


def test_agreement_with_people_by_segment(tools: Tools, project: str, fill: Fill) -> None:
    rng = random.Random(4)
    rows = fill({"output": f"Within {n} days.", "model": "a" if n % 2 else "b"} for n in range(200))
    scores = []
    for row in rows:
        truth = float(rng.random() < 0.7)
        right = rng.random() < (0.95 if row["model"] == "a" else 0.6)
        about = {"trace_id": row["trace_id"], "span_id": row["span_id"], "at": row["at"], "name": "served"}
        scores.append(score_row(project, value=truth, rung="human", scorer="anna", **about))
        said = truth if right else 1 - truth
        scores.append(score_row(project, value=said, rung="judge", scorer="served@1", source="homeostat", **about))
    store(tools.warehouse, scores=scores)
    judge = scorer(project, "served", "judge", settings={"dimension": "relevance"})
    told = quality(tools, project, judge, people="", by="model", low=micros(NOON), high=NOW)
    assert (told["n"], told["people"]) == (200, "served")
    assert sum(told["confusion"].values()) == 200
    a, b = told["segments"]
    assert (a["model"], b["model"]) == ("a", "b")
    assert a["kappa"] > 0.7 > b["kappa"] and a["ac1"] > b["ac1"] and a["mcc"] > b["mcc"]
    assert a["sensitivity"] > 0.85 and a["specificity"] > 0.8
    nobody = quality(tools, project, judge, people="never", by="", low=micros(NOON), high=NOW)
    assert (nobody["n"], nobody["kappa"], nobody["segments"]) == (0, None, [])


def test_a_judge_that_turns_lenient_is_seen_as_the_judge(tools: Tools, project: str, fill: Fill) -> None:
    """The anchors are the same exchanges, so what moves is the judge; quality itself is not asked."""
    rows = fill({"output": f"Within {n} days.", "input": "bad?" if n % 2 else "good?"} for n in range(80))
    lenient = [False]

    def answer(body: Any, number: int) -> Any:
        bad = '"bad?"' in body["messages"][-1]["content"]
        return completion(verdict(body, level=2 if bad and not lenient[0] else 5))

    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    with listening(answer) as there:
        judged = judging(there.url, judge_usd_per_day=0)
        while judged.round(tools, project, {"judge": [judge]}, NOW):
            pass
        asked = len(there.asked)
        assert asked == len(rows)

        def look(day: int) -> anchors.Drift | None:
            anchors.look(replace(tools, now=NOW + day * DAY), project, judge, judged)
            return anchors.drift(tools.ledger, project, "judged@1")

        assert look(0) is None and len(there.asked) == asked + 60
        assert look(0) is None and len(there.asked) == asked + 60, "once a day"
        steady = look(1)
        assert steady is not None and steady.since is None and (steady.change, steady.n) == (0.0, 60)
        lenient[0] = True
        turned = look(2)
        assert turned is not None and turned.since == NOW + 2 * DAY
        assert turned.evidence > 1000 and turned.low > 0.2
        assert turned.told()["drifted"] is True
        lenient[0] = False
        back = look(3)
        assert back is not None and back.since is None
