"""What people change by hand while an incident is open is an action too, and gets a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from homeostat.act import acting, answering, incidents
from homeostat.act.answering import Facts
from homeostat.loop.watching import evidence
from homeostat.loop.watching.context import Context
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.incident import Incident
from homeostat.records.instant import as_datetime, micros
from homeostat.records.policy import Policy
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, findings, policies, releases
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions.verdicts import an_hour

#: Result of an action that began as a change of a policy by somebody else.
ADOPTED: Final = "adopted"
#: Results of an action that name versions of a policy which it made.
_OF_OURS: Final = ("policy_version", "policy_begun", "policy_restored")


def adopt(context: Context, project: str, at: int) -> None:
    """A policy that somebody changed while an incident is open is an action too, and gets a verdict."""
    ledger = context.ledger
    known = {
        (action.result.get("route"), version)
        for action in actions.listed(ledger, project)
        for version in (*map(action.result.get, _OF_OURS), *action.result.get("versions", ()))
    }
    lately = policies.history(ledger, project, limit=20)
    for incident in kept_incidents.open(ledger, project):
        fresh = [each for each in lately if micros(each.at) > incident.begun]
        routes = _routes(context, incident) if fresh else set()
        for version in fresh:
            made = version.policy
            if made.route not in routes or (made.route, made.version) in known:
                continue
            if made.updated_by.startswith("rule:") or version.action == "label":
                continue
            known.add((made.route, made.version))
            _adopted(context, incident, version.policy, micros(version.at), at)


def _routes(context: Context, incident: Incident) -> set[str]:
    """The routes that it may be about: where the release that is blamed served, else those that it began with."""
    found = findings.get(context.ledger, incident.project, incident.findings)
    first = incident.candidates[0] if incident.candidates else None
    blamed = {each.release or each.segment.get("release", "") for each in found}
    blamed |= {first.subject} if first is not None and first.cause == "release" else set()
    history = policies.history(context.ledger, incident.project)
    own = {str(each.evidence["route"]) for each in found if each.evidence.get("route")}
    own |= {each.policy.route for each in history if blamed.intersection(each.policy.shares)}
    return own or {each.policy.route for each in history if micros(each.at) <= incident.begun}


def _adopted(context: Context, incident: Incident, policy: Policy, changed: int, at: int) -> None:
    before = next(
        (each.policy for each in policies.history(context.ledger, incident.project, policy.route)
         if each.policy.version < policy.version), None,
    )  # fmt: skip
    kind = _kind_of(context, incident.project, before, policy)
    found = findings.get(context.ledger, incident.project, incident.findings)
    if kind == "" or not found:
        return
    facts = Facts(at=changed, per_hour=an_hour(context.warehouse, incident.project, at))
    expects = answering.of_edit(incident, found, facts)
    author = Author(policy.updated_by or "unknown", as_datetime(at), datetime.now(UTC))
    action = Action(
        0, incident.project, "by-hand", kind,
        {"what": f"{policy.route}: {_shares(policy)}", "subject": policy.route},
        replace(expects, by=max(expects.by, at + 1)),
        "proposed", author.actor, policy.reason or "changed while the incident was open", incident.id, changed,
        result={ADOPTED: True, "route": policy.route, "policy_version": policy.version},
    )  # fmt: skip
    action = replace(action, expects=evidence.lasting(context, action, changed))
    with context.ledger.begin():
        made = acting.propose(context.ledger, action, author)
        if isinstance(made, Declined):
            return
        done = actions.move(context.ledger, made, state="done", started=changed, ended=changed) or made
    incidents.tell(context.ledger, incident, "action", words.action(done), at=at, by=author.actor)


def _kind_of(context: Context, project: str, before: Policy | None, after: Policy) -> str:
    """What a change of a policy amounts to; empty: nothing that matters."""
    if before is None or before.shares == after.shares:
        return ""
    old, new = next(iter(before.shares)), next(iter(after.shares))
    if old == new:
        return "rollback" if len(after.shares) < len(before.shares) else ""
    history = policies.history(context.ledger, project, after.route)
    if any(new in each.policy.shares for each in history if each.policy.version < before.version):
        return "rollback"
    told = releases.named(context.ledger, project, (old, new))
    if len(told) == 2 and told[old].release.model != told[new].release.model:
        return "fallback"
    return "update-prompt"


def _shares(policy: Policy) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in policy.shares.items())
