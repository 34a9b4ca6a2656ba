"""Headless: world and product take turns on the event clock: the same seed gives the same story, at full speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.sim import consequences
from homeostat.sim.product import Product
from homeostat.sim.scenario import Scenario
from homeostat.sim.world import SECOND, World

MINUTE: Final = 60 * SECOND
#: A window is long enough for so many exchanges on average, within limits: after it the world obeys the policy anew.
EXCHANGES_A_WINDOW: Final = 320
#: While releases are compared, when every exchange of a bad one counts; later a tenth of what the comparison has taken,
#: so that looking seldom never adds more than that to the harm.
EXCHANGES_WHILE_COMPARED: Final = 100
SHORTEST: Final = 5 * MINUTE
LONGEST: Final = 360 * MINUTE
#: The world tells what happens in such pieces, each when it begins: what lay far ahead of the product's clock would be
#: taken for the sender's wrong clock.
PIECE: Final = 5 * MINUTE


@dataclass
class Played:
    """What came of one scenario: the world with its truth, and what the product said about it."""

    world: World
    exchanges: int = 0
    signals: int = 0
    bytes: int = 0
    windows: int = 0
    seconds: float = 0.0
    onset_ns: int = 0
    ended_ns: int = 0
    incidents: list[dict[str, Any]] | None = None
    actions: list[dict[str, Any]] | None = None
    verdicts: list[dict[str, Any]] | None = None
    changes: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    """Exchange, moment and shares of every change of the policy that the world saw."""

    def compared(self, shares: dict[str, float]) -> int | None:
        """Since how many exchanges these shares set releases beside each other; None: they do not."""
        if len(shares) < 2:
            return None
        since, _, known = self.changes[-1] if self.changes else (0, 0, {})
        return self.world.count - since if known == shares else 0


def window(scenario: Scenario, *, compared: int | None = None) -> int:
    """Nanoseconds between two looks, whole minutes. `compared`: since so many exchanges releases stand side by side."""
    exchanges = EXCHANGES_A_WINDOW
    if compared is not None:
        exchanges = min(max(EXCHANGES_WHILE_COMPARED, compared // 10), EXCHANGES_A_WINDOW)
    wanted = exchanges / scenario.per_day * 86_400 * SECOND
    return int(min(max(wanted, SHORTEST), LONGEST)) // MINUTE * MINUTE


def play(world: World, product: Product, watch: Callable[[Played], None] | None = None) -> Played:
    """One scenario from its first exchange to its last signal that still matters."""
    begun = time.perf_counter()
    scenario, played = world.scenario, Played(world)
    product.advance(world.now)
    for served in scenario.releases:
        product.announce(served)
    steps = sorted(scenario.policy, key=lambda step: step.at)
    if not steps or steps[0].at > 0:
        product.put({scenario.releases[0].name: 1.0}, "the first release")
    while not world.finished:
        while steps and steps[0].at <= world.count:
            step = steps.pop(0)
            product.put(step.shares, step.why)
        length = window(scenario, compared=played.compared(product.policy.shares))
        _one_window(world, product, played, world.now + length, steps[0].at if steps else None)
        if watch is not None:
            watch(played)
    for _ in range(3):  # what is still open settles, and verdicts come
        _one_window(world, product, played, world.now + window(scenario))
    played.incidents, played.actions, played.verdicts = _said(product)
    played.ended_ns = world.now
    played.seconds = time.perf_counter() - begun
    return played


def _one_window(world: World, product: Product, played: Played, to_ns: int, most: int | None = None) -> None:
    """Send what happened, let the product act, and obey it."""
    shares = product.policy.shares
    if not played.changes or played.changes[-1][2] != shares:
        played.changes.append((world.count, world.now, shares))
    before, start = world.count, world.now
    batch = world.until(to_ns, product.policy, most)
    if before <= world.scenario.onset < world.count:
        played.onset_ns = world.book.rows[world.scenario.onset].at_ns
    for at, piece in batch.pieces(start, PIECE):
        product.advance(at, wait=False)
        played.bytes += product.tell(piece.exchanges, world.scenario.told, signals=piece.signals)
    product.advance(world.now)
    consequences.follow(world, product)
    played.exchanges += len(batch.exchanges)
    played.signals += len(batch.signals)
    played.windows += 1


def _said(product: Product) -> tuple[list[dict[str, Any]] | None, ...]:
    return tuple(product.items(f"/api/v1/{name}") for name in ("incidents", "actions", "verdicts"))
