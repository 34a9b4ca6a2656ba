"""A scenario told in a terminal: what happens, what the product makes of it, and where to look."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from homeostat.sim import scoreboard, words
from homeostat.sim.live import Live, staged
from homeostat.sim.operator import shop
from homeostat.sim.scenario import Scenario
from homeostat.sim.world import World

MINUTES = 5.0
_EVERY = 20.0
_THUMBS = "share(signal.thumbs=-1)"
Say = Callable[[str], None]


def tell(scenario: Scenario, seed: int, *, speed: float, port: int, stay: bool, say: Say) -> scoreboard.Row:
    """Serve, play, say what happens; then stay until Ctrl-C, so that everything can be looked at."""
    seconds = MINUTES * 60 / speed
    stage = staged(scenario, seconds, datetime.now(UTC))
    world = World(stage.scenario, seed)
    with shop(world, clock="live", port=port, pace=1.0 / speed) as (url, server, model):
        live = Live(world, server, model, url)
        _open(scenario, url, say)
        live.begin(stage.history)
        say(f"{stage.history} questions are in already; from now on about {stage.per_second:.0f} come a second.")
        live.run(seconds, Narrator(live, say).tick)
        return _end(live, url, stay=stay, say=say)


def _open(scenario: Scenario, url: str, say: Say) -> None:
    say(f"\n{scenario.name}\n")
    say(textwrap.fill(" ".join(scenario.story.split()), 100, initial_indent="  ", subsequent_indent="  "))
    say(f"\nHomeostat is at {url}. In another terminal:\n")
    say(f"  export HOMEOSTAT_URL={url}")
    say("  homeostat tail")
    say("  homeostat measures count 'share(signal.thumbs=-1)' 'p95(latency)' --by release --since 15m")
    say(f"\nWatch: {' '.join(scenario.look.split())}\n")


@dataclass
class Narrator:
    """Says what is new, and now and then how things stand."""

    live: Live
    say: Say
    _next: float = 0.0
    _onset: bool = False
    _shares: dict[str, float] = field(default_factory=dict)
    _incidents: set[Any] = field(default_factory=set)

    def tick(self, passed: float) -> None:
        """Called several times a second."""
        self._policy(passed)
        if not self._onset and self.live.world.count > self.live.world.scenario.onset:
            self._onset = True
            self.say(f"{_clock(passed)}  It begins.")
        if passed >= self._next:
            self._next = passed + _EVERY
            self._state(passed)

    def _policy(self, passed: float) -> None:
        policy = self.live.product.policy
        if policy.shares != self._shares:
            self._shares = policy.shares
            shares = ", ".join(f"{name} {share:.0%}" for name, share in policy.shares.items())
            reason = f" ({policy.reason})" if policy.reason else ""
            self.say(f"{_clock(passed)}  Releases: {shares}{reason}")

    def _state(self, passed: float) -> None:
        """What the product measures by itself, release by release."""
        asked: dict[str, str | list[str]] = {"measure": ["count", _THUMBS], "by": "release", "from": "15m"}
        told = self.live.product.get("/api/v1/measures", **asked)
        by_release: dict[str, dict[str, Any]] = {}
        for point in told["points"] if told else ():
            by_release.setdefault(point.get("release") or "-", {})[point["measure"]] = point
        parts = [_release(name, points) for name, points in sorted(by_release.items())]
        self.say(f"{_clock(passed)}  " + ("; ".join(parts) or "nothing is loaded yet"))
        for incident in self.live.product.items("/api/v1/incidents") or ():
            if incident["id"] not in self._incidents:
                self._incidents.add(incident["id"])
                self.say(
                    f"{_clock(passed)}  Incident {incident['id']}: {incident['severity']}, cause {incident['cause']}"
                )


def _release(name: str, points: dict[str, dict[str, Any]]) -> str:
    count, thumbs = points.get("count", {}), points.get(_THUMBS, {})
    down = "no thumbs yet" if thumbs.get("value") is None else (
        f"thumbs down {thumbs['value']:.0%} [{thumbs['low']:.0%}, {thumbs['high']:.0%}] of {thumbs['n']}"
    )  # fmt: skip
    return f"{name}: {int(count.get('value') or 0)} answers, {down}"


def _end(live: Live, url: str, *, stay: bool, say: Say) -> scoreboard.Row:
    server, played = live.product, live.played
    time.sleep(2)  # the last calls are loaded
    played.incidents, played.actions, played.verdicts = (
        server.items(f"/api/v1/{name}") for name in ("incidents", "actions", "verdicts")
    )
    row = scoreboard.row(played)
    say(f"\nThe end. What was true, and what the product said:\n{words.summary(row)}")
    if stay:
        say(f"\nThe server stays at {url}. Ctrl-C ends it.")
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            say("")
    return row


def _clock(passed: float) -> str:
    return f"{int(passed) // 60}:{int(passed) % 60:02d}"
