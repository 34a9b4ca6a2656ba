"""What follows in the world from what the product does: its releases answer, and what was right ends the harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from homeostat.sim.application import SYSTEM
from homeostat.sim.product import Product, Refused
from homeostat.sim.scenario import Served
from homeostat.sim.world import World

Deed = Mapping[str, Any]
#: Whoever is on call looks after this long, and says yes to what is proposed. Microseconds of the event clock.
PATIENCE: Final = 75 * 60 * 1_000_000
#: A release that the product made is cured by these answers, if they are right; others heal all releases at once.
BY_RELEASE: Final = ("fallback", "update-prompt", "retrain")
_AND: Final = (
    " Customers use new words, slang and other languages: understand them, and answer in the language of the question."
)


def follow(world: World, product: Product, *, agree: bool = True) -> None:
    """Obey the product's policy, and let its actions have their effect. `agree`: somebody says yes to proposals."""
    deeds = product.items("/api/v1/actions") or []
    if agree and _agree(world, product, deeds):
        deeds = product.items("/api/v1/actions") or []
    product.obey()
    for name in product.policy.shares:
        if not world.knows(name):
            _learn(world, product, name, deeds)
    if world.count >= world.scenario.onset and any(_heals(world, deed) for deed in deeds):
        world.changes.heal(world.count)


def _agree(world: World, product: Product, deeds: Sequence[Deed]) -> bool:
    """Yes to the first proposal for each incident. Where an edit of people is the story, or nothing is wrong, nobody
    agrees to anything."""
    if world.scenario.truth.verdict != "worked":
        return False
    answered = {deed["incident"] for deed in deeds if deed["state"] not in ("proposed", "declined")}
    agreed = False
    for deed in sorted(deeds, key=lambda one: (one["proposed"], one["id"])):
        waited = world.now // 1000 - deed["proposed"]
        if deed["state"] == "proposed" and deed["incident"] not in answered and waited >= PATIENCE:
            answered.add(deed["incident"])
            agreed = _approved(world, product, deed) or agreed
    return agreed


def _approved(world: World, product: Product, deed: Deed) -> bool:
    try:
        if deed["remedy"] == "prompt" and not deed["parameters"].get("template"):
            text = (_leaving(world, deed).system or SYSTEM) + _AND
            product.change(f"/api/v1/actions/{deed['id']}", {"parameters": {"template": text}})
        product.have(f"/api/v1/actions/{deed['id']}/approve", {"why": "it says what it expects, and that is right"})
    except Refused:  # meanwhile it was done, or cannot be: the incident says so
        return False
    return True


def _learn(world: World, product: Product, name: str, deeds: Sequence[Deed]) -> None:
    """A release that the product made serves now."""
    told = product.get(f"/api/v1/releases/{quote(name, safe='')}") or {}
    made = [deed for deed in deeds if deed["state"] in ("doing", "done") and deed["answer"] in BY_RELEASE]
    newest: Deed = max(made, key=lambda deed: int(deed["id"]), default={})
    base = _leaving(world, newest)
    prompt = told.get("prompt") or {}
    release = replace(
        base, name=name, model=told.get("model") or base.model, answered=told.get("model_version") or base.answered,
        system=told.get("system") or base.system, prompt_version=prompt.get("version") or base.prompt_version,
    )  # fmt: skip
    world.learn(release, cured=newest.get("answer") == world.scenario.truth.action)


def _leaving(world: World, deed: Deed) -> Served:
    releases = {release.name: release for release in world.scenario.releases}
    return releases.get(deed.get("parameters", {}).get("leaving", ""), world.scenario.releases[0])


def _heals(world: World, deed: Deed) -> bool:
    """Is it the right thing, done, and not by a release? Then it is over for all of them."""
    truth = world.scenario.truth
    by_release = deed["answer"] in BY_RELEASE and deed["remedy"] != "by-hand"
    return (
        truth.verdict == "worked" and truth.action not in ("none", "rollback") and deed["answer"] == truth.action
        and deed["state"] == "done" and not by_release
    )  # fmt: skip
