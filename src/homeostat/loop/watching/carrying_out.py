"""Carrying out: what is approved or in hand goes on, also after a restart. Rollbacks made elsewhere count first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.act import acting
from homeostat.act.remedies import Effects
from homeostat.loop.watching import evidence
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.outside import hooks, tuning, writer
from homeostat.records.action import Action
from homeostat.records.instant import as_datetime, parse
from homeostat.registry import steering
from homeostat.registry.author import Author
from homeostat.store import overrides
from homeostat.store.ledger import actions
from homeostat.store.warehouse.questions import curate

log: Final = logging.getLogger("homeostat.acting")


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
        times = {name: parse(str(chosen[name]), self._at) for name in ("since", "until") if chosen.get(name)}
        return [*curate.items(self._context.warehouse, project, self._at, chosen, limit=limit, **times)]


def steered(context: Any, change: Callable[[], Any]) -> Any:
    """Change what routes obey. Rollbacks that were made past us count first: edges obey them already."""
    folder = context.folder.control
    with overrides.locked(folder):
        if steering.take_over(context.ledger, folder):
            context.publish()
        return change()


def carried_out(context: Any, told: Effects, action: Action) -> Action:
    """Take the steps that are left. What calls somebody outside is left to its owner (`errands.py`)."""
    if acting.reaches_outside(action):
        return action
    done: Action = steered(context, lambda: acting.carry_out(told, action))
    return done


def resume(context: Context, project: str, at: int) -> None:
    """Everything that is approved or in hand goes on, but for what calls somebody outside."""
    for action in in_hand(context, project):
        if not acting.reaches_outside(action):
            go_on(context, action, at, lambda told, now: carried_out(context, told, now))


def in_hand(context: Context, project: str) -> list[Action]:
    """What is to go on, oldest first."""
    return actions.listed(context.ledger, project, states=("approved", "doing", "undoing"))[::-1]


def go_on(context: Context, action: Action, at: int, carry: Callable[[Effects, Action], Action]) -> Action:
    """Whatever is left of one, in the name of whoever agreed to it."""
    actor = str(action.result.get("approved_by") or action.by)
    if action.state == "undoing":
        actor = str(action.result.get("undone_by") or actor)
    told = effects(context, action.project, actor, as_datetime(at))
    try:
        return carry(told, _beginning(context, action, told.author, at))
    except Exception:  # one sick action must not hold up the others; it is in hand again at the next tick
        log.exception("action %s of %s cannot be carried out", action.id, action.project)
        return action


def _beginning(context: Context, action: Action, author: Author, at: int) -> Action:
    """What begins now expects to bring back what is lost now."""
    if action.state != "approved":
        return action
    expects = evidence.lasting(context, action, at)
    if expects == action.expects:
        return action
    return acting.restate(context.ledger, replace(action, expects=expects), author) or action
