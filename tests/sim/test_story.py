"""The demo in a terminal, played for real: through the gateway, at ten times the speed, told to a list."""

from __future__ import annotations

import pytest

from homeostat.sim import story
from homeostat.sim.scenario import named
from homeostat.sim.serving import free_port

pytestmark = [pytest.mark.live, pytest.mark.nightly]


def test_a_story_is_told_from_its_beginning_to_its_end() -> None:
    said: list[str] = []
    row = story.tell(named("bad-prompt-release"), 7, speed=10, port=free_port(), stay=False, say=said.append)
    whole = "\n".join(said)
    assert "homeostat tail" in whole and "questions are in already" in whole
    order = ["Releases: A 100%", "Releases: A 90%, B 10%", "It begins.", "What was true"]
    places = [next(at for at, line in enumerate(said) if words in line) for words in order]
    assert places == sorted(places)
    assert any("A: " in line and "answers" in line for line in said), "what the product measures is told"
    assert row["exchanges"] > 1_000 and row["quality_by_release"]["B"] < row["quality_by_release"]["A"]
    assert row["detected"] is not None
