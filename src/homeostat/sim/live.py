"""The world at human speed: history by OTLP, then every call through the gateway, in real time. A server that does not
know the shop's model gets everything by OTLP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from homeostat.records.policy import Policy, reshaped
from homeostat.sim import consequences
from homeostat.sim.endpoints import PLAN
from homeostat.sim.exchange import Exchange
from homeostat.sim.lockstep import Played
from homeostat.sim.model import Model
from homeostat.sim.product import Product
from homeostat.sim.rhythm import rate
from homeostat.sim.scenario import Scenario
from homeostat.sim.world import SECOND, World

DOCUMENTS: Final = "\n\nDocumentation:\n{{documents}}"
_TICK: Final = 0.25
_CALLERS: Final = 16
_QUIET: Final = 60.0
"""Seconds of ordinary life before the onset."""
_HISTORY: Final = 1_500
_AFTER: Final = 4_500
#: Exchanges that are still to come when the story is over.
_GOES_ON: Final = 70_000
#: Seconds until conversations that began are followed by others at the same rate.
_WARMING: Final = 45.0


@dataclass(frozen=True)
class Stage:
    """How a story is set up: how much lies before the moment for which it was made, and how fast it goes on."""

    scenario: Scenario
    history: int
    per_second: float
    now_ns: int


def staged(scenario: Scenario, seed: int, seconds: float, now_ns: int) -> Stage:
    """The story with other lengths: it begins a minute before the onset, everything has happened after so many
    seconds, and life goes on."""
    quiet = _QUIET * seconds / 300
    after = min(scenario.exchanges - scenario.onset, _AFTER)
    per_second = after / (seconds - quiet)
    # The rhythm of the day is for long stories: this one shall go equally fast at four in the morning.
    at_noon = rate(now_ns, 1.0) * 86_400 * SECOND
    begun = now_ns / SECOND - _HISTORY / per_second - _WARMING
    slow = replace(scenario, per_day=per_second * 86_400 / at_noon, start=datetime.fromtimestamp(int(begun), UTC))
    return Stage(*_at_onset(slow, seed, after, round(quiet * per_second), now_ns), per_second, now_ns)


def _at_onset(slow: Scenario, seed: int, after: int, quiet: int, now_ns: int) -> tuple[Scenario, int]:
    """The story that has its onset so many exchanges from now, and how many there have been by now."""
    never = replace(slow, exchanges=10**9, onset=10**9 - 1, effects=())
    first = slow.releases[0].name
    history = len(World(never, seed).until(now_ns, Policy("default", 1, reshaped([], {first: 1.0}))).exchanges)
    onset, by = history + quiet, after / (slow.exchanges - slow.onset)
    steps = tuple(
        replace(step, at=onset + round((step.at - slow.onset) * by) if step.at >= slow.onset else 0)
        for step in slow.policy
    )
    story = replace(slow, exchanges=onset + after + _GOES_ON, onset=onset, policy=steps, over=round(slow.over * by))
    return story, history


@contextmanager
def _customers() -> Iterator[ThreadPoolExecutor]:
    """Those who ask. Where the story breaks off, as at Ctrl-C, nobody waits for what was not asked yet."""
    callers = ThreadPoolExecutor(_CALLERS, "customer")
    try:
        yield callers
    except BaseException:
        callers.shutdown(wait=False, cancel_futures=True)
        raise
    callers.shutdown()


@dataclass
class Live:
    """A story that is being played."""

    world: World
    product: Product
    model: Model | None
    """Behind the gateway; None: the server does not know it."""
    url: str
    played: Played = field(init=False)
    failed: int = 0
    _ids: dict[str, str] = field(default_factory=dict)
    _waiting: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.played = Played(self.world)

    def begin(self, stage: Stage) -> None:
        """Releases, the first policy, and what happened before."""
        scenario = self.world.scenario
        for served in scenario.releases:
            self.product.announce(served, documents=DOCUMENTS if self.model else "")
        first = next((step for step in scenario.policy if step.at == 0), None)
        self.product.put(first.shares if first else {scenario.releases[0].name: 1.0}, "the first release")
        batch = self.world.until(stage.now_ns, self.product.policy)
        self.world.wait(time.time_ns() - stage.now_ns)
        self.product.tell(batch.exchanges)
        self.product.signal(batch.signals)
        self._count(batch.exchanges)

    def run(self, seconds: float, tick: Callable[[float], None]) -> None:
        """Play on in real time; `tick` is called with the seconds that have passed."""
        left = (step for step in self.world.scenario.policy if step.at >= max(1, self.world.count))
        steps = sorted(left, key=lambda step: step.at)
        begun = looked = time.monotonic()
        before = self.played.seconds
        limits = httpx2.Limits(max_connections=_CALLERS)
        with httpx2.Client(base_url=self.url, timeout=60, trust_env=False, limits=limits) as gateway, \
                _customers() as callers:  # fmt: skip
            while (passed := time.monotonic() - begun) < seconds and not self.world.finished:
                if steps and steps[0].at <= self.world.count:
                    step = steps.pop(0)
                    self.product.put(step.shares, step.why)
                if time.monotonic() - looked > 1.0:
                    consequences.follow(self.world, self.product, agree=False)
                    looked = time.monotonic()
                self._step(gateway, callers, steps[0].at if steps else None)
                self.played.seconds = before + passed
                tick(self.played.seconds)
                time.sleep(_TICK)
        self._tell_signals([])

    def _step(self, gateway: httpx2.Client, callers: ThreadPoolExecutor, most: int | None) -> None:
        shares = self.product.policy.shares
        if not self.played.changes or self.played.changes[-1][2] != shares:
            self.played.changes.append((self.world.count, time.time_ns(), shares))
        batch = self.world.until(time.time_ns(), self.product.policy, most)
        self._ask(batch.exchanges, gateway, callers)
        self._count(batch.exchanges)
        self._tell_signals(batch.signals)

    def _ask(self, exchanges: Sequence[Exchange], gateway: httpx2.Client, callers: ThreadPoolExecutor) -> None:
        if self.model is None:
            self.product.tell(exchanges, self.world.scenario.told)
            self._ids |= {exchange.id: exchange.id for exchange in exchanges}
            return
        for exchange in exchanges:
            callers.submit(self._call, gateway, self.model, exchange)

    def _count(self, exchanges: Iterable[Exchange]) -> None:
        onset = self.world.scenario.onset
        for exchange in exchanges:
            self.played.exchanges += 1
            if exchange.number == onset:
                self.played.onset_ns = exchange.begin

    def _call(self, gateway: httpx2.Client, model: Model, exchange: Exchange) -> None:
        """One customer's question through the gateway, as the application sends it."""
        trace = exchange.trace_id.hex()
        model.planned[trace] = exchange
        found = "\n".join(document.text for document in exchange.documents)
        body = {
            "model": exchange.release.model,
            "messages": [{"role": "user", "content": exchange.question}],
            "homeostat": {"variables": {"documents": found}},
        }
        headers = {
            PLAN: trace, "x-homeostat-user": exchange.user.id, "x-homeostat-session": exchange.session,
        }  # fmt: skip
        try:
            answer = gateway.post("/v1/chat/completions", json=body, headers=headers)
            self._ids[exchange.id] = answer.headers.get("x-homeostat-exchange-id", exchange.id)
            self.failed += answer.status_code >= 500
        except httpx2.HTTPError:
            self.failed += 1
        finally:
            model.planned.pop(trace, None)

    def _tell_signals(self, signals: list[dict[str, Any]]) -> None:
        """Signals name the exchange as the gateway does; one whose call is not over yet waits."""
        ready, self._waiting = [], [*self._waiting, *signals]
        for signal in list(self._waiting):
            about = signal.get("exchange_id")
            if about is None or about in self._ids or self._told_before(about):
                ready.append({**signal, "exchange_id": self._ids.get(about, about)} if about else signal)
                self._waiting.remove(signal)
        if ready:
            self.product.signal(ready)
            self.played.signals += len(ready)

    def _told_before(self, identity: str) -> bool:
        """Did it belong to the history, where ids are the world's own?"""
        truth = self.world.book.of(identity)
        return truth is not None and truth.at_ns < self.played.changes[0][1] if self.played.changes else False
