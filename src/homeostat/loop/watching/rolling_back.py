"""Automatic rollback: at once, in the name of the rule, on evidence of its own (`act.rules`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from homeostat.act import acting, answering, rules
from homeostat.act.answering import Facts
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.proposing import ANSWERING
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.comparison import as_json as comparison_json
from homeostat.records.incident import Incident
from homeostat.records.instant import as_datetime
from homeostat.records.policy import Policy
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, comparisons, findings, policies, verdicts
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions.verdicts import an_hour

log: Final = logging.getLogger("homeostat.acting")


def roll_back(context: Context, project: str, at: int) -> None:
    """Automatic rollback, by `act.rules`."""
    ledger = context.ledger
    found = comparisons.latest(ledger, project)
    if not found:
        return
    open_now = kept_incidents.open(ledger, project)
    for route in sorted({one.route for one in found}):
        kept = policies.get(ledger, project, route)
        if kept is None:
            continue
        since = _shared_since(context, project, kept.policy)
        ours = [one for one in found if one.route == route and one.policy >= since]
        past = _past(context, project, route, open_now, at)
        for told in rules.due(kept.policy, ours, past, at=at, alpha=context.settings.alpha_rollback):
            if not told.held:
                _rolled(context, project, told, open_now, at)


def _rolled(context: Context, project: str, told: rules.Verdict, open_now: Sequence[Incident], at: int) -> None:
    """Propose, approve, do: at once, in the name of the rule."""
    incident = _about(open_now, context, project, told.candidate)
    author = Author(rules.ACTOR, as_datetime(at), datetime.now(UTC))
    facts = Facts(at=at, per_hour=an_hour(context.warehouse, project, at))
    one = told.strongest
    why = (
        f"{told.candidate} does worse than {one.baseline}: {words.measure(one.measure)} "
        f"{words.interval(one.estimate, one.low, one.high, one.measure)}"
    )
    wanted = Action(
        0, project, "rollback", "rollback",
        {"route": told.route, "to": told.to, "leaving": told.candidate, "holdback": 0.0},
        answering.of_comparison(one, facts), "proposed", rules.ACTOR, why, incident, at,
        result={"comparison": comparison_json(one), "evidence": told.evidence,
                "measures": {each.measure: each.harm for each in told.comparisons}},
    )  # fmt: skip
    made = acting.propose(context.ledger, wanted, author)
    if isinstance(made, Declined):
        log.error("no rollback of %s: %s", told.route, made.message)
        return
    for other in actions.listed(context.ledger, project, incident=incident, states=("proposed",)) if incident else ():
        if other.id != made.id and other.by == ANSWERING and other.remedy != "block":
            acting.decline(context.ledger, project, other.id, author, why=f"action {made.id} answers it, by rule")
    acting.approve(context.ledger, project, made.id, author, why="automatic rollback")


def waits_for_verdict(context: Context, action: Action) -> bool:
    """Some users stay on the old release until it is known whether the new one helps."""
    if action.state != "done" or not action.parameters.get("holdback") or action.result.get("holdback_ended"):
        return False
    said = verdicts.latest(context.ledger, action.project, action.id)
    return said is None or not said.final


def _shared_since(context: Context, project: str, policy: Policy) -> int:
    """The version since which the releases share the route as they do now: older evidence was acted on already."""
    version = policy.version
    for each in policies.history(context.ledger, project, policy.route, limit=50):
        if each.policy.pieces != policy.pieces:
            break
        version = each.policy.version
    return version


def _about(open_now: Sequence[Incident], context: Context, project: str, candidate: str) -> int:
    """The incident that is about this release: by the diagnosis, else by what was found."""
    blamed = kept_incidents.open_on_release(context.ledger, project, candidate)
    if blamed:
        return int(blamed[0])
    for one in open_now:
        if any(each.release == candidate for each in findings.get(context.ledger, project, one.findings)):
            return one.id
    return next((one.id for one in open_now if one.cause == "release"), 0)


def _past(context: Context, project: str, route: str, open_now: Sequence[Incident], at: int) -> rules.Past:
    done = actions.listed(context.ledger, project, states=("approved", "doing", "done", "undone"), limit=100)
    here = [action for action in done if action.parameters.get("route") == route]
    judged = any(waits_for_verdict(context, action) for action in here)
    suspects = {one.candidates[0].subject for one in open_now if one.candidates and one.cause == "release"}
    moments = [action.started for action in here if action.by == rules.ACTOR and action.started]
    return rules.Past(moments, suspects, judged)
