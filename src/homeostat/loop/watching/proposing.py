"""What would answer an incident, as it is seen now: proposals come, change and go with the diagnosis."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.act import acting, answering, incidents
from homeostat.act.answering import Facts
from homeostat.act.drafting import Draft, draft, prepared
from homeostat.loop.watching import evidence
from homeostat.loop.watching.adopting import ADOPTED
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.outside import writer
from homeostat.records import policy as policies_of
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.incident import Incident
from homeostat.records.instant import as_datetime, micros
from homeostat.records.policy import Policy
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, comparisons, findings, policies, releases
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions import curate
from homeostat.store.warehouse.questions.verdicts import an_hour

log: Final = logging.getLogger("homeostat.acting")
#: In whose name proposals are made.
ANSWERING: Final = "rule:answers"
#: Result of a proposal whose draft a model may still write (`trying.py`); nothing waits for that here.
UNASKED: Final = "unasked"
#: Below that the diagnosis leans, and may lean elsewhere in an hour: what people have on their table stays there.
_SURE: Final = 0.5
#: Shares that differ by no more are the same.
_ALIKE: Final = 1e-4


def answer(context: Context, project: str, at: int) -> None:
    """Propose what answers each open incident; a proposal that a later diagnosis overtook is declined."""
    ledger = context.ledger
    for incident in kept_incidents.open(ledger, project):
        if not any(entry.kind == "diagnosis" for entry in incident.timeline):
            continue
        own = _withdrawn(context, incident, _lately(ledger, incident), at)
        current = {kept.policy.route: kept.policy for _, kept in policies.listed(ledger, project)}
        if any(_in_hand(action, current) for action in own):
            continue
        found = findings.get(ledger, project, incident.findings)
        wanted = answering.proposals(incident, found, _facts(context, incident, at))
        _keep_up(context, incident, own, wanted, at)


def _lately(ledger: Ledger, incident: Incident) -> list[Action]:
    """What is in hand, and what was done or declined since it began, or came back."""
    own = actions.listed(ledger, incident.project, incident=incident.id)
    return [action for action in own if not action.ended or action.ended >= incident.begun]


def _in_hand(action: Action, current: Mapping[str, Policy]) -> bool:
    """Somebody answers it so: no other answer is proposed. No longer where the release that was left serves again."""
    if action.state in ("proposed", "declined") or action.result.get(ADOPTED):
        return False
    now, given = current.get(str(action.result.get("route") or "")), action.result.get("shares", {})
    if action.state != "done" or now is None or "policy" not in action.before:
        return True
    before = policies_of.from_json(action.before["policy"]).shares
    left = {name: given.get(name, 0.0) for name, had in before.items() if had > given.get(name, 0.0) + _ALIKE}
    return not any(now.shares.get(name, 0.0) > share + _ALIKE for name, share in left.items())


def _withdrawn(context: Context, incident: Incident, own: Sequence[Action], at: int) -> list[Action]:
    """Without the proposals that a person has carried out by hand meanwhile: nobody is asked for them any more."""
    author, kept = Author(ANSWERING, as_datetime(at), datetime.now(UTC)), list[Action]()
    for action in own:
        done = acting.needless(context.ledger, action) if action.state == "proposed" else None
        if done is not None and action.by == ANSWERING:
            acting.decline(context.ledger, incident.project, action.id, author, why=done.message)
        else:
            kept.append(action)
    return kept


def _keep_up(context: Context, incident: Incident, own: Sequence[Action], wanted: Sequence[Action], at: int) -> None:
    """What is proposed is what answers the incident as it is seen now."""
    author = Author(ANSWERING, as_datetime(at), datetime.now(UTC))
    pending = [action for action in own if action.state == "proposed" and action.by == ANSWERING]
    if pending and (not incident.candidates or incident.candidates[0].weight < _SURE):
        return
    said_no = {action.answer for action in own if action.state == "declined" and action.ended and not _by_us(action)}
    for action in pending:
        if action.answer not in {each.answer for each in wanted} and (wanted or not _still_blamed(incident, action)):
            acting.decline(context.ledger, incident.project, action.id, author, why="the diagnosis is another one now")
    there = {action.answer: action for action in pending}
    for each in wanted:
        if each.answer in there:
            _restate(context, incident, there[each.answer], each, author)
        if each.answer in there or each.answer in said_no:
            continue
        wished = replace(each, expects=evidence.lasting(context, each, at))
        made = acting.propose(context.ledger, _filled(context, incident, wished, at), author)
        if isinstance(made, Declined):
            log.warning("no %s for incident %s: %s", each.answer, incident.id, made.message)
            continue
        incidents.tell(context.ledger, incident, "action", words.action(made), at=at, by=ANSWERING)


def _still_blamed(incident: Incident, waiting: Action) -> bool:
    """The cause is what it was proposed for; only less is seen to have moved, looked at again."""
    return bool(incident.candidates) and waiting.why.startswith(words.cause(incident.candidates[0]))


def _restate(context: Context, incident: Incident, waiting: Action, now: Action, author: Author) -> None:
    """A proposal that waits says what it would be judged by if it were done now: better evidence may have come."""
    was, is_ = waiting.expects, now.expects
    same = (was.measure, was.control, was.direction) == (is_.measure, is_.control, is_.direction)
    if same or waiting.remedy != now.remedy:
        return
    kept = {name: value for name, value in waiting.parameters.items() if name not in now.parameters}
    # The time for the verdict was given with the proposal, and moves on when somebody says yes.
    expects = replace(is_, by=was.by)
    after = acting.restate(
        context.ledger, replace(waiting, parameters={**kept, **now.parameters}, expects=expects), author
    )
    if after is not None:
        told = f"action {after.id} would be judged by {words.measure(is_.measure)} now"
        incidents.tell(context.ledger, incident, "action", told, at=micros(author.at), by=ANSWERING)


def _by_us(action: Action) -> bool:
    return action.result.get("declined_by") == ANSWERING


def _filled(context: Context, incident: Incident, wanted: Action, at: int) -> Action:
    """Whom a block concerns is looked up, where visitors are the trouble; a prompt comes with a draft."""
    if wanted.remedy == "prompt":
        return _drafted(context, incident, wanted, at)
    if wanted.remedy != "block" or wanted.parameters.get("detector"):
        return wanted
    users = curate.busiest(
        context.warehouse, incident.project, as_datetime(at), incident.onset, at, least=_unusual(incident, at)
    ) if incident.cause == "data" else []  # fmt: skip
    if users:
        return replace(wanted, parameters={**wanted.parameters, "where": "question", "users": users[:200]})
    return replace(
        wanted, remedy="by-hand", parameters={"what": "Say what shall be stopped: words, a pattern, or users."}
    )


def _drafted(context: Context, incident: Incident, wanted: Action, at: int) -> Action:
    made = drafted(context, incident, wanted, at, asking=False)
    if made is None:
        return wanted
    result = {**wanted.result, UNASKED: True} if writer(context.settings) else wanted.result
    return replace(wanted, parameters={**wanted.parameters, **as_parameters(made)}, result=result)


def drafted(context: Context, incident: Incident, wanted: Action, at: int, *, asking: bool) -> Draft | None:
    """From exchanges since the onset: those that the measure calls failing, and those that it calls good. `asking`: the
    model that writes drafts. None: nobody knows the release."""
    kept = releases.get(context.ledger, incident.project, str(wanted.parameters.get("leaving")))
    if kept is None:
        return None
    failing, good = (
        questions(context, wanted, side, as_datetime(at), incident.onset, 8) for side in ("failing", "good")
    )
    there = writer(context.settings)
    if there is not None and not asking:
        return prepared(kept.release.system, wanted.why, failing, good)
    return draft(kept.release.system, wanted.why, failing, good, there, context.settings.judge_model)


def as_parameters(made: Draft) -> dict[str, Any]:
    """A draft in a proposal."""
    return {"template": made.template, "examples": [dict(each) for each in made.examples], "draft": made.how}


def questions(context: Any, action: Action, side: str, at: datetime, since: int, limit: int) -> list[dict[str, Any]]:
    """Exchanges since then that the action's measure calls failing, or good; without a score any."""
    expects = action.expects
    name = expects.measure.partition("score.")[2].partition(")")[0]
    edge = expects.low if expects.direction == "up" else expects.high
    op = "lt" if side == "failing" else "gte"
    filters = {f"score.{name}.{op}": edge} if name and edge is not None else {}
    return curate.items(context.warehouse, action.project, at, filters, since=as_datetime(since), limit=limit)


def _unusual(incident: Incident, at: int) -> int:
    """More than this many questions since the onset nobody asks by hand."""
    hours = max((at - incident.onset) / 3_600_000_000, 0.25)
    return max(10, int(12 * hours))


def _facts(context: Context, incident: Incident, at: int) -> Facts:
    ledger, project = context.ledger, incident.project
    current = {kept.policy.route: kept.policy for _, kept in policies.listed(ledger, project)}
    names = {name for policy in current.values() for name in (*policy.shares, policy.previous_good) if name}
    made = {kept.release.name: kept.release for kept in releases.listed(ledger, project, implicit=False, limit=50)}
    made |= {name: kept.release for name, kept in releases.named(ledger, project, names).items()}
    served = frozenset(name for each in policies.history(ledger, project) for name in each.policy.shares)
    return Facts(
        at, current, made, comparisons.latest(ledger, project), an_hour(context.warehouse, project, at),
        {route: _served_before(context, project, policy) for route, policy in current.items()},
        served - {name for policy in current.values() for name in (*policy.shares, *policy.pinned.values())},
    )  # fmt: skip


def _served_before(context: Context, project: str, policy: Policy) -> str:
    """The release with the most traffic under the policy before this one."""
    for version in policies.history(context.ledger, project, policy.route, limit=50):
        first = next(iter(version.policy.shares))
        if version.policy.version < policy.version and first != next(iter(policy.shares)):
            return first
    return ""
