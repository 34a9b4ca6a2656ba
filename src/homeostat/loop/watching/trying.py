"""Drafts of prompts are tried by themselves before anybody is asked for a yes: both prompts answer the failing
questions of the incident and questions of a dataset, and what came of it stands beside the proposal.

Bounded: so many questions a draft, three drafts an action, so much money and so many calls a day and project. A trial
says in the ledger that it begins; one that was killed is begun once more and not again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.act import acting, incidents
from homeostat.act.remedies import remedy
from homeostat.act.remedies.prompt import ChangePrompt
from homeostat.loop.watching import replaying
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.outside import upstream
from homeostat.loop.watching.proposing import ANSWERING, UNASKED, as_parameters, drafted
from homeostat.loop.watching.replaying import Answering
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.instant import as_datetime
from homeostat.records.release import Release
from homeostat.records.verdict import Verdict
from homeostat.registry import releases
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, datasets, verdicts
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.verify.replaying import Item, judge, replayed

log: Final = logging.getLogger("homeostat.trying")
ACTOR: Final = "rule:replay"
_MOST_TRIALS: Final = 3
_MOST_CALLS: Final = 400
_DAY: Final = 86_400_000_000
_AGAIN: Final = 3_600_000_000
Tried = dict[str, Any]


def run(context: Context, at: int) -> None:
    """One round for every project. `at`: event clock, µs."""
    for project in context.projects():
        for action in actions.listed(context.ledger, project, states=("proposed",), limit=100):
            if action.remedy != "prompt":
                continue
            try:
                one(context, _written(context, action, at) if action.result.get(UNASKED) else action, at)
            except Exception:  # one sick draft must not hold up the others; its trial counts as begun
                log.exception("the draft of action %s of %s cannot be tried", action.id, project)


def _written(context: Context, action: Action, at: int) -> Action:
    """The model that writes drafts is asked once; what it wrote takes the place of the prepared one, if that is still
    there."""
    asked = actions.move(context.ledger, action, result={**action.result, UNASKED: False})
    incident = kept_incidents.get(context.ledger, action.project, action.incident)
    if asked is None or incident is None:
        return action
    made = drafted(context, incident, asked, at, asking=True)
    if made is None:
        return asked
    author = Author(ANSWERING, as_datetime(at), datetime.now(UTC))
    with context.ledger.begin():
        now = actions.get(context.ledger, action.project, action.id)
        if now is None or dict(now.parameters) != dict(asked.parameters):
            return now or asked
        given = acting.give(context.ledger, action.project, action.id, as_parameters(made), author)
    return now if isinstance(given, Declined) else given


def one(context: Context, action: Action, at: int) -> None:
    """Try the draft of a proposal, unless that was done, cannot be done, or would cost too much."""
    found = remedy(action.remedy, action.parameters)
    if not isinstance(found, ChangePrompt) or not found.template.strip():
        return
    before: Mapping[str, Any] = action.result.get("tried") or {}
    same, trials = before.get("of") == found.name, int(before.get("trials", 0))
    if same and _is_done(before, at):
        return
    begun = int(before.get("begun", 0)) if same and not before.get("over") else 0
    now: Tried = {"of": found.name, "begun": begun + 1, "trials": trials + 1, "over": False, "at": at,
                  "calls": int(before.get("calls", 0)), "usd": float(before.get("usd", 0.0))}  # fmt: skip
    old = releases.find(context.ledger, action.project, found.leaving)
    why = old.message if isinstance(old, Declined) else _cannot(context, action, old.release, trials, at)
    if why or isinstance(old, Declined):
        if not same or why != before.get("why"):
            _keep(context, action, now | {"over": True, "why": why, "trials": trials, "asked": False})
        return
    if not _keep(context, action, now):
        return
    asking = Answering(context.settings, _left(context, action.project, at))
    sets = _sets(context, action, found, at)
    told = [_try(context, action, (old.release, found.changed(old.release)), each, asking, at) for each in sets]
    said = [each for each in told if each]
    why = "" if said else "the model did not answer, or nothing was found to ask it"
    over = now | {"over": True, "asked": True, "sets": said, "why": why, "calls": now["calls"] + asking.calls,
                  "usd": round(now["usd"] + asking.usd, 6)}  # fmt: skip
    if _keep(context, action, over) and said:
        incident = kept_incidents.get(context.ledger, action.project, action.incident) if action.incident else None
        if incident is not None:
            text = f"Action {action.id}: {words.tried(over)}"
            incidents.tell(context.ledger, incident, "action", text, at=at, by=ACTOR)


def _is_done(before: Mapping[str, Any], at: int) -> bool:
    """Tried, or begun twice. What could not be tried may be possible now; a model that was silent is asked again in an
    hour."""
    if not before.get("over"):
        return int(before.get("begun", 0)) > 1
    return not before.get("why") or (bool(before.get("asked")) and at - int(before.get("at", 0)) < _AGAIN)


def _cannot(context: Context, action: Action, old: Release, trials: int, at: int) -> str:
    settings = context.settings
    if settings.replay_questions == 0:
        return "drafts are not tried by themselves (replay_questions = 0)"
    judging = judge(action)
    if isinstance(judging, Declined):
        return judging.message.rstrip(".")
    if upstream(settings, old.endpoint) is None:
        return "no model can be asked from here: set upstream and upstream_key"
    if trials >= _MOST_TRIALS:
        return f"{_MOST_TRIALS} drafts were tried already"
    money, calls = _left(context, action.project, at)
    return "" if money > 0 and calls > 0 else "the day's money for it is spent (replay_usd_per_day)"


def _left(context: Context, project: str, at: int) -> tuple[float, int]:
    """What may still be spent today: USD, and calls."""
    usd, calls = 0.0, 0
    for action in actions.listed(context.ledger, project, limit=500):
        tried = action.result.get("tried") or {}
        if int(tried.get("at", 0)) // _DAY == at // _DAY:
            usd, calls = usd + float(tried.get("usd", 0.0)), calls + int(tried.get("calls", 0))
    return context.settings.replay_usd_per_day - usd, _MOST_CALLS - calls


def _sets(context: Context, action: Action, found: ChangePrompt, at: int) -> list[tuple[str, list[Item]]]:
    """What both prompts are asked: the incident's failing questions, and the dataset's."""
    most = context.settings.replay_questions
    failing = replaying.failing(context, action, as_datetime(at), most)
    made: list[tuple[str, list[Item]]] = [("failing questions", failing)]
    others = [one for one in datasets.newest(context.ledger, action.project) if one.name != "failing"]
    name = found.dataset or max(others, key=lambda one: one.created).name if others else found.dataset
    version = datasets.get(context.ledger, action.project, name) if name else None
    if version is not None:
        items = datasets.items(context.ledger, action.project, version.name, version.version, limit=most)
        made.append((f"dataset {version.name} v{version.version}", [*items]))
    return made


def _try(
    context: Context, action: Action, both: tuple[Release, Release], questions: tuple[str, list[Item]],
    asking: Answering, at: int,
) -> dict[str, Any] | None:  # fmt: skip
    """One set of questions; the word about the failing ones is an interim verdict too."""
    name, items = questions
    if not items:
        return None
    said = replayed(action, *both, items, asking, at=at)
    if isinstance(said, Declined):
        return None
    verdict, pairs = said
    if not pairs:
        return None
    if name == "failing questions":
        verdicts.add(context.ledger, verdict)
    return _shown(name, verdict, [pair.worth for pair in pairs], action) | {"asked": len(items)}


def _shown(name: str, verdict: Verdict, worth: list[tuple[float, float]], action: Action) -> dict[str, Any]:
    means = [sum(pair[side] for pair in worth) / len(worth) for side in (0, 1)]
    return {
        "questions": name, "n": len(worth), "measure": action.expects.measure, "outcome": verdict.outcome,
        "old": round(means[0], 4), "new": round(means[1], 4), "estimate": verdict.estimate, "low": verdict.low,
        "high": verdict.high,
    }  # fmt: skip


def _keep(context: Context, action: Action, tried: Tried) -> bool:
    """Beside the proposal, if it is still one with this draft."""
    with context.ledger.begin():
        now = actions.get(context.ledger, action.project, action.id)
        if now is None or now.state != "proposed" or dict(now.parameters) != dict(action.parameters):
            return False
        return actions.move(context.ledger, now, result={**now.result, "tried": tried}) is not None
