"""The actor: finishes what was begun, rolls back on evidence, proposes answers, does what somebody approved."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeostat.act import acting, answering, incidents, rules
from homeostat.act.answering import Facts
from homeostat.act.drafting import draft
from homeostat.act.remedies import REMEDIES, Effects
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.outside import hooks, tuning, writer
from homeostat.records import words
from homeostat.records.action import ENDED, Action
from homeostat.records.comparison import as_json as comparison_json
from homeostat.records.incident import Incident
from homeostat.records.instant import EPOCH, micros
from homeostat.records.policy import Policy
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store import overrides
from homeostat.store.ledger import actions, comparisons, findings, policies, releases, verdicts
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.questions import curate
from homeostat.store.warehouse.questions.verdicts import answers

log: Final = logging.getLogger("homeostat.acting")
_ANSWERING: Final = "rule:answers"
_ADOPTED: Final = "adopted"
#: Below that the diagnosis leans, and may lean elsewhere in an hour: what people have on their table stays there.
_SURE: Final = 0.5


def run(context: Context, at: int) -> None:
    """One round for every project. `at`: event clock, µs."""
    for project in context.projects():
        resume(context, project, at)
        roll_back(context, project, at)
        adopt(context, project, at)
        answer(context, project, at)
        resume(context, project, at)


def effects(context: Any, project: str, actor: str, at: datetime) -> Effects:
    """What remedies may touch, for one actor. `context`: stores, clock, settings and `publish` of a core."""
    return Effects(
        context.ledger, Author(actor, at, datetime.now(UTC)), context.publish, reading=Warehoused(context, at),
        writer=writer(context.settings), tuning=tuning(context.settings), webhooks=hooks(context.settings),
    )  # fmt: skip


class Warehoused:
    """Exchanges for remedies, from the warehouse."""

    def __init__(self, context: Any, at: datetime) -> None:
        self._context, self._at = context, at

    def found(self, project: str, chosen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """As `curate` finds them."""
        limit = int(chosen.get("limit", 2_000))
        times = {name: datetime.fromisoformat(str(chosen[name])) for name in ("since", "until") if chosen.get(name)}
        return [*curate.items(self._context.warehouse, project, self._at, chosen, limit=limit, **times)]


def steered(context: Any, change: Callable[[], Any]) -> Any:
    """Change what routes obey. Rollbacks that were made past us count first: edges obey them already."""
    folder = context.folder.control
    with overrides.locked(folder):
        if steering.take_over(context.ledger, folder):
            context.publish()
        return change()


def carried_out(context: Any, told: Effects, action: Action) -> Action:
    """Take the steps that are left. What calls somebody outside must not keep others from steering meanwhile."""
    plugin = REMEDIES.get(action.remedy)
    if plugin is not None and plugin.inside.issuperset(plugin.steps):
        done: Action = steered(context, lambda: acting.carry_out(told, action))
        return done
    return acting.carry_out(told, action)


def resume(context: Context, project: str, at: int) -> None:
    """Everything that is approved or in hand goes on."""
    for action in reversed(actions.listed(context.ledger, project, states=("approved", "doing", "undoing"))):
        actor = str(action.result.get("approved_by") or action.by)
        told = effects(context, project, actor, _moment(at))
        try:
            done = carried_out(context, told, action)
        except Exception:  # one sick action must not hold up the others; it is in hand again at the next tick
            log.exception("action %s of %s cannot be carried out", action.id, project)
            continue
        if done.state in ENDED and done.state != action.state:
            _tell(context, done, at)


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


def adopt(context: Context, project: str, at: int) -> None:
    """A policy that somebody changed while an incident is open is an action too, and gets a verdict."""
    ledger = context.ledger
    known = {
        (action.result.get("route"), action.result.get(name))
        for action in actions.listed(ledger, project)
        for name in ("policy_version", "policy_begun", "policy_restored")
    }
    for incident in kept_incidents.open(ledger, project):
        for version in policies.history(ledger, project, limit=20):
            made = version.policy
            if micros(version.at) <= incident.opened or (made.route, made.version) in known:
                continue
            if made.updated_by.startswith("rule:") or version.action == "label":
                continue
            known.add((made.route, made.version))
            _adopted(context, incident, version.policy, micros(version.at), at)


def answer(context: Context, project: str, at: int) -> None:
    """Propose what answers each open incident; a proposal that a later diagnosis overtook is declined."""
    ledger = context.ledger
    for incident in kept_incidents.open(ledger, project):
        if not any(entry.kind == "diagnosis" for entry in incident.timeline):
            continue
        own = actions.listed(ledger, project, incident=incident.id)
        if any(action.state not in ("proposed", "declined") and not action.result.get(_ADOPTED) for action in own):
            continue
        found = findings.get(ledger, project, incident.findings)
        wanted = answering.proposals(incident, found, _facts(context, incident, at))
        _keep_up(context, incident, own, wanted, at)


def _keep_up(context: Context, incident: Incident, own: Sequence[Action], wanted: Sequence[Action], at: int) -> None:
    """What is proposed is what answers the incident as it is seen now."""
    author = Author(_ANSWERING, _moment(at), datetime.now(UTC))
    pending = [action for action in own if action.state == "proposed" and action.by == _ANSWERING]
    if pending and (not incident.candidates or incident.candidates[0].weight < _SURE):
        return
    said_no = {action.answer for action in own if action.state == "declined" and action.ended and not _by_us(action)}
    for action in pending:
        if action.answer not in {each.answer for each in wanted}:
            acting.decline(context.ledger, incident.project, action.id, author, why="the diagnosis is another one now")
    there = {action.answer: action for action in pending}
    for each in wanted:
        if each.answer in there:
            _restate(context, incident, there[each.answer], each, author)
        if each.answer in there or each.answer in said_no:
            continue
        made = acting.propose(context.ledger, _filled(context, incident, each, at), author)
        if isinstance(made, Declined):
            log.warning("no %s for incident %s: %s", each.answer, incident.id, made.message)
            continue
        incidents.tell(context.ledger, incident, "action", words.action(made), at=at, by=_ANSWERING)


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
        incidents.tell(context.ledger, incident, "action", told, at=micros(author.at), by=_ANSWERING)


def _by_us(action: Action) -> bool:
    return action.result.get("declined_by") == _ANSWERING


def _filled(context: Context, incident: Incident, wanted: Action, at: int) -> Action:
    """Whom a block concerns is looked up, where visitors are the trouble; a prompt comes with a draft."""
    if wanted.remedy == "prompt":
        return _drafted(context, incident, wanted, at)
    if wanted.remedy != "block" or wanted.parameters.get("detector"):
        return wanted
    users = curate.busiest(
        context.warehouse, incident.project, _moment(at), incident.onset, at, least=_unusual(incident, at)
    ) if incident.cause == "data" else []  # fmt: skip
    if users:
        return replace(wanted, parameters={**wanted.parameters, "where": "question", "users": users[:200]})
    return replace(
        wanted, remedy="by-hand", parameters={"what": "Say what shall be stopped: words, a pattern, or users."}
    )


def _drafted(context: Context, incident: Incident, wanted: Action, at: int) -> Action:
    """From exchanges since the onset: those that the measure calls failing, and those that it calls good."""
    kept = releases.get(context.ledger, incident.project, str(wanted.parameters.get("leaving")))
    if kept is None:
        return wanted
    found = {side: questions(context, wanted, side, _moment(at), incident.onset, 8) for side in ("failing", "good")}
    made = draft(
        kept.release.system, wanted.why, found["failing"], found["good"], writer(context.settings),
        context.settings.judge_model,
    )  # fmt: skip
    told = {"template": made.template, "examples": [dict(each) for each in made.examples], "draft": made.how}
    return replace(wanted, parameters={**wanted.parameters, **told})


def questions(context: Any, action: Action, side: str, at: datetime, since: int, limit: int) -> list[dict[str, Any]]:
    """Exchanges since then that the action's measure calls failing, or good; without a score any."""
    expects = action.expects
    name = expects.measure.partition("score.")[2].partition(")")[0]
    edge = expects.low if expects.direction == "up" else expects.high
    op = "lt" if side == "failing" else "gte"
    filters = {f"score.{name}.{op}": edge} if name and edge is not None else {}
    return curate.items(context.warehouse, action.project, at, filters, since=_moment(since), limit=limit)


def _unusual(incident: Incident, at: int) -> int:
    """More than this many questions since the onset nobody asks by hand."""
    hours = max((at - incident.onset) / 3_600_000_000, 0.25)
    return max(10, int(12 * hours))


def _rolled(context: Context, project: str, told: rules.Verdict, open_now: Sequence[Incident], at: int) -> None:
    """Propose, approve, do: at once, in the name of the rule."""
    incident = _about(open_now, context, project, told.candidate)
    author = Author(rules.ACTOR, _moment(at), datetime.now(UTC))
    facts = Facts(at=at, per_hour=_per_hour(context, project, at))
    one = told.strongest
    why = (
        f"{told.candidate} does worse than {one.baseline}: {words.measure(one.measure)} "
        f"{words.interval(one.estimate, one.low, one.high, one.measure)}, e = {told.evidence:.0f}"
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
        if other.id != made.id and other.by == _ANSWERING and other.remedy != "block":
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


def _adopted(context: Context, incident: Incident, policy: Policy, changed: int, at: int) -> None:
    before = next(
        (each.policy for each in policies.history(context.ledger, incident.project, policy.route)
         if each.policy.version < policy.version), None,
    )  # fmt: skip
    kind = _kind_of(context, incident.project, before, policy)
    found = findings.get(context.ledger, incident.project, incident.findings)
    if kind == "" or not found:
        return
    facts = Facts(at=changed, per_hour=_per_hour(context, incident.project, at))
    expects = answering.expectation(found, facts)
    author = Author(policy.updated_by or "unknown", _moment(at), datetime.now(UTC))
    action = Action(
        0, incident.project, "by-hand", kind,
        {"what": f"{policy.route}: {_shares(policy)}", "subject": policy.route},
        replace(expects, by=max(expects.by, at + 1)),
        "proposed", author.actor, policy.reason or "changed while the incident was open", incident.id, changed,
        result={_ADOPTED: True, "route": policy.route, "policy_version": policy.version},
    )  # fmt: skip
    with context.ledger.begin():
        made = acting.propose(context.ledger, action, author)
        if isinstance(made, Declined):
            return
        actions.move(context.ledger, made, state="done", started=changed, ended=changed)
    incidents.tell(context.ledger, incident, "action", words.action(made), at=at, by=author.actor)


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


def _facts(context: Context, incident: Incident, at: int) -> Facts:
    ledger, project = context.ledger, incident.project
    current = {kept.policy.route: kept.policy for _, kept in policies.listed(ledger, project)}
    names = {name for policy in current.values() for name in (*policy.shares, policy.previous_good) if name}
    made = {kept.release.name: kept.release for kept in releases.listed(ledger, project, implicit=False, limit=50)}
    made |= {name: kept.release for name, kept in releases.named(ledger, project, names).items()}
    return Facts(
        at, current, made, comparisons.latest(ledger, project), _per_hour(context, project, at),
        {route: _served_before(context, project, policy) for route, policy in current.items()},
    )  # fmt: skip


def _served_before(context: Context, project: str, policy: Policy) -> str:
    """The release with the most traffic under the policy before this one."""
    for version in policies.history(context.ledger, project, policy.route, limit=50):
        first = next(iter(version.policy.shares))
        if version.policy.version < policy.version and first != next(iter(policy.shares)):
            return first
    return ""


def _per_hour(context: Context, project: str, at: int) -> float:
    hours = 3
    start = at - hours * 3_600_000_000
    return answers(context.warehouse, project, start, at, _moment(at)) / hours


def _tell(context: Context, action: Action, at: int) -> None:
    incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
    if incident is not None:
        incidents.tell(context.ledger, incident, "action", words.action(action), at=at, by=action.by)


def _shares(policy: Policy) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in policy.shares.items())


def _moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)
