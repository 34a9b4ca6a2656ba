"""The life of an action: proposed → approved → doing → done or failed, and undone. Never half.

Before each step the action says in the ledger which step it takes. A step that changes the ledger alone commits
together with the action's next state; any other is taken again after a crash and knows that. What fails after its first
step is undone before it is called failed. Steps outside have one owner (`loop/watching/errands.py`): who takes such an
action back on its way only says so, and its owner does it.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any, Final

from homeostat.act import incidents
from homeostat.act.remedies import REMEDIES, Effects, Rejected, Remedy, Told, remedy, routes
from homeostat.records import words
from homeostat.records.action import ANSWERS, ENDED, Action, Expectation, State
from homeostat.records.instant import micros
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad
from homeostat.store.ledger import Ledger, actions
from homeostat.store.ledger import incidents as kept_incidents

_LONGEST_WHY: Final = 2_000
#: What cannot be reached to take something back is asked so long (µs).
_UNDOES: Final = 24 * 3_600_000_000


def propose(ledger: Ledger, action: Action, author: Author) -> Action | Declined:
    """Keep an action that says what it expects; one that does not cannot be made."""
    wrong = _wrong(action, author)
    if wrong is not None:
        return wrong
    wanted = replace(action, state="proposed", by=author.actor, proposed=action.proposed or _now(author))
    with ledger.begin():
        made = actions.make(ledger, wanted)
        author.wrote(ledger, made.project, "action.propose", str(made.id), after=_told(made))
        return made


def approve(ledger: Ledger, project: str, id: int, author: Author, *, why: str = "") -> Action | Declined:
    """Somebody says yes; what it changes follows. What somebody has done by hand meanwhile is not done once more."""
    action = actions.get(ledger, project, id)
    done = needless(ledger, action) if action is not None and action.state == "proposed" else None
    return done or _decide(ledger, project, id, author, "approved", ("proposed",), why)


def needless(ledger: Ledger, action: Action) -> Declined | None:
    """Why there is nothing left to do."""
    found = remedy(action.remedy, action.parameters)
    return None if isinstance(found, Declined) else routes.needless(ledger, action.project, found)


def decline(ledger: Ledger, project: str, id: int, author: Author, *, why: str = "") -> Action | Declined:
    """Somebody says no."""
    return _decide(ledger, project, id, author, "declined", ("proposed",), why)


def carry_out(effects: Effects, action: Action) -> Action:
    """Take the steps that are left of an action that was approved, or was interrupted."""
    action = actions.get(effects.ledger, action.project, action.id) or action
    found = remedy(action.remedy, action.parameters)
    if isinstance(found, Declined):
        return _failed(effects, action, found)
    while action.state in ("approved", "doing"):
        step = action.step or found.steps[0]
        begun = _enter(effects, action, step)
        if begun is None:
            action = _now_is(effects, action)
            break
        action, waits = _take(effects, begun, found, step)
        if waits:
            break
    return _undo(effects, action, found) if action.state == "undoing" else action


def undo(effects: Effects, project: str, id: int, *, why: str = "") -> Action | Declined:
    """Put things back as they were before the action. One on its way outside is `undoing` until its owner did it."""
    ledger, author = effects.ledger, effects.author
    with ledger.begin():
        action = actions.get(ledger, project, id)
        if action is None:
            return _none(id)
        if action.state not in ("approved", "doing", "done", "undoing"):
            return Declined(
                "conflict", f"Action {id} is {action.state}: only what is done, or on its way, can be undone."
            )
        found = remedy(action.remedy, action.parameters)
        if isinstance(found, Declined):
            return found
        here = action.state == "done" or not reaches_outside(action)
        if action.state != "undoing":
            asked = {"undone_by": author.actor, "undone_why": why[:_LONGEST_WHY], "undo_since": _now(author)}
            begun = actions.move(ledger, action, state="undoing", error="", result={**action.result, **asked})
            if begun is None:
                return _raced(id)
            author.wrote(ledger, project, "action.undo", str(id), after={"why": why[:_LONGEST_WHY]})
            action = begun
            if not here:
                _story(effects, action)
        if not here:
            return action
        action, publish = _put_back(effects, action, found)
    if publish:
        effects.publish()
    return action


def reaches_outside(action: Action) -> bool:
    """Whether some step calls somebody: then one owner carries it out, and nobody waits for it."""
    plugin = REMEDIES.get(action.remedy)
    return plugin is not None and not plugin.inside.issuperset(plugin.steps)


def give(
    ledger: Ledger, project: str, id: int, parameters: dict[str, Any], author: Author
) -> Action | Declined:  # fmt: skip
    """Fill in or change what a proposed action would do."""
    with ledger.begin():
        action = actions.get(ledger, project, id)
        if action is None:
            return _none(id)
        if action.state != "proposed":
            return Declined("conflict", f"Action {id} is {action.state}: only a proposed one can be changed.")
        wanted = {**action.parameters, **parameters}
        found = remedy(action.remedy, wanted)
        if isinstance(found, Declined):
            return found
        after = actions.move(ledger, action, parameters=wanted)
        if after is None:
            return _raced(id)
        author.wrote(
            ledger, project, "action.change", str(id), before=dict(action.parameters), after=dict(after.parameters)
        )
        return after


def restate(ledger: Ledger, wanted: Action, author: Author) -> Action | None:
    """What an action that has not begun would do and expects, as it is known now. None: it went on already."""
    with ledger.begin():
        action = actions.get(ledger, wanted.project, wanted.id)
        if action is None or action.state != wanted.state:
            return None
        after = actions.move(ledger, action, parameters=wanted.parameters, expects=wanted.expects)
        if after is not None:
            author.wrote(
                ledger, wanted.project, "action.restate", str(wanted.id), before=_told(action), after=_told(after)
            )
        return after


def _decide(
    ledger: Ledger, project: str, id: int, author: Author, state: State, before: tuple[State, ...], why: str
) -> Action | Declined:
    with ledger.begin():
        action = actions.get(ledger, project, id)
        if action is None:
            return _none(id)
        if action.state not in before:
            return Declined("conflict", f"Action {id} is {action.state} already.")
        ended = _now(author) if state in ENDED else 0
        result = {**action.result, f"{state}_by": author.actor} | ({"said": why[:_LONGEST_WHY]} if why else {})
        expects = _from_now(action, author) if state == "approved" else action.expects
        after = actions.move(ledger, action, state=state, ended=ended, result=result, expects=expects)
        if after is None:
            return _raced(id)
        author.wrote(ledger, project, f"action.{state}", str(id), before=action.state, after={"why": why})
        if state in ENDED or reaches_outside(after):  # what is done at once tells that it is done
            _tell(ledger, after, author)
        return after


def _from_now(action: Action, author: Author) -> Expectation:
    """What a rule proposed has as long for its effect as it was given, however late somebody says yes."""
    if not action.by.startswith("rule:"):
        return action.expects
    waited = max(_now(author) - action.proposed, 0)
    return replace(action.expects, by=action.expects.by + waited)


def _enter(effects: Effects, action: Action, step: str) -> Action | None:
    """Write down which step is taken. None: somebody else has this action in hand."""
    if (action.state, action.step) == ("doing", step):
        return action
    with effects.ledger.begin():
        return actions.move(
            effects.ledger, action, state="doing", step=step, started=action.started or _now(effects.author)
        )


def _take(effects: Effects, action: Action, found: Remedy, step: str) -> tuple[Action, bool]:
    """One step and what follows it; whether it is to be looked at again later."""
    if step in found.inside:
        with effects.ledger.begin():
            now = _now_is(effects, action)
            if (now.state, now.step) != (action.state, action.step):  # taken back meanwhile
                return now, True
            told = found.do(step, effects, action)
            after = None if isinstance(told, Declined) else _advance(effects, action, found, step, told)
    else:
        try:
            told = found.do(step, effects, action)
        except Rejected as problem:
            told = Declined("conflict", str(problem)[:300])
        except OSError as problem:  # the other side is away: again after a while, until the deadline
            return _again(effects, action, found, str(problem)[:300])
        after = None if isinstance(told, Declined) else _advance(effects, action, found, step, told)
    if isinstance(told, Declined):
        return _fail(effects, action, told), False
    if told.publish:
        effects.publish()
    return after or action, told.wait


def _advance(effects: Effects, action: Action, found: Remedy, step: str, told: Told) -> Action:
    at = found.steps.index(step) + 1
    merged = {"before": {**action.before, **told.before}, "result": {**action.result, **told.result}}
    if told.wait:
        moved = actions.move(effects.ledger, action, error="", **merged)
    elif at < len(found.steps):
        moved = actions.move(effects.ledger, action, step=found.steps[at], error="", **merged)
    else:
        with effects.ledger.begin():
            moved = actions.move(
                effects.ledger, action, state="done", step="", ended=_now(effects.author), error="", **merged
            )
            if moved is not None:
                effects.author.wrote(
                    effects.ledger, action.project, "action.done", str(action.id), after=merged["result"]
                )
                _story(effects, moved)
    return moved or _late(effects, action, told, over=at == len(found.steps) and not told.wait)


def _late(effects: Effects, action: Action, told: Told, *, over: bool) -> Action:
    """Taken back while a step was outside: what came of the step is kept, for it is to be undone too."""
    with effects.ledger.begin():
        now = _now_is(effects, action)
        ended = {"ended": _now(effects.author), "step": ""} if over else {}
        moved = actions.move(
            effects.ledger, now, before={**now.before, **told.before}, result={**now.result, **told.result}, **ended
        ) if now.state == "undoing" else None  # fmt: skip
        if moved is None:
            raise AssertionError("an action was moved by two at once")
        return moved


def _again(effects: Effects, action: Action, found: Remedy, why: str) -> tuple[Action, bool]:
    if action.expects.by and _now(effects.author) > action.expects.by:
        return _fail(effects, action, Declined("conflict", f"It could not be done in time: {why}")), False
    moved = actions.move(effects.ledger, action, error=why)
    return moved or _now_is(effects, action), True


def _fail(effects: Effects, action: Action, why: Declined) -> Action:
    """What earlier steps did is undone first, also what an answer that never came may have begun."""
    result = {**action.result, "undo_since": _now(effects.author)}
    marked = actions.move(effects.ledger, action, state="undoing", error=_words(why), result=result)
    return marked or _now_is(effects, action)


def _undo(effects: Effects, action: Action, found: Remedy) -> Action:
    # What reaches outside must not hold the ledger while it waits.
    whole = effects.ledger.begin() if found.inside.issuperset(found.steps) else nullcontext()
    with whole:
        after, publish = _put_back(effects, action, found)
    if publish:
        effects.publish()
    return after


def _put_back(effects: Effects, action: Action, found: Remedy) -> tuple[Action, bool]:
    """An action that failed on the way (`error`) ends as failed, one that somebody took back as undone. What cannot be
    taken back ends too, and says what a person must look at. And whether edges must hear of it."""
    try:
        told = found.undo(effects, action)
    except Rejected as problem:
        told = Declined("conflict", str(problem)[:300])
    except OSError as problem:  # what is outside is away: again after a while
        if _now(effects.author) < int(action.result.get("undo_since", 0)) + _UNDOES:
            waits = {**action.result, "undo_waits": str(problem)[:300]}
            return actions.move(effects.ledger, action, result=waits) or action, False
        told = Declined("conflict", str(problem)[:300])
    kept = {name: value for name, value in action.result.items() if name not in ("undo_since", "undo_waits")}
    if not isinstance(told, Declined):
        state: State = "failed" if action.error else "undone"
        ended = _end(effects, action, state, action.error, {**kept, **told.result})
        return ended, told.publish
    if action.ended:  # it is done, and stays so
        return actions.move(effects.ledger, action, state="done", error=_words(told), result=kept) or action, False
    why = f"{action.error} It could not be taken back: {_words(told)}".strip()
    return _end(effects, action, "failed", why, kept), False


def _end(effects: Effects, action: Action, state: State, error: str, result: dict[str, Any]) -> Action:
    with effects.ledger.begin():
        moved = actions.move(
            effects.ledger, action, state=state, step="", error=error, ended=_now(effects.author), result=result
        )
        if moved is None:
            return _now_is(effects, action)
        effects.author.wrote(effects.ledger, action.project, f"action.{state}", str(action.id), after={"error": error})
        _story(effects, moved)
        return moved


def _story(effects: Effects, action: Action) -> None:
    _tell(effects.ledger, action, effects.author)


def _tell(ledger: Ledger, action: Action, author: Author) -> None:
    """Its incident says what became of it; what a verdict had closed is open again, if that was taken back."""
    incident = kept_incidents.get(ledger, action.project, action.incident) if action.incident else None
    if incident is None:
        return
    at = _now(author)
    incidents.tell(ledger, incident, "action", words.action(action), at=at, by=author.actor)
    if action.state == "undone" and incident.closed_by == f"verdict:{action.id}":
        why = f"action {action.id}, which had helped, was undone"
        incidents.reopen(ledger, action.project, incident.id, by=author.actor, at=at, why=why)


def _now_is(effects: Effects, action: Action) -> Action:
    return actions.get(effects.ledger, action.project, action.id) or action


def _failed(effects: Effects, action: Action, why: Declined) -> Action:
    return _end(effects, action, "failed", _words(why), dict(action.result))


def _wrong(action: Action, author: Author) -> Declined | None:
    expects = action.expects
    if not expects.measure.strip() or len(expects.measure) > 300:
        return bad("An action says which measure it expects to move: expects.measure.")
    if expects.direction not in ("down", "up"):
        return bad("expects.direction is up or down.")
    if not (isinstance(expects.at_least, int | float) and math.isfinite(expects.at_least) and expects.at_least > 0):
        return bad("expects.at_least is more than 0: by how much the measure moves.")
    if expects.by <= _now(author):
        return bad("expects.by lies in the future: until when there must be a verdict.")
    found = remedy(action.remedy, action.parameters)
    if isinstance(found, Declined):
        return found
    lasts = int(getattr(found, "lasts", 0))
    if expects.by <= _now(author) + lasts * 60_000_000:
        return bad(f"expects.by lies before the action is over: it takes {lasts} minutes.")
    if action.answer not in ANSWERS:
        return bad(f"answer is one of {', '.join(ANSWERS)}.")
    return bad(f"why has at most {_LONGEST_WHY} characters.") if len(action.why) > _LONGEST_WHY else None


def _told(action: Action) -> dict[str, Any]:
    return {
        "remedy": action.remedy, "answer": action.answer, "parameters": dict(action.parameters),
        "expects": _expects(action.expects), "incident": action.incident, "why": action.why,
    }  # fmt: skip


def _expects(expects: Expectation) -> dict[str, Any]:
    return asdict(expects) | {"where": dict(expects.where)}


def _words(why: Declined) -> str:
    return f"{why.message} {why.hint}".strip()[:1_000]


def _none(id: int) -> Declined:
    return Declined("not_found", f"There is no action {id}.", "homeostat action ls")


def _raced(id: int) -> Declined:
    return Declined("conflict", f"Somebody else moved action {id} just now.", "Look at it again.")


def _now(author: Author) -> int:
    return micros(author.at)
