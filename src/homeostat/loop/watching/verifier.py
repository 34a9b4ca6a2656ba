"""The verifier: looks at what came of every action that was done, and says so. What worked closes its incident."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.act import acting, incidents
from homeostat.act.remedies import routes
from homeostat.loop.watching import evidence
from homeostat.loop.watching.carrying_out import effects, steered
from homeostat.loop.watching.context import Context
from homeostat.records import policy as policies_of
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.instant import as_datetime
from homeostat.records.verdict import Verdict
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, policies, verdicts
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.verdicts import About
from homeostat.verify.judging import judged

log: Final = logging.getLogger("homeostat.verifying")
ACTOR: Final = "rule:verdict"
_MINUTE: Final = 60_000_000
#: Evidence that may be looked at any time is looked at so often.
_EVERY: Final = 5
#: The last answers of a last turn are scored by then.
_SETTLED: Final = 5 * _MINUTE
#: What could not be asked so long after the deadline gets the verdict that nobody knows.
_UNASKED: Final = 24 * 60 * _MINUTE


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
            except Exception as trouble:  # one sick question must not hold up the other verdicts; it is asked again
                log.exception("action %s of %s cannot be judged", action.id, project)
                given_up = at >= action.expects.by + _UNASKED
                said = _unmeasurable(action, f"an error ({type(trouble).__name__})", at) if given_up else None
            if said is not None:
                conclude(context, action, said, at)


def look(context: Context, action: Action, at: int) -> Verdict | None:
    """The verdict as of now; None: too early."""
    if action.remedy == "switchback":
        if at < action.ended + _SETTLED:
            return None
    elif at < action.expects.by and at // _MINUTE % _EVERY:
        return None
    route = evidence.route_of(context, action, at)
    said = _seen(context, action, at, route)
    return said if said is None or not route else replace(said, evidence={**said.evidence, "route": route})


def _seen(context: Context, action: Action, at: int, route: str) -> Verdict | None:
    expects, due = action.expects, at >= action.expects.by
    control = expects.control
    filters = evidence.chosen(expects.measure, expects.where)
    about = About(action.project, expects.measure, action.ended, at, as_datetime(at), filters, route)
    if action.remedy == "switchback":
        return judged(action, evidence.of_turns(context, action, about), at=at)
    if control == "canary" and action.result.get("comparison"):
        return judged(action, evidence.of_canary(context, action, about, due), at=at)
    if control == "holdback" and not due:
        return judged(action, evidence.of_holdback(context, action, about), at=at)
    seen = evidence.of_blocks(context, action, about, due)
    if control == "holdback":
        seen = replace(seen, arms=evidence.of_holdback(context, action, about).arms)
    return judged(action, seen, at=at)


def conclude(context: Context, action: Action, said: Verdict, at: int) -> None:
    """Keep the verdict, tell it, and do what follows: close, end the hold-back, undo, or ask a person."""
    author = Author(ACTOR, as_datetime(at), datetime.now(UTC))
    with context.ledger.begin():
        verdicts.add(context.ledger, said)
        author.wrote(
            context.ledger, action.project, "action.verdict", str(action.id),
            after={"outcome": said.outcome, "rung": said.rung, "claim": said.claim, "estimate": said.estimate},
        )  # fmt: skip
        incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
        if incident is not None:
            incidents.tell(context.ledger, incident, "verdict", words.verdict(said), at=at, by=ACTOR)
            over = said.outcome == "worked" and not _too_little(said) and not _serves_on(context, action, said)
            # What was done before it came back did not prevent that.
            if said.final and over and action.ended >= incident.begun:
                incidents.close(
                    context.ledger, action.project, incident.id, by=f"verdict:{action.id}", at=at,
                    why=words.verdict(said),
                )  # fmt: skip
    if said.final:
        _follow(context, action, said, at)


def _follow(context: Context, action: Action, said: Verdict, at: int) -> None:
    """HARMED is undone where it can be; else the users who were held back are let go."""
    told = effects(context, action.project, ACTOR, as_datetime(at))
    if action.remedy == "switchback":
        _after_turns(context, action, said, told, at)
        return
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
    elif _too_little(said):
        _note(context, action, "worked, but surely less than was expected: what is left waits for a person", at)
    elif still := _serves_on(context, action, said):
        _note(context, action, f"worked, and {still} still: a person must look at it", at)


def _serves_on(context: Context, action: Action, said: Verdict) -> str:
    """What was left on one route and serves another still: the verdict, which is of that one, does not speak of it."""
    if not said.evidence.get("route"):
        return ""
    leaving = {str(action.parameters.get("leaving") or "")}
    if "policy" in action.before:
        leaving |= set(policies_of.from_json(action.before["policy"]).shares) - set(action.result.get("shares", ()))
    for _, kept in policies.listed(context.ledger, action.project):
        there = leaving.intersection(kept.policy.shares)
        if kept.policy.route != said.evidence["route"] and there:
            return f"{min(there)} serves {kept.policy.route}"
    return ""


def _too_little(said: Verdict) -> bool:
    """It helped, and what it answered is not over."""
    return "less-than-expected" in said.evidence.get("notes", ())


def _after_turns(context: Context, action: Action, said: Verdict, told: Any, at: int) -> None:
    """After its turns the route is as it was; the new release gets it if it was better."""
    if said.outcome == "worked" and steered(context, lambda: _won(context, action, told)):
        _note(context, action, f"worked: {action.parameters['to']} serves now", at)
    else:
        _note(context, action, f"{said.outcome}: the route stays as it was before the turns", at)


def _won(context: Context, action: Action, told: Any) -> bool:
    """All of the route to the new release, if nobody changed it after the last turn. Can be undone as the action."""
    with context.ledger.begin():
        now = routes.current(told, action.project, str(action.parameters.get("route", "default")))
        if isinstance(now, Declined) or now.version != action.result.get("policy_restored"):
            return False
        shares = {str(action.parameters["to"]): 1.0}
        put = routes.put(told, replace(action, why=f"action {action.id} worked"), now.route, shares)
        if isinstance(put, Declined):
            return False
        kept = {name: value for name, value in action.result.items() if name != "policy_restored"}
        result = {**kept, "policy_begun": now.version, "policy_version": put.result["policy_version"]}
        actions.move(context.ledger, action, result=result)
    context.publish()
    return True


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


def _unmeasurable(action: Action, why: str, at: int) -> Verdict:
    return Verdict(
        action.id, action.project, at, "not-enough-data", "none", action.expects.measure, None, None, None, 0,
        "nothing", evidence={"why": why},
    )  # fmt: skip
