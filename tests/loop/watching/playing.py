"""A story of the practice world with the watch inside this process: no server, no scorer that reads. Scores are as
blind and as unsure as `practice` says; everything from the ticks to the verdict is the real thing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from homeostat.act import acting
from homeostat.config import Settings
from homeostat.loop.scoring.kinds import defaults
from homeostat.loop.watching import actor, carrying_out, diagnosing, verifier
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.ticker import Ticker
from homeostat.records.action import as_json as action_json
from homeostat.records.incident import as_json as incident_json
from homeostat.records.instant import micros
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.records.verdict import as_json as verdict_json
from homeostat.registry import releases, steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.sim import lockstep
from homeostat.sim.exchange import Exchange
from homeostat.sim.operator import JUDGES
from homeostat.sim.product import Refused
from homeostat.sim.scenario import Scenario, Served
from homeostat.sim.world import World
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, actions, feeds, incidents, policies, projects, scorers, verdicts
from homeostat.store.ledger.feeds import Feed
from homeostat.store.ledger.scorers import Configured
from homeostat.store.warehouse.client import Warehouse
from tests.act.diagnosis import practice
from tests.builders import score_row, store

MINUTE = 60_000_000
#: Scores of simple rules, and the fault that each sees.
PLAIN = {"answered": "refusal", "finished": "cut_off", "discreet": "private"}


@dataclass
class Inside:
    """What the world takes for the product."""

    world: World
    context: Context
    project: str
    now: datetime
    policy: Policy = field(default_factory=lambda: Policy("default", 0, ()))
    steers: bool = True
    _signals: int = 0

    def __post_init__(self) -> None:
        self._ticker = Ticker(self.context, self.project, "here")

    # What lockstep calls

    def announce(self, served: Served) -> None:
        made = Release(
            served.name, model=served.model, model_version=served.answered, system=served.system or "Answer."
        )
        _done(releases.make(self.context.ledger, self.project, made, self._author))

    def put(self, shares: Mapping[str, float], why: str) -> None:
        before = policies.get(self.context.ledger, self.project, "default")
        wanted = Policy("default", 0, reshaped(before.policy.pieces if before else (), dict(shares)), reason=why)
        version = before.policy.version if before else 0
        _done(steering.put(self.context.ledger, self.project, wanted, version, self._author))
        self.obey()

    def obey(self) -> None:
        kept = policies.get(self.context.ledger, self.project, "default")
        assert kept is not None
        self.policy = kept.policy

    def tell(
        self, exchanges: Sequence[Exchange], told: str = "call", *, signals: Sequence[Mapping[str, Any]] = ()
    ) -> int:
        rows = [practice._exchange(self.project, each) for each in exchanges]
        spans = [practice._span(row, each, self.project) for row, each in zip(rows, exchanges, strict=True)]
        faults = {truth.id: truth.fault for truth in self.world.book.rows[-2_000:]}
        scores = [
            row for each in exchanges for row in practice._scores(
                self.project, each, faults[each.id], self.world.scenario, self.world.changes
            )
        ]  # fmt: skip
        scores += [row for each in exchanges for row in self._plainly(each, faults[each.id])]
        if rows:
            store(self.context.warehouse, spans=spans, exchanges=rows, scores=scores)
        self._signal(signals)
        return 0

    def _plainly(self, each: Exchange, fault: str) -> Iterator[dict[str, Any]]:
        """What simple rules see nearly always."""
        dice = Random(zlib.crc32(f"plainly {each.id}".encode()))
        if fault == "error":
            return
        for name, seen in PLAIN.items():
            yield score_row(
                self.project, at=datetime.fromtimestamp(each.begin / 1e9, UTC), trace_id=each.trace_id.hex(),
                span_id=each.root_id.hex(), id=f"{each.id}-{name}", name=name, rung="engine", scorer=f"{name}@1",
                value=float(dice.random() > (0.9 if fault == seen else 0.01)),
            )  # fmt: skip

    def _signal(self, signals: Sequence[Mapping[str, Any]]) -> None:
        rows = []
        for each in signals:
            self._signals += 1
            rows.append(practice._signal(self.project, dict(each), self._signals))
        if rows:
            store(self.context.warehouse, signals=rows)

    def advance(self, to_ns: int, *, wait: bool = True) -> None:
        self.now = datetime.fromtimestamp(to_ns // 1000 / 1e6, UTC)
        if not wait:
            return
        at = to_ns // 1000 // MINUTE * MINUTE
        before = feeds.place(self.context.ledger, self.project, "judge:content", start=0)
        feeds.move(self.context.ledger, self.project, "judge:content", before, Feed(at))
        self._ticker.advance(at)
        for step in (diagnosing.run, actor.run, verifier.run):
            step(self.context, at)

    def items(self, path: str, **asked: str) -> list[dict[str, Any]]:
        ledger, project = self.context.ledger, self.project
        found: dict[str, Callable[[], Iterable[dict[str, Any]]]] = {
            "actions": lambda: map(action_json, actions.listed(ledger, project, limit=500)),
            "incidents": lambda: map(incident_json, incidents.listed(ledger, project, limit=500)),
            "verdicts": lambda: (verdict_json(said) for _, said in verdicts.listed(ledger, project, limit=500)),
        }
        return list(found[path.rpartition("/")[2]]())

    def get(self, path: str, **asked: Any) -> Any:
        kept = releases.find(self.context.ledger, self.project, unquote(path.rpartition("/")[2]))
        if isinstance(kept, Declined):
            return None
        told = kept.release
        return {"model": told.model, "model_version": told.model_version, "system": told.system}

    def have(self, path: str, wanted: Mapping[str, Any]) -> bool:
        made = acting.approve(
            self.context.ledger, self.project, int(path.split("/")[-2]), self._author, why=str(wanted.get("why", ""))
        )
        _done(made)
        carrying_out.resume(self.context, self.project, micros(self.now))
        return True

    def change(self, path: str, wanted: Mapping[str, Any]) -> None:
        _done(
            acting.give(
                self.context.ledger, self.project, int(path.rpartition("/")[2]), wanted["parameters"], self._author
            )
        )

    @property
    def _author(self) -> Author:
        return Author("operator", self.now, datetime.now(UTC))


def play(folder: Path, warehouse: Warehouse, project: str, scenario: Scenario, seed: int) -> lockstep.Played:
    """The whole story."""
    place = Folder(folder)
    place.prepare()
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", seal=b"seal")
    ledger.upgrade()
    world = World(scenario, seed)
    begun = datetime.fromtimestamp(world.now / 1e9, UTC)
    projects.ensure(ledger, project, at=begun)
    scorers.ensure(ledger, project, defaults(project), at=begun)
    for one in JUDGES:
        judge = Configured(project, one["name"], 1, one["kind"], one["settings"], share=one["share"])
        scorers.put(ledger, judge, at=begun, author="operator")
    clock: Any = SimpleNamespace(now=lambda: inside.now)
    context = Context(warehouse, ledger, clock, Settings(data=folder), place, lambda: None)
    inside = Inside(world, context, project, begun)
    try:
        return lockstep.play(world, inside)  # type: ignore[arg-type]
    finally:
        ledger.close()


def _done(made: object) -> None:
    if isinstance(made, Declined):
        raise Refused(made.message)
