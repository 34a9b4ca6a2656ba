"""Whole stories in this process, from the first tick to the verdict: is the right thing done, and the right word said?

What scorers see is laid down here (`practice`, sharper), so that this asks only for causes, actions and verdicts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.sim import scoreboard
from homeostat.sim.scenario import named
from homeostat.store.warehouse.client import Warehouse
from tests.act.diagnosis import practice
from tests.loop.watching import playing

#: Stories whose change such scorers can see soon enough.
SEEN = (
    "hallucination", "refusals", "silent-model-swap", "inert-fix", "prompt-edit-worse", "verbose", "cut-off",
    "off-topic", "worse-for-one-segment", "feedback-spam", "broken-instrumentation",
)  # fmt: skip
QUIET = ("weekend", "double-traffic", "marketing-campaign", "synonyms", "model-rename")


def row(folder: Path, warehouse: Warehouse, project: str, name: str, seed: int) -> scoreboard.Row:
    played = playing.play(folder / name, warehouse, f"{project}-{name}", named(name), seed)
    return scoreboard.row(played)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [7, 8])
def test_the_right_action_and_the_right_verdict(
    tmp_path: Path, warehouse: Warehouse, project: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "SEES", 0.8)
    rows = {name: row(tmp_path, warehouse, project, name, seed) for name in SEEN}
    for name, told in rows.items():
        print(f"{name:24} {told['delay_events']} {told['cause']} {told['action']} {told['verdict']}")
    assert rows["inert-fix"]["verdict"] != "worked"
    for mark, least in (("detected", 0.9), ("cause_right", 0.9), ("action_right", 0.8), ("verdict_right", 0.9)):
        right = [name for name, told in rows.items() if told[mark]]
        assert len(right) >= least * len(rows), (mark, sorted(set(rows) - set(right)))


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", QUIET)
def test_where_nothing_is_wrong_nothing_is_done(
    tmp_path: Path, warehouse: Warehouse, project: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "SEES", 0.8)
    told = row(tmp_path, warehouse, project, name, 7)
    assert (told["action"], told["verdict"]) == ("none", "none")
