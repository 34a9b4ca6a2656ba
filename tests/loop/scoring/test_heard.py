"""What judges answered survives the process that heard it, and is paid for once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.analyze.scorers.case import Scored, Unscored
from homeostat.loop.scoring import anchors
from homeostat.loop.scoring.asking import Answer
from homeostat.loop.scoring.heard import Heard
from homeostat.loop.scoring.tracks import Tools
from homeostat.store.ledger import feeds
from homeostat.store.warehouse import scored
from tests.analyze.judges.serving import listening, well

from .conftest import NOW, judging, said, scorer

GOOD = Answer(Scored(1.0, "good", {"why": "it says so"}), 0.01, 1)
NONE = Answer(Unscored("the judge said nothing"), 0.02, 3)


def test_another_process_knows_what_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "heard.jsonl"
    mine = Heard(path)
    mine.note("p/live/a", GOOD)
    mine.note("p/live/b", NONE)
    mine.note("p/past/a", GOOD)
    with path.open("a") as file:
        file.write('["p/live/c", {"said": {"val')  # killed while it wrote
    other = Heard(path)
    assert (other.known("p/live/a"), other.known("p/live/b"), other.known("p/live/c")) == (GOOD, NONE, None)
    usd, calls = other.paid("p/live/")
    assert (round(usd, 6), calls) == (0.03, 4)
    other.forget("p/live/")
    assert other.known("p/live/a") is None
    assert Heard(path).known("p/past/a") == GOOD


def test_a_disk_that_takes_nothing_costs_only_the_memory(tmp_path: Path) -> None:
    heard = Heard(tmp_path / "nowhere" / "heard.jsonl")
    heard.note("a", GOOD)
    assert heard.known("a") == GOOD


def test_a_crash_before_anything_is_stored_asks_and_pays_once(
    tmp_path: Path, tools: Tools, project: str, fill: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(f"Within {number} days." for number in range(12))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    with listening(well) as there:

        def begun() -> Any:
            return replace(judging(there.url, judge_usd_per_million_in=10), heard=Heard(tmp_path / "heard.jsonl"))

        def dies(*_: Any, **__: Any) -> None:
            raise MemoryError

        with monkeypatch.context() as now, pytest.raises(MemoryError):
            now.setattr(scored, "put", dies)
            begun().round(tools, project, {"judge": [judge]}, NOW)
        heard = len(there.asked)
        assert heard and not said(tools.warehouse, project, "judged")
        while begun().round(tools, project, {"judge": [judge]}, NOW):
            pass
        assert len(said(tools.warehouse, project, "judged")) == 12
        # What was in flight when the first one died was asked for twice.
        assert 12 <= len(there.asked) <= 12 + 4
        paid = feeds.place(tools.ledger, project, "judge:judged", start=0).spent
        assert paid["calls"] >= 12 and paid["usd"] == pytest.approx(0.01 * paid["calls"])


def test_a_crash_while_anchors_are_judged_asks_and_pays_once(
    tmp_path: Path, tools: Tools, project: str, fill: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill({"output": f"Within {number} days.", "input": "bad?" if number % 2 else "good?"} for number in range(24))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    track = "anchors:judged@1"
    with listening(well) as there:
        judged = replace(judging(there.url, judge_usd_per_million_in=10), heard=Heard(tmp_path / "heard.jsonl"))
        while judged.round(tools, project, {"judge": [judge]}, NOW):
            pass
        asked, move = len(there.asked), feeds.move

        def dies(*given: Any) -> None:
            if given[-1].ready:  # the choice is kept, what was judged is not
                raise MemoryError
            move(*given)

        with monkeypatch.context() as now, pytest.raises(MemoryError):
            now.setattr(feeds, "move", dies)
            anchors.look(tools, project, judge, judged)
        assert len(there.asked) == asked + 24
        again = replace(judging(there.url, judge_usd_per_million_in=10), heard=Heard(tmp_path / "heard.jsonl"))
        assert anchors.look(tools, project, judge, again) == 24
        assert len(there.asked) == asked + 24, "what was heard is not asked about again"
        paid = feeds.place(tools.ledger, project, track, start=0).spent
        assert (paid["calls"], paid["usd"]) == (24, pytest.approx(0.24))
        assert not Heard(tmp_path / "heard.jsonl").paid("")[1], "and forgotten when it is kept"
