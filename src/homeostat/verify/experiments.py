"""Experiments: releases compared on users put to them by chance, safe to look at any time.

Starting one gives the route its shares; stopping one gives the route to whoever won, or back. Between the two nothing
is decided by anybody who looks: the intervals hold at every moment at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from homeostat.analyze.inference.claims import Expected
from homeostat.analyze.inference.confidence import RatioMoments
from homeostat.analyze.inference.holdback import holdback
from homeostat.records.instant import iso, micros
from homeostat.records.policy import Policy, reshaped
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.registry.names import PROMPT, bad, bad_name
from homeostat.registry.proof import Proof
from homeostat.store.ledger import Ledger, experiments, policies
from homeostat.store.ledger.experiments import Kept
from homeostat.store.warehouse.questions.verdicts import Units


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared. The first of `shares` is the control."""

    name: str
    shares: Mapping[str, float]
    measure: str
    route: str = "default"
    direction: str = "up"
    at_least: float = 0.01
    """The smallest difference that would matter."""
    planned: int = 5_000
    """Users at which the interval is to be narrowest."""
    why: str = ""


def start(ledger: Ledger, project: str, plan: Plan, author: Author, *, proof: Proof | None = None) -> Kept | Declined:
    """Give the route its shares; one experiment a route at a time."""
    if wrong := bad_name("experiment", plan.name, PROMPT):
        return wrong
    if len(plan.shares) < 2 or plan.direction not in ("up", "down") or not plan.at_least > 0:
        return bad("An experiment compares two releases or more: a share for each, up or down, and at_least above 0.")
    with ledger.begin():
        if experiments.get(ledger, project, plan.name) is not None:
            return Declined("conflict", f"There is an experiment {plan.name} already.", "Give it another name.")
        running = [kept for kept in experiments.listed(ledger, project) if kept.state == "running"]
        if any(kept.document["route"] == plan.route for kept in running):
            return Declined("conflict", f"An experiment runs on {plan.route} already.", "homeostat experiment ls")
        there = policies.get(ledger, project, plan.route)
        try:
            pieces = reshaped(there.policy.pieces if there else (), plan.shares)
        except ValueError as problem:
            return bad(str(problem))
        base = there.policy if there else Policy(plan.route, 0, ())
        wanted = replace(base, pieces=pieces, reason=f"experiment {plan.name}")
        done = steering.put(ledger, project, wanted, base.version, author, proof=proof or Proof())
        if isinstance(done, Declined):
            return done
        document = {
            "route": plan.route, "shares": dict(plan.shares), "control": next(iter(plan.shares)),
            "measure": plan.measure, "direction": plan.direction, "at_least": plan.at_least, "planned": plan.planned,
            "why": plan.why, "policy": done.version, "before": dict(base.shares) if there else {},
            "started_us": micros(author.at), "stopped_us": 0,
        }  # fmt: skip
        kept = Kept(plan.name, "running", document, author.at, author.actor)
        experiments.put(ledger, project, kept)
        author.wrote(ledger, project, "experiment.start", plan.name, after=document)
        return kept


def stop(ledger: Ledger, project: str, name: str, author: Author, *, to: str = "", why: str = "") -> Kept | Declined:
    """End it: all traffic to `to`, else to the control. A route that somebody has changed since stays as it is, and is
    `left` so."""
    with ledger.begin():
        kept = experiments.get(ledger, project, name)
        if kept is None:
            return missing(name)
        if kept.state != "running":
            return Declined("conflict", f"The experiment {name} has ended.")
        winner = to or str(kept.document["control"])
        if winner not in kept.document["shares"]:
            return bad(f"{winner[:100]} is no release of this experiment.")
        there = policies.get(ledger, project, str(kept.document["route"]))
        left: dict[str, float] = {}
        if there is not None and there.policy.version == kept.document["policy"]:
            wanted = replace(
                there.policy, pieces=reshaped(there.policy.pieces, {winner: 1.0}), reason=f"experiment {name} ended",
                pinned={user: release for user, release in there.policy.pinned.items() if release == winner},
            )  # fmt: skip
            done = steering.put(ledger, project, wanted, there.policy.version, author)
            if isinstance(done, Declined):
                return done
        elif there is not None and there.policy.shares != {winner: 1.0}:
            winner, left = "", {each: round(share, 6) for each, share in there.policy.shares.items()}
        told: dict[str, Any] = {"to": winner} | ({"left": left} if left else {})
        document = {**kept.document, "stopped_us": micros(author.at), **told, "stopped_why": why}
        after = replace(kept, state="stopped", document=document)
        experiments.put(ledger, project, after)
        author.wrote(ledger, project, "experiment.stop", name, after={**told, "why": why})
        return after


def missing(name: str) -> Declined:
    """There is none of that name."""
    return Declined("not_found", f"There is no experiment {name[:100]}.", "homeostat experiment ls")


@dataclass(frozen=True, slots=True)
class Arm:
    """One release beside the control."""

    release: str
    users: int
    mean: float | None
    outcome: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    claim: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)


def arms(kept: Kept, seen: Units) -> list[Arm]:
    """How every release does, each against the control, with intervals that hold whenever they are looked at.

    With several beside the control each gets its part of the 5 %.
    """
    told, control = kept.document, str(kept.document["control"])
    others = [name for name in told["shares"] if name != control]
    base = RatioMoments.of(*seen.of(control))
    found = [_arm(control, base)]
    expected = Expected(float(told["at_least"]), told["direction"] == "up", 0.05 / max(len(others), 1))
    for name in others:
        own = RatioMoments.of(*seen.of(name))
        said = holdback(own, base, expected, planned=float(told["planned"]))
        found.append(replace(
            _arm(name, own), outcome=said.outcome, estimate=_finite(said.estimate), low=_finite(said.low),
            high=_finite(said.high), claim=said.claim, notes=said.notes,
        ))  # fmt: skip
    return found


def winner(kept: Kept, found: list[Arm]) -> str:
    """The release that is known to do better than the control, of several the best; else the control."""
    way = 1 if kept.document["direction"] == "up" else -1
    better = [
        (way * arm.estimate, arm.release) for arm in found if arm.outcome == "worked" and arm.estimate is not None
    ]
    return max(better)[1] if better else str(kept.document["control"])


def as_json(kept: Kept, found: list[Arm] | None = None) -> dict[str, Any]:
    """The one shape of an experiment outside. Verdict words: `worked` is better than the control, `harmed` worse."""
    told = {"name": kept.name, "state": kept.state, **kept.document, "author": kept.author}
    told |= {"started": iso(int(kept.document["started_us"]))}
    if found is not None:
        told["arms"] = [
            {name: getattr(arm, name) for name in ("release", "users", "mean", "outcome", "estimate", "low", "high",
                                                   "claim")} | {"notes": list(arm.notes)}
            for arm in found
        ]  # fmt: skip
    return told


def _arm(release: str, moments: RatioMoments) -> Arm:
    return Arm(release, int(moments.n), _finite(float(moments.ratio)))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
