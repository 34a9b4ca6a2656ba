"""The life of an action: proposed → approved → doing → done or failed, and undone. Never half.

Before each step the action says in the ledger which step it takes. A step that changes the ledger alone commits
together with the action's next state; any other is taken again after a crash and knows that. What fails after its first
step is undone before it is called failed.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any, Final

from homeostat.act.remedies import REMEDIES, Effects, Remedy, Told, remedy
from homeostat.records.action import ANSWERS, ENDED, Action, Expectation, State
from homeostat.records.instant import micros
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad
from homeostat.store.ledger import Ledger, actions

_LONGEST_WHY: Final = 2_000


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
    """Somebody says yes; what it changes follows."""
    return _decide(ledger, project, id, author, "approved", ("proposed",), why)


def decline(ledger: Ledger, project: str, id: int, author: Author, *, why: str = "") -> Action | Declined:
    """Somebody says no."""
    return _decide(ledger, project, id, author, "declined", ("proposed",), why)


def carry_out(effects: Effects, action: Action) -> Action:
    """Take the steps that are left of an action that was approved, or was interrupted."""
    found = remedy(action.remedy, action.parameters)
    if isinstance(found, Declined):
        return _failed(effects, action, found)
    if action.state == "undoing":
        return _undo(effects, action, found)
    while action.state in ("approved", "doing"):
        step = action.step or found.steps[0]
        begun = _enter(effects, action, step)
        if begun is None:
            return actions.get(effects.ledger, action.project, action.id) or action
        action, waits = _take(effects, begun, found, step)
        if waits:
            break
    return action


def undo(effects: Effects, project: str, id: int, *, why: str = "") -> Action | Declined:
    """Put things back as they were before the action."""
    author = effects.author
    with effects.ledger.begin():
        action = actions.get(effects.ledger, project, id)
        if action is None:
            return _none(id)
        if action.state not in ("done", "undoing") and not _can_stop(action):
            return Declined("conflict", f"Action {id} is {action.state}: only what is done can be undone.")
        if action.state != "undoing":
            begun = actions.move(effects.ledger, action, state="undoing", error="")
            if begun is None:
                return _raced(id)
            author.wrote(effects.ledger, project, "action.undo", str(id), after={"why": why[:_LONGEST_WHY]})
            action = begun
    found = remedy(action.remedy, action.parameters)
    return found if isinstance(found, Declined) else _undo(effects, action, found)


def _can_stop(action: Action) -> bool:
    """What lasts can be stopped on its way, if nothing outside is in hand: it waits between two transactions."""
    plugin = REMEDIES.get(action.remedy)
    return action.state == "doing" and plugin is not None and plugin.inside.issuperset(plugin.steps)


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
            told = found.do(step, effects, action)
            after = None if isinstance(told, Declined) else _advance(effects, action, found, step, told)
    else:
        try:
            told = found.do(step, effects, action)
        except OSError as problem:  # the other side is away: again at the next tick, until the deadline
            return _again(effects, action, found, str(problem)[:300])
        after = None if isinstance(told, Declined) else _advance(effects, action, found, step, told)
    if isinstance(told, Declined):
        return _fail(effects, action, found, told), False
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
            effects.author.wrote(effects.ledger, action.project, "action.done", str(action.id), after=merged["result"])
    if moved is None:
        raise AssertionError("an action was moved by two at once")
    return moved


def _again(effects: Effects, action: Action, found: Remedy, why: str) -> tuple[Action, bool]:
    if action.expects.by and _now(effects.author) > action.expects.by:
        return _fail(effects, action, found, Declined("conflict", f"It could not be done in time: {why}")), False
    moved = actions.move(effects.ledger, action, error=why)
    return moved or action, True


def _fail(effects: Effects, action: Action, found: Remedy, why: Declined) -> Action:
    """What earlier steps did is undone first."""
    if not action.before and not action.result:
        return _failed(effects, action, why)
    marked = actions.move(effects.ledger, action, state="undoing", error=_words(why))
    return action if marked is None else _undo(effects, marked, found)


def _undo(effects: Effects, action: Action, found: Remedy) -> Action:
    """An action that failed on the way (`error`) ends as failed, one that somebody took back as undone."""
    # What reaches outside must not hold the ledger while it waits.
    whole = effects.ledger.begin() if found.inside.issuperset(found.steps) else nullcontext()
    try:
        with whole:
            told = found.undo(effects, action)
            if isinstance(told, Declined):
                why = action.error or _words(told)
                after = actions.move(
                    effects.ledger, action, state="failed" if action.error else "done", step="", error=why
                )
            else:
                after = actions.move(
                    effects.ledger, action, state="failed" if action.error else "undone", step="",
                    ended=_now(effects.author), result={**action.result, **told.result},
                )  # fmt: skip
                effects.author.wrote(
                    effects.ledger, action.project, "action.failed" if action.error else "action.undone",
                    str(action.id), after={"error": action.error},
                )  # fmt: skip
    except OSError:  # what is outside is away; it stays `undoing` and is taken up again
        return action
    if not isinstance(told, Declined) and told.publish:
        effects.publish()
    return after or action


def _failed(effects: Effects, action: Action, why: Declined) -> Action:
    with effects.ledger.begin():
        moved = actions.move(
            effects.ledger, action, state="failed", step="", error=_words(why), ended=_now(effects.author)
        )
        if moved is not None:
            effects.author.wrote(
                effects.ledger, action.project, "action.failed", str(action.id), after={"error": moved.error}
            )
    return moved or action


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
