"""A story at human speed has its onset a minute in, is over in time, and life goes on after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from homeostat.records.policy import Policy, reshaped
from homeostat.sim.exchange import Exchange
from homeostat.sim.live import Live, staged
from homeostat.sim.product import Product
from homeostat.sim.scenario import named, names
from homeostat.sim.story import harmed
from homeostat.sim.world import SECOND, World

NOW = 1_795_235_400 * SECOND  # half past four in the morning


@pytest.mark.parametrize("name", names())
def test_every_story_can_be_told_in_five_minutes(name: str) -> None:
    stage = staged(named(name), 3, 300.0, NOW)
    onset = (stage.scenario.onset - stage.history) / stage.per_second
    assert onset == pytest.approx(60, abs=1)
    assert all(step.at == 0 or step.at >= stage.scenario.onset for step in stage.scenario.policy)
    assert 5 < stage.per_second < 40


def test_it_goes_equally_fast_at_four_in_the_morning() -> None:
    """And what lies before ends where the present begins."""
    stage = staged(named("bad-prompt-release"), 3, 300.0, NOW)
    world = World(stage.scenario, 3)
    policy = Policy("default", 1, reshaped([], {"A": 1.0}))
    made = world.until(stage.now_ns, policy).exchanges
    assert len(made) == stage.history > 800
    world.wait(20 * SECOND)
    assert not world.until(NOW + 19 * SECOND, policy).exchanges, "the server took its time to start"
    minute = world.until(world.now + 61 * SECOND, policy)
    assert len(minute.exchanges) == pytest.approx(60 * stage.per_second, rel=0.3)
    assert all(signal["at"] > "2026" for signal in minute.signals)


def test_a_server_that_knows_no_model_of_ours_gets_everything_by_otlp() -> None:
    """And what people do names the exchanges as they were told."""
    told: list[Exchange] = []
    done: list[Mapping[str, Any]] = []

    class Told(Product):
        def tell(self, exchanges: Sequence[Exchange], *_: Any, **__: Any) -> int:
            told.extend(exchanges)
            return 0

        def signal(self, signals: Sequence[Mapping[str, Any]]) -> None:
            done.extend(signals)

    world = World(replace(named("weekend"), per_day=2e4, start=datetime.now(UTC) - timedelta(hours=1)), 3)
    policy = Policy("default", 1, reshaped([], {"A": 1.0}))
    live = Live(world, Told(httpx2.Client(), policy, steers=False), None, "http://127.0.0.1:9")
    live.product.items = lambda *_, **__: []  # type: ignore[method-assign]
    live.run(0.3, lambda _: None)
    assert len(told) == live.played.exchanges == len(world.book.rows) > 10
    about = {signal["exchange_id"] for signal in done if "exchange_id" in signal}
    assert about and about <= {exchange.id for exchange in told}


def test_an_edit_in_the_middle_comes_in_the_middle() -> None:
    """In the story of the inert fix somebody edits the prompt while it goes on."""
    scenario = named("inert-fix")
    stage = staged(scenario, 3, 300.0, NOW)
    first, edit = stage.scenario.policy
    after = (edit.at - stage.scenario.onset) / stage.per_second
    assert first.at == 0 and 60 < after < 180
    assert harmed(scenario) == ["groundedness"] and harmed(named("weekend")) == []
