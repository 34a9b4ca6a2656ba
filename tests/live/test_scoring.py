"""The first slice of scoring: a bad prompt is released, and the scores fall where it answers, with their interval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from homeostat.records.instant import iso
from homeostat.sim import product
from homeostat.sim.endpoints import Providers, listening
from homeostat.sim.judge import Judge
from homeostat.sim.lockstep import Played, play
from homeostat.sim.model import Model
from homeostat.sim.scenario import named
from homeostat.sim.tuning import Tuning
from homeostat.sim.world import World
from tests.live.harness import Server, serving

pytestmark = pytest.mark.live
SIZE = 1_600
ENGINE = ("on_topic", "finished", "discreet")


def paused(server: Server, keep: tuple[str, ...]) -> None:
    """Only these scorers go on: small models take their time, and are measured elsewhere."""
    for each in server.json("/api/v1/scorers")["items"]:
        if each["name"] not in keep:
            status, body = server.request(
                "PATCH", f"/api/v1/scorers/{each['name']}", json.dumps({"state": "paused"}).encode(),
                {"content-type": "application/json"},
            )  # fmt: skip
            assert status == 200, body


#: A judge in the user's own words.
SERVED = {
    "dimension": "service",
    "task": "Judge how well the customer of a shop is served by this answer.",
    "fault": "Is the customer served badly?",
    "levels": ["Very badly.", "Badly.", "So so.", "Well.", "Very well."],
}


def test_a_bad_prompt_is_seen_in_the_scores(tmp_path: Path) -> None:
    story = named("bad-prompt-release").sized(SIZE)
    world = World(story, 11)
    model, judge = Model(world), Judge(world.book, story, 5)
    with listening(Providers(model, judge, Tuning(model))) as url:
        settings = {
            "clock": "world",
            "watching": "false",
            "judge_url": f"{url}/judge/v1",
            "judge_model": "judge-1",
            "judge_usd_per_day": "0",
        }
        with serving(tmp_path / "data", **settings) as server, product.at(server.url) as client:
            paused(server, ENGINE)
            assert server.post("/api/v1/scorers", {"name": "served", "kind": "judge", "settings": SERVED})[0] == 201
            played = play(world, client)
            points = by_release(server, played, "served", *ENGINE)
            good, bad = points["served", "A"], points["served", "B"]
            assert bad["high"] < good["low"], "the fall is seen, and the intervals do not touch"
            assert good["n"] > 1000 and bad["n"] > 80
            for name in ENGINE:
                for release in ("A", "B"):
                    point = points[name, release]
                    assert point["low"] <= point["value"] <= point["high"]
            told = {each["name"]: each for each in server.json("/api/v1/scorers")["items"]}
            assert {name: told[name]["taken"] for name in (*ENGINE, "served")} == dict.fromkeys(
                (*ENGINE, "served"), SIZE
            )
            assert told["served"]["coverage"] > 0.99
            assert not any(each["silent"] for each in told.values())
            assert told["relevance"]["state"] == "paused" and told["relevance"]["scored"] == 0


def by_release(server: Server, played: Played, *names: str) -> dict[tuple[str, str], Any]:
    """The mean of each score in each release since the bad one was let out."""
    means = ",".join(f"mean(score.{name})" for name in names)
    since = f"from={iso(played.onset_ns // 1000)}&to={iso(played.ended_ns // 1000)}"
    points = server.json(f"/api/v1/measures?measure={means}&by=release&{since}")["points"]
    return {(point["measure"][len("mean(score.") : -1], point["release"]): point for point in points}
