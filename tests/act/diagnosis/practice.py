"""A scenario of the practice world laid straight into the stores: what its application would have told, and scores.

Scorers here are as blind and as unsure as they are told to be: what counts is what a diagnosis makes of them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from homeostat.act.diagnosis import Evidence, diagnose
from homeostat.act.diagnosis.gather import gather
from homeostat.records.finding import Finding
from homeostat.records.incident import Candidate
from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.registry import releases, steering
from homeostat.registry.author import Author
from homeostat.sim.changes import Changes
from homeostat.sim.exchange import Exchange
from homeostat.sim.faults import dimensions
from homeostat.sim.scenario import Scenario, named
from homeostat.store.ledger import Ledger
from homeostat.store.warehouse.client import Warehouse
from tests.builders import exchange_row, score_row, signal_row, span_row, store
from tests.sim.playing import alone

MINUTE = 60_000_000
#: Of the answers that fail a dimension so many are seen, and so many of the others are blamed.
SEES, BLAMES = 0.5, 0.04
_SCORED = ("relevance", "groundedness", "coherence", "completeness", "conciseness", "safety", "bias", "privacy")


@dataclass
class Laid:
    """Where a scenario lies, and its times (µs)."""

    scenario: Scenario
    project: str
    onset: int
    times: list[int]

    def after(self, exchanges: int) -> int:
        """The moment when so many exchanges had happened since the onset."""
        return self.times[min(self.scenario.onset + exchanges, len(self.times) - 1)]


def lay(warehouse: Warehouse, ledger: Ledger, project: str, name: str, *, seed: int = 11, since: int = 2500) -> Laid:
    """Play it and put it there, up to so many exchanges after the onset."""
    scenario = named(name)
    scenario = replace(scenario, exchanges=min(scenario.exchanges, scenario.onset + since + 500), oracle=1)
    played = alone(scenario, seed)
    truths = played.world.book.rows
    faults = {truth.id: truth.fault for truth in truths}
    rows = [_exchange(project, each) for each in played.exchanges]
    spans = [_span(row, each, project) for row, each in zip(rows, played.exchanges, strict=True)]
    signals = [_signal(project, each, at) for at, each in enumerate(played.signals)]
    scores = [row for each in played.exchanges for row in _scores(project, each, faults[each.id], scenario)]
    for at in range(0, len(rows), 4000):
        store(warehouse, spans=spans[at : at + 4000], exchanges=rows[at : at + 4000])
    store(warehouse, signals=signals, scores=scores)
    times = sorted(each.begin // 1000 for each in played.exchanges)
    laid = Laid(scenario, project, truths[scenario.onset].at_ns // 1000, times)
    _steer(ledger, laid)
    return laid


def causes(warehouse: Warehouse, ledger: Ledger, laid: Laid, exchanges: int) -> tuple[Evidence, tuple[Candidate, ...]]:
    """What the diagnosis says so many exchanges after the onset, of all that moved by then."""
    now = laid.after(exchanges)
    first = gather(ledger, warehouse, laid.project, [_found(laid, "mean(score.relevance)", "model", now)], (), now=now)
    seen = sorted((each for each in first.moved if abs(each.z) >= 3.2), key=lambda each: -abs(each.z))
    rungs = {"judge": "judge", "text": "model", "feedback": "signal", "behaviour": "signal"}
    found = [_found(laid, each.measure, rungs.get(each.family, ""), now, up=each.z > 0) for each in seen[:6]]
    if not found and any(each.ratio < 0.5 and each.z < -4 for each in first.volumes):
        found = [_found(laid, "count(signal)", "", now)]
    arms = [step for step in laid.scenario.policy if len(step.shares) > 1]
    if not found and arms:
        small = min(arms[0].shares, key=lambda name: arms[0].shares[name])
        beside = _found(laid, "mean(score.groundedness)", "model", now)
        found = [replace(beside, release=small, against="release")]
    if not found:
        return first, ()
    evidence = gather(ledger, warehouse, laid.project, found, (), now=now)
    return evidence, diagnose(evidence)


def _found(laid: Laid, measure: str, rung: str, now: int, *, up: bool = False) -> Finding:
    """A detector's word whose guess of the onset is ten minutes off, and not sure to forty."""
    onset = laid.onset + 10 * MINUTE
    return Finding(
        project=laid.project, monitor="m", monitor_version=1, measure=measure, at=now,
        direction="up" if up else "down", onset=onset, onset_low=onset - 40 * MINUTE, onset_high=onset + 20 * MINUTE,
        value=0.7, low=0.65, high=0.75, reference=0.84, n=300, chance_per_month=0.01, severity="warning",
        against="reference", rung=rung,
    )  # fmt: skip


def _steer(ledger: Ledger, laid: Laid) -> None:
    """The policies of the scenario, at the times at which the world obeyed them."""
    begun = datetime.fromtimestamp(laid.times[0] / 1e6, UTC) - timedelta(hours=1)
    for served in laid.scenario.releases:
        made = Release(served.name, model=served.model, system=served.system or "Answer.")
        assert releases.make(ledger, laid.project, made, Author("ann", begun, begun))
    steps = list(laid.scenario.policy) or []
    version = 0
    if not steps or steps[0].at > 0:
        steering.put(
            ledger, laid.project, _policy({laid.scenario.releases[0].name: 1.0}), 0, Author("ann", begun, begun)
        )
        version = 1
    for step in steps:
        at = begun if step.at == 0 else datetime.fromtimestamp(laid.times[step.at] / 1e6, UTC)
        done = steering.put(ledger, laid.project, _policy(step.shares), version, Author("ann", at, at))
        assert isinstance(done, Policy), done
        version += 1


def _policy(shares: Any) -> Policy:
    return Policy("default", 0, reshaped((), dict(shares)))


def _exchange(project: str, each: Exchange) -> dict[str, Any]:
    at = datetime.fromtimestamp(each.begin / 1e9, UTC)
    failed = each.finish == "error"
    return exchange_row(
        project, at=at, trace_id=each.trace_id.hex(), span_id=each.root_id.hex(), input=each.question,
        output=each.answer, user_id=each.user.id, session_id=each.session, release=each.release.name,
        model="" if failed else each.answered, requested_model=each.release.model,
        prompt_name=each.release.prompt, prompt_version=str(each.release.prompt_version),
        latency_ms=(each.end - each.begin) / 1e6, input_tokens=each.input_tokens, output_tokens=each.output_tokens,
        cost=each.input_tokens * 1.5e-7 + each.output_tokens * 6e-7, status="error" if failed else "ok",
        finish_reason=each.finish,
    )  # fmt: skip


def _span(row: dict[str, Any], each: Exchange, project: str) -> dict[str, Any]:
    about = {
        f"retrieval.documents.{at}.document.metadata": f'{{"updated": "{document.version}"}}'
        for at, document in enumerate(each.documents)
    }
    documents = [{"id": document.id, "text": document.text} for document in each.documents]
    return span_row(
        project, at=row["at"], trace_id=row["trace_id"], span_id=row["span_id"], input=each.question,
        output=each.answer, attributes=about, documents=json.dumps(documents) if documents else "",
    )  # fmt: skip


def _signal(project: str, said: dict[str, Any], number: int) -> dict[str, Any]:
    trace, _, span = str(said.get("exchange_id", "")).partition("-")
    more = {"trace_id": trace, "span_id": span} if trace else {}
    return signal_row(
        project, id=f"{project}-{number}", at=datetime.fromisoformat(said["at"]), name=said["name"],
        value=said.get("value"), comment=said.get("comment", ""), session_id=said.get("session_id", ""),
        user_id=said.get("user_id", ""), **more,
    )  # fmt: skip


def _scores(
    project: str, each: Exchange, fault: str, scenario: Scenario, changes: Changes | None = None
) -> Iterator[dict[str, Any]]:
    if fault == "error":
        return
    dice = Random(zlib.crc32(each.id.encode()))
    common = {
        "at": datetime.fromtimestamp(each.begin / 1e9, UTC), "trace_id": each.trace_id.hex(),
        "span_id": each.root_id.hex(),
    }  # fmt: skip
    true = dimensions(fault)
    for name in _SCORED:
        bad = dice.random() < (SEES if true[name] < 0.7 else BLAMES)
        value = min(1.0, max(0.0, dice.gauss(0.25 if bad else 0.85, 0.1)))
        yield score_row(
            project,
            id=f"{project}-{each.id}-{name}",
            name=name,
            value=value,
            rung="model",
            scorer=f"{name}@1",
            **common,
        )
    if dice.random() < 0.25:
        passes = dice.random() < (_passes(changes or Changes(scenario), each.number) if fault else 0.93)
        yield score_row(
            project,
            id=f"{project}-{each.id}-judge",
            name="content",
            value=float(passes),
            rung="judge",
            scorer="content@1",
            **common,
        )


def _passes(changes: Changes, number: int) -> float:
    """How often the judge lets a bad answer pass."""
    lenient: Sequence[Any] = changes.judging(number)
    return 1 - float(lenient[0][1].values.get("specificity", 0.8)) if lenient else 0.2
