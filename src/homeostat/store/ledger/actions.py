"""Actions. Every change of one names the edition that it replaces, so two who act on the same one cannot both win."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, select, update

from homeostat.records.action import Action, State, as_json, from_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import actions, verdicts


def make(ledger: Ledger, action: Action) -> Action:
    """Keep a new one; its id is given here."""
    with ledger.begin() as connection:
        row = {**_columns(action), "edition": 1, "document": "{}"}
        number = connection.execute(insert(actions).returning(actions.c.id), row).scalar_one()
        made = replace(action, id=int(number))
        connection.execute(update(actions).where(actions.c.id == made.id).values(document=_text(made)))
        return made


def get(ledger: Ledger, project: str, id: int) -> Action | None:
    """One by its number."""
    query = select(actions.c.document).where(actions.c.project == project, actions.c.id == id)
    with ledger.read() as connection:
        text = connection.scalar(query)
    return None if text is None else from_json(json.loads(text))


def listed(
    ledger: Ledger,
    project: str,
    *,
    incident: int | None = None,
    states: Iterable[State] | None = None,
    remedy: str = "",
    before: int | None = None,
    limit: int = 200,
) -> list[Action]:
    """Newest first; `before` an action's number goes on from there."""
    query = select(actions.c.document).where(actions.c.project == project)
    if incident is not None:
        query = query.where(actions.c.incident == incident)
    if states is not None:
        query = query.where(actions.c.state.in_(sorted(states)))
    if remedy:
        query = query.where(actions.c.remedy == remedy)
    if before is not None:
        query = query.where(actions.c.id < before)
    with ledger.read() as connection:
        texts = connection.scalars(query.order_by(actions.c.id.desc()).limit(limit)).all()
    return [from_json(json.loads(text)) for text in texts]


def unjudged(ledger: Ledger, project: str) -> list[Action]:
    """Those that are done and have no final verdict, oldest first."""
    final = select(verdicts.c.action).where(verdicts.c.project == project, verdicts.c.final == 1)
    query = select(actions.c.document).where(
        actions.c.project == project, actions.c.state == "done", actions.c.id.not_in(final)
    )
    with ledger.read() as connection:
        texts = connection.scalars(query.order_by(actions.c.id)).all()
    return [from_json(json.loads(text)) for text in texts]


def move(ledger: Ledger, action: Action, **changes: Any) -> Action | None:
    """From one state (and step) to the next. None: somebody else moved it meanwhile."""
    after = replace(action, **changes)
    mine = (
        actions.c.id == action.id, actions.c.project == action.project, actions.c.document == _text(action),
    )  # fmt: skip
    values = {**_columns(after), "document": _text(after), "edition": actions.c.edition + 1}
    with ledger.begin() as connection:
        done = connection.execute(update(actions).where(*mine).values(**values)).rowcount == 1
    return after if done else None


def _columns(action: Action) -> dict[str, Any]:
    return {
        "project": action.project,
        "incident": action.incident,
        "remedy": action.remedy,
        "state": action.state,
        "proposed": action.proposed,
    }


def _text(action: Action) -> str:
    return json.dumps(as_json(action), sort_keys=True, allow_nan=False)
