"""The verifier: looks at what came of every action that was done, and says so. What worked closes its incident."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.act import acting, incidents
from homeostat.act.remedies import routes
from homeostat.analyze.inference.confidence import RatioMoments
from homeostat.loop.watching.actor import effects, steered
from homeostat.loop.watching.context import Context
from homeostat.records import policy as policies_of
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.comparison import Comparison
from homeostat.records.instant import EPOCH
from homeostat.records.policy import assign
from homeostat.records.verdict import Verdict
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, verdicts
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions import curate
from homeostat.store.warehouse.questions import verdicts as asked
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.verdicts import About
from homeostat.verify.judging import Evidence, judged

log: Final = logging.getLogger("homeostat.verifying")
ACTOR: Final = "rule:verdict"
_MINUTE: Final = 60_000_000
_HOUR: Final = 3_600_000_000
#: A user counts with what came in so long after their first question, when that time is over.
_ENTERS: Final = 10 * _MINUTE
_BLOCKS: Final = 24
_FEWEST: Final = 12
#: Evidence that may be looked at any time is looked at so often.
_EVERY: Final = 5


def run(context: Context, at: int) -> None:
    """One round for every project. `at`: event clock, µs."""
    for project in context.projects():
        for action in actions.unjudged(context.ledger, project):
            if at <= action.ended:
                continue
            try:
                said = look(context, action, at)
            except Refused as refused:  # the measure is none that can be judged: said once, at the deadline
                said = _unmeasurable(action, refused.message, at) if at >= action.expects.by else None
            except Exception:  # one sick question must not hold up the other verdicts; it is asked again
                log.exception("action %s of %s cannot be judged", action.id, project)
                continue
            if said is not None:
                conclude(context, action, said, at)


def look(context: Context, action: Action, at: int) -> Verdict | None:
    """The verdict as of now; None: too early."""
    expects, due = action.expects, at >= action.expects.by
    control = expects.control
    about = About(action.project, expects.measure, action.ended, at, _moment(at), curate.chosen(expects.where))
    if not due and (control not in ("canary", "holdback") or at // _MINUTE % _EVERY):
        return None
    if control == "canary" and action.result.get("comparison"):
        return judged(action, _of_canary(context, action, about, due), at=at)
    if control == "holdback" and not due:
        return judged(action, _of_holdback(context, action, about), at=at)
    seen = _of_blocks(context, action, about, at)
    if control == "holdback":
        seen = replace(seen, arms=_of_holdback(context, action, about).arms)
    return judged(action, seen, at=at)


def conclude(context: Context, action: Action, said: Verdict, at: int) -> None:
    """Keep the verdict, tell it, and do what follows: close, end the hold-back, undo, or ask a person."""
    author = Author(ACTOR, _moment(at), datetime.now(UTC))
    with context.ledger.begin():
        verdicts.add(context.ledger, said)
        author.wrote(
            context.ledger, action.project, "action.verdict", str(action.id),
            after={"outcome": said.outcome, "rung": said.rung, "claim": said.claim, "estimate": said.estimate},
        )  # fmt: skip
        incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
        if incident is not None:
            incidents.tell(context.ledger, incident, "verdict", words.verdict(said), at=at, by=ACTOR)
            if said.final and said.outcome == "worked":
                incidents.close(
                    context.ledger, action.project, incident.id, by=f"verdict:{action.id}", at=at,
                    why=words.verdict(said),
                )  # fmt: skip
    if said.final:
        _follow(context, action, said, at)


def _follow(context: Context, action: Action, said: Verdict, at: int) -> None:
    """HARMED is undone where it can be; else the users who were held back are let go."""
    told = effects(context, action.project, ACTOR, _moment(at))
    if said.outcome == "harmed" and action.result.get("policy_version"):
        undone = steered(
            context, lambda: acting.undo(told, action.project, action.id, why="the verdict says that it harmed")
        )
        _note(context, action, "taken back" if _undone(undone) else "could not be taken back: look at it", at)
        return
    if action.parameters.get("holdback"):
        steered(context, lambda: _release_holdback(context, action, told))
    if said.outcome != "worked":
        _note(context, action, f"{said.outcome}: a person must look at it", at)


def _undone(told: Action | Declined) -> bool:
    return not isinstance(told, Declined) and told.state == "undone"


def _release_holdback(context: Context, action: Action, told: Any) -> None:
    """Everybody gets what the others have, if the policy is still the one that the action made."""
    route, leaving = str(action.parameters.get("route")), str(action.parameters.get("leaving"))
    with context.ledger.begin():
        now = routes.current(told, action.project, route)
        if isinstance(now, Declined) or now.version != action.result.get("policy_version"):
            return
        shares = {name: share for name, share in now.shares.items() if name != leaving}
        ended = routes.put(told, replace(action, why=f"the hold-back of action {action.id} ended"), route, shares)
        if isinstance(ended, Declined):
            return
        result = {
            **action.result, "holdback_ended": True, "policy_begun": action.result["policy_version"],
            "policy_version": ended.result["policy_version"],
        }  # fmt: skip
        actions.move(context.ledger, action, result=result)
    context.publish()


def _note(context: Context, action: Action, text: str, at: int) -> None:
    incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
    if incident is not None:
        said = f"Action {action.id} ({action.remedy}) {text}."
        incidents.tell(context.ledger, incident, "verdict", said, at=at, by=ACTOR)


def _of_canary(context: Context, action: Action, about: About, due: bool) -> Evidence:
    """Its comparison as it stood, and since then those who would still be on it."""
    told = dict(action.result["comparison"])
    told |= {name: tuple(told[name]) for name in ("users", "means")}
    canary = Comparison(**told)
    earlier = replace(about, start=min(canary.since, action.ended - _MINUTE), end=action.ended)
    since = asked.units(context.warehouse, about, window=_ENTERS)
    before = policies_of.from_json(action.before["policy"])
    moved = {unit for unit in since.unit if assign(before, user=unit).release == canary.candidate}
    values = per_user(since, moved) if moved else None
    both = None
    if canary.low is None:
        found = asked.units(context.warehouse, earlier, window=_ENTERS)
        both = (RatioMoments.of(*found.of(canary.baseline)), RatioMoments.of(*found.of(canary.candidate)))
    return Evidence(due, canary=canary, moved=values, both=both, spread=_spread(context, earlier))


def _spread(context: Context, earlier: About) -> float | None:
    """How far users differ from each other, before the action."""
    values = per_user(asked.units(context.warehouse, earlier, window=_ENTERS))
    return float(values.var()) if len(values) >= 20 else None


def per_user(units: asked.Units, among: Collection[str] | None = None) -> NDArray[np.float64]:
    """One value for each user: the mean of theirs, over all releases."""
    sums: dict[str, list[float]] = {}
    for unit, n, total in zip(units.unit, units.n, units.total, strict=True):
        if among is not None and unit not in among:
            continue
        kept = sums.setdefault(unit, [0.0, 0.0])
        kept[0] += float(n)
        kept[1] += float(total)
    return np.asarray([total / n for n, total in sums.values()])


def _of_holdback(context: Context, action: Action, about: About) -> Evidence:
    """Users on either release since."""
    found = asked.units(context.warehouse, about)
    leaving, now = str(action.parameters.get("leaving")), str(action.result.get("release") or "")
    to = now or next((name for name in action.result.get("shares", {}) if name != leaving), "")
    arms = [RatioMoments.of(*found.of(name)) for name in (to, leaving)]
    hours = max((action.expects.by - action.ended) / _HOUR, 0.5)
    return Evidence(False, arms=(arms[0], arms[1]), planned=max(200.0, 100 * hours))


def _of_blocks(context: Context, action: Action, about: About, at: int) -> Evidence:
    """Blocks of equal length between the alert and the action, and since the action."""
    incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
    alert = incident.opened if incident is not None and incident.opened < action.ended else action.proposed
    fresh = asked.blocks(context.warehouse, replace(about, start=alert, end=action.ended), _MINUTE)
    after = asked.blocks(context.warehouse, about, _MINUTE)
    every = _block(fresh, after)
    fresh, after = _longer(fresh, every), _longer(after, every)
    told = {"block_minutes": every, "blocks": [len(fresh.n), len(after.n)]}
    if action.expects.at_least <= 1e-6 and action.expects.low is None and action.expects.high is None:
        present = (int((fresh.n > 0).sum()), len(fresh.n), int((after.n > 0).sum()), len(after.n))
        return Evidence(True, present=present, about=told)
    if about.measure == "count":
        means = fresh.n.astype(float), after.n.astype(float)
    else:
        means = _means(fresh), _means(after)
    earlier = replace(about, start=alert, end=action.ended)
    users, before = (asked.units(context.warehouse, each, window=_ENTERS) for each in (about, earlier))
    return Evidence(
        True, fresh=means[0], after=means[1], users=per_user(users) if len(users.n) else None,
        fresh_users=per_user(before) if len(before.n) else None, about=told, spread=_spread(context, earlier),
    )  # fmt: skip


def _block(fresh: asked.Blocks, after: asked.Blocks) -> int:
    """So many minutes that there are enough blocks on either side; time after the last answer is no time."""
    shorter = min(_lasted(fresh), _lasted(after))
    blocks = _BLOCKS if shorter >= _BLOCKS * 20 else _FEWEST
    return max(shorter // blocks, 1)


def _lasted(minutes: asked.Blocks) -> int:
    there = np.flatnonzero(minutes.n)
    return int(there[-1]) + 1 if len(there) else len(minutes.n)


def _longer(minutes: asked.Blocks, every: int) -> asked.Blocks:
    """Whole blocks of so many minutes each."""
    count = len(minutes.n) // every
    n, total = (each[: count * every].reshape(count, every).sum(axis=1) for each in (minutes.n, minutes.total))
    return asked.Blocks(n, total)


def _means(blocks: asked.Blocks) -> NDArray[np.float64]:
    there = blocks.n > 0
    return np.asarray(blocks.total[there] / blocks.n[there])


def _unmeasurable(action: Action, why: str, at: int) -> Verdict:
    return Verdict(
        action.id, action.project, at, "not-enough-data", "none", action.expects.measure, None, None, None, 0,
        "nothing", evidence={"why": why},
    )  # fmt: skip


def _moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)
