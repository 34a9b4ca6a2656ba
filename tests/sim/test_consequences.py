"""What the product does changes the world as it would change the real one, and only if it was right."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from homeostat.records.policy import Policy, reshaped
from homeostat.sim import consequences
from homeostat.sim.consequences import PATIENCE
from homeostat.sim.judge import Judge
from homeostat.sim.product import Product, Refused
from homeostat.sim.scenario import Effect, named
from homeostat.sim.world import World
from tests.sim.playing import fits


@dataclass
class Said(Product):
    """What a server would answer: actions, a release, shares; it keeps what it is asked to do."""

    client: Any = None
    actions: list[dict[str, Any]] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=lambda: {"A": 1.0})
    asked: list[tuple[str, Any]] = field(default_factory=list)
    refuses: bool = False

    def items(self, path: str, **asked: str) -> list[dict[str, Any]] | None:
        return self.actions if path == "/api/v1/actions" else None

    def get(self, path: str, **asked: str | list[str]) -> Any:
        return {"name": path.rsplit("/", 1)[1], "model": "gpt-4o-mini", "model_version": "pinned", "system": "Be good."}

    def obey(self) -> None:
        self.policy = Policy("default", self.policy.version + 1, reshaped(self.policy.pieces, self.shares))

    def have(self, path: str, wanted: Any) -> bool:
        if self.refuses:
            raise Refused("no")
        self.asked.append((path, wanted))
        return True

    def change(self, path: str, wanted: Any) -> None:
        self.asked.append((path, wanted))


def action(answer: str, state: str = "done", **more: Any) -> dict[str, Any]:
    told = {"id": 1, "incident": 1, "answer": answer, "state": state, "remedy": "by-hand", "proposed": 0}
    return told | {"parameters": {}} | more


def later(name: str, exchanges: int = 3_000) -> World:
    """A world some way behind its onset."""
    scenario = named(name)
    world = World(replace(scenario, exchanges=scenario.onset + exchanges), 5)
    everybody = Policy("default", 1, reshaped([], {"A": 1.0}))
    world.until(world.now + 10**18, everybody, scenario.onset + 500)
    return world


def faults(world: World, fault: str, release: str = "", since: int = 0) -> tuple[int, int]:
    rows = [row for row in world.book.rows[since:] if not release or row.release == release]
    return sum(row.fault == fault for row in rows), len(rows)


def test_the_right_thing_by_hand_heals_every_release() -> None:
    world, product = later("stale-knowledge"), Said()
    product.actions = [action("rollback"), action("update-knowledge", "approved")]
    consequences.follow(world, product)
    assert not world.changes.healed, "wrong, or not done yet"
    product.actions = [action("update-knowledge")]
    consequences.follow(world, product)
    begun = world.count
    world.until(world.now + 10**18, product.policy)
    assert world.changes.healed and faults(world, "stale", since=begun)[0] == 0
    assert faults(world, "stale")[0] > 20


def test_a_release_of_the_product_answers_and_the_held_back_stay_ill() -> None:
    """So that a verdict by hold-back has something to find."""
    world = later("hallucination", 6_000)
    product = Said(shares={"A": 0.3, "A-pinned": 0.7})
    product.actions = [action("fallback", remedy="fallback", parameters={"leaving": "A"})]
    begun = world.count
    consequences.follow(world, product)
    assert world.knows("A-pinned") and not world.changes.healed
    told = world.until(world.now + 10**18, product.policy).exchanges
    one = next(each for each in told if each.release.name == "A-pinned")
    assert (one.answered, one.system) == ("pinned", "Be good.")
    effect = next(each for each in world.scenario.effects if each.kind == "answers")
    base = world.scenario.releases[0].faults["hallucinated"]
    share = effect.values["share"]
    assert fits(*faults(world, "hallucinated", "A-pinned", begun), base)
    assert fits(*faults(world, "hallucinated", "A", begun), share + (1 - share) * base)


def test_the_wrong_release_cures_nothing() -> None:
    world, product = later("slang"), Said(shares={"A-other": 1.0})
    product.actions = [action("fallback", remedy="fallback")]
    begun = world.count
    consequences.follow(world, product)
    world.until(world.now + 10**18, product.policy)
    hits, n = faults(world, "off_topic", "A-other", begun)
    assert hits > 1.5 * n * world.scenario.releases[0].faults["off_topic"]


def test_somebody_says_yes_after_a_while_once_for_each_incident() -> None:
    world, product = later("hallucination"), Said()
    now = world.now // 1000
    product.actions = [
        action("fallback", "proposed", id=3, proposed=now - PATIENCE),
        action("block", "proposed", id=4, proposed=now - PATIENCE + 1),
        action("fallback", "proposed", id=5, incident=2, proposed=now - PATIENCE + 1),
        action("rollback", "done", id=6, incident=3),
        action("block", "proposed", id=7, incident=3, proposed=0),
    ]
    consequences.follow(world, product)
    assert [path for path, _ in product.asked] == ["/api/v1/actions/3/approve"]


def test_a_prompt_gets_its_words_first_and_a_refusal_stops_nothing() -> None:
    world, product = later("slang"), Said()
    product.actions = [action("update-prompt", "proposed", remedy="prompt")]
    consequences.follow(world, product)
    (path, wanted), (approved, _) = product.asked
    assert (path, approved) == ("/api/v1/actions/1", "/api/v1/actions/1/approve")
    assert "slang" in wanted["parameters"]["template"]
    product.refuses = True
    consequences.follow(world, product)


@pytest.mark.parametrize("name", ["inert-fix", "weekend"])
def test_nobody_agrees_where_people_act_themselves_or_nothing_is_wrong(name: str) -> None:
    world, product = later(name, 600 if name == "weekend" else 3_000), Said()
    product.actions = [action("fallback", "proposed")]
    consequences.follow(world, product)
    assert not product.asked


def test_a_judge_that_was_mended_is_well_again() -> None:
    world, product = later("judge-turns-lenient", 2_000), Said()
    judge = Judge(world.book, world.scenario, 5, changes=world.changes)
    assert judge.rates(world.book.rows[-1])[1] == 0.25
    product.actions = [action("fix-judge")]
    consequences.follow(world, product)
    world.until(world.now + 10**18, product.policy)
    assert judge.rates(world.book.rows[-1]) == (0.95, 0.85) and judge.rates(world.book.rows[3_100])[1] == 0.25


def test_questions_about_the_new_product_go_on_and_are_answered() -> None:
    scenario = replace(named("new-product"), exchanges=8_000)
    world, product = World(scenario, 5), Said()
    product.obey()
    world.until(world.now + 10**18, product.policy, 6_500)
    product.actions = [action("update-knowledge")]
    consequences.follow(world, product)
    begun = world.count
    world.until(world.now + 10**18, product.policy)
    asked = [row for row in world.book.rows[begun:] if "aurora x" in row.question.lower()]
    assert len(asked) > 50 and sum(row.fault == "hallucinated" for row in asked) < 0.1 * len(asked)
    assert any(effect.kind == "product" for effect in scenario.effects) and isinstance(scenario.effects[0], Effect)
