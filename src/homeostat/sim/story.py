"""A scenario told in a terminal: what happens, what the product makes of it, and where to look."""

from __future__ import annotations

import contextlib
import shutil
import sys
import textwrap
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from homeostat.sim import scoreboard, words
from homeostat.sim.faults import FAULTS
from homeostat.sim.live import Live, Stage, staged
from homeostat.sim.operator import Given, served
from homeostat.sim.scenario import Scenario
from homeostat.sim.world import World

MINUTES = 5.0
STAYS = 3_600.0
_EVERY = 20.0
_THUMBS = "share(signal.thumbs=-1)"
Say = Callable[[str], None]


def tell(
    scenario: Scenario, seed: int, *, speed: float, port: int, stay: bool, say: Say, given: Given | None = None
) -> scoreboard.Row:
    """Serve, play, say what happens; then stay until Ctrl-C, so that everything can be looked at."""
    seconds = MINUTES * 60 / speed
    stage = staged(scenario, seed, seconds, time.time_ns())
    world = World(stage.scenario, seed)
    with served(world, given, clock="live", port=port, pace=1.0 / speed) as (url, server, model):
        live = Live(world, server, model, url)
        _open(scenario, url, say)
        try:
            return _told(live, stage, seconds, stay=stay, say=say)
        finally:
            say("\nIt is over." if given else "\nIt is over: the server ends, which takes some seconds.")


def _told(live: Live, stage: Stage, seconds: float, *, stay: bool, say: Say) -> scoreboard.Row:
    live.begin(stage)
    say(f"{stage.history} questions are in already; from now on about {stage.per_second:.0f} come a second.")
    narrator = Narrator(live, say)
    live.run(seconds, narrator.tick)
    return _end(live, narrator, stay=stay, say=say)


def _open(scenario: Scenario, url: str, say: Say) -> None:
    us = program()
    say(f"\n{scenario.name}\n")
    say(textwrap.fill(" ".join(scenario.story.split()), 100, initial_indent="  ", subsequent_indent="  "))
    say(f"\nHomeostat is at {url}. In another terminal:\n")
    say(f"  export HOMEOSTAT_URL={url}")
    say(f"  {us} tail")
    say(f"  {us} measures count 'share(signal.thumbs=-1)' 'p95(latency)' --by release --since 15m")
    say(f"  {us} incident ls")
    say(f"  {us} rollback                         # if you do not want to wait for it to be done")
    say(f"\nWatch: {' '.join(scenario.look.split())}\n")


def program() -> str:
    """Our command as it can be typed here: a clone has it in its own environment, which no shell looks into."""
    own = Path(sys.executable).parent / "homeostat"
    found = shutil.which("homeostat")
    if found and Path(found).resolve() == own.resolve():
        return "homeostat"
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)


@dataclass
class Narrator:
    """Says what is new, and now and then how things stand."""

    live: Live
    say: Say
    _next: float = 0.0
    _onset: bool = False
    _shares: dict[str, float] = field(default_factory=dict)
    _known: set[tuple[str, Any, Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._measures = ["count", _THUMBS, *(f"mean(score.{name})" for name in harmed(self.live.world.scenario))]

    def tick(self, passed: float) -> None:
        """Called several times a second."""
        self._policy(passed)
        if not self._onset and self.live.world.count > self.live.world.scenario.onset:
            self._onset = True
            self.say(f"{_clock(passed)}  It begins.")
        if passed >= self._next:
            self._next = passed + _EVERY
            self._state(passed)
            self.news(passed)

    def news(self, passed: float) -> None:
        """Incidents, what was done about them, what came of it: in the product's own words."""
        for path, words_of in _NEWS.items():
            for item in reversed(self.live.product.items(f"/api/v1/{path}") or []):
                told = (path, item["id"], item.get("state") if path == "actions" else "")
                if told not in self._known:
                    self._known.add(told)
                    self.say(f"{_clock(passed)}  {words_of(item)}")

    def _policy(self, passed: float) -> None:
        policy = self.live.product.policy
        if policy.shares != self._shares:
            self._shares = policy.shares
            shares = ", ".join(f"{name} {share:.0%}" for name, share in policy.shares.items())
            reason = f" ({policy.reason})" if policy.reason else ""
            self.say(f"{_clock(passed)}  Releases: {shares}{reason}")

    def _state(self, passed: float) -> None:
        """What the product measures by itself, release by release."""
        asked: dict[str, str | list[str]] = {"measure": self._measures, "by": "release", "from": "15m"}
        told = self.live.product.get("/api/v1/measures", **asked)
        by_release: dict[str, dict[str, Any]] = {}
        for point in told["points"] if told else ():
            by_release.setdefault(point.get("release") or "-", {})[point["measure"]] = point
        for name, points in sorted(by_release.items()):
            self.say(f"{_clock(passed)}  {_release(name, points)}")
        if not by_release:
            self.say(f"{_clock(passed)}  nothing is loaded yet")


_NEWS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "incidents": lambda one: f"INCIDENT #{one['id']} ({one['severity']}): {one['title']}.",
    "actions": lambda one: f"ACTION #{one['id']}: {one['said']}",
    "verdicts": lambda one: f"VERDICT on action #{one['action']}: {one['said']}",
}


def harmed(scenario: Scenario) -> list[str]:
    """The two dimensions that suffer the most in this story, of those that scorers look at.

    >>> from homeostat.sim.scenario import named
    >>> harmed(named("bad-prompt-release"))
    ['groundedness', 'conciseness']
    """
    before = scenario.releases[0].faults
    more: dict[str, float] = defaultdict(float)
    for release in scenario.releases[1:]:
        for fault, share in release.faults.items():
            more[fault] += share - before.get(fault, 0.0)
    for effect in scenario.effects:
        if effect.kind == "answers":
            more[effect.values["fault"]] += effect.values["share"]
    harm: dict[str, float] = defaultdict(float)
    for fault, share in more.items():
        for name, left in FAULTS[fault].items():
            harm[name] += share * (1.0 - left) * (name != "correctness")
    return [name for name in sorted(harm, key=lambda one: -harm[one])[:2] if harm[name] > 0.01]


def _release(name: str, points: dict[str, dict[str, Any]]) -> str:
    parts = [f"{name}: {int(points.get('count', {}).get('value') or 0):,} answers"]
    thumbs = points.get(_THUMBS, {})
    if thumbs.get("value") is not None and thumbs.get("low") is not None:
        parts.append(
            f"thumbs down {thumbs['value']:.0%} ({thumbs['low']:.0%} to {thumbs['high']:.0%} of {thumbs['n']})"
        )
    for measure, point in points.items():
        if measure.startswith("mean(score.") and point.get("value") is not None and point.get("low") is not None:
            dimension = measure[len("mean(score.") : -1]
            parts.append(f"{dimension} {point['value']:.2f} ({point['low']:.2f} to {point['high']:.2f})")
    return ", ".join(parts)


def _end(live: Live, narrator: Narrator, *, stay: bool, say: Say) -> scoreboard.Row:
    server, played = live.product, live.played
    time.sleep(2)  # the last calls are loaded
    narrator.news(played.seconds)
    played.incidents, played.actions, played.verdicts = (
        server.items(f"/api/v1/{name}") for name in ("incidents", "actions", "verdicts")
    )
    row = scoreboard.row(played)
    say(f"\nWhat was true, and what the product said so far:\n{words.summary(row)}")
    if played.incidents:
        say(f"\nThe whole story of the last incident: {program()} incident show {played.incidents[0]['id']}")
    if stay:
        say(f"\nTraffic goes on at {live.url}, and what is new will be said here. Ctrl-C ends it.\n")
        with contextlib.suppress(KeyboardInterrupt):
            live.run(STAYS, narrator.tick)
    return row


def _clock(passed: float) -> str:
    return f"{int(passed) // 60}:{int(passed) % 60:02d}"
