"""Routing policies and every version they ever had. Whoever changes one names the version that it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from homeostat.records.policy import Policy, as_json, from_json
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import policies, policy_history
from homeostat.store.ledger.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy, and the release of its route that has proved itself last (by time, or by a person's word)."""

    policy: Policy
    proved: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a policy: what made it (`put`, `rollback`, `label`), and when on the event clock."""

    policy: Policy
    action: str
    request: str
    at: datetime


def get(ledger: Ledger, project: str, route: str, *, hold: bool = False) -> Kept | None:
    """As it is now; `hold`: and nobody else changes it until this transaction ends."""
    query = select(policies).where(policies.c.project == project, policies.c.route == route)
    if hold:
        query = query.with_for_update()
    with ledger.read() as connection:
        row = connection.execute(query).first()
        return None if row is None else _kept(row)


def listed(ledger: Ledger, project: str | None) -> Iterator[tuple[str, Kept]]:
    """(project, policy) of a project's routes, or of all (None: for publishing), by name."""
    query = select(policies).order_by(policies.c.project, policies.c.route)
    if project is not None:
        query = query.where(policies.c.project == project)
    with ledger.read() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        kept = _kept(row)
        if kept is not None:
            yield row.project, kept


def replace(
    ledger: Ledger, project: str, policy: Policy, *, proved: str, action: str, at: datetime, request: str = ""
) -> bool:
    """Put a policy in the place of the version before it. False: that is not the version that is there."""
    document = json.dumps(as_json(policy), allow_nan=False)
    row = {"version": policy.version, "document": document}
    place = {"project": project, "route": policy.route}
    with ledger.begin() as connection:
        if policy.version == 1:
            done = insert_new(connection, policies, {**place, **row, "proved": proved})
        else:
            before = (policies.c.project == project, policies.c.route == policy.route)
            change = update(policies).where(*before, policies.c.version == policy.version - 1)
            done = connection.execute(change.values(**row, proved=proved)).rowcount == 1
        if done:
            connection.execute(insert(policy_history), {**place, **row, "action": action, "request": request, "at": at})
        return done


def history(ledger: Ledger, project: str, route: str | None = None, limit: int = 1000) -> list[Version]:
    """The versions of one route, or of all, newest first."""
    query = select(policy_history).where(policy_history.c.project == project)
    if route is not None:
        query = query.where(policy_history.c.route == route).order_by(policy_history.c.version.desc())
    else:
        query = query.order_by(policy_history.c.at.desc(), policy_history.c.version.desc())
    with ledger.read() as connection:
        rows = connection.execute(query.limit(limit)).all()
    return [version for row in rows if (version := _version(row)) is not None]


def made_by(ledger: Ledger, project: str, request: str) -> Version | None:
    """What a request has made already."""
    query = select(policy_history).where(policy_history.c.project == project, policy_history.c.request == request)
    with ledger.read() as connection:
        row = connection.execute(query).first()
        return None if row is None else _version(row)


def _kept(row: Any) -> Kept | None:
    policy = _read(row.document)
    return None if policy is None else Kept(policy, row.proved)


def _version(row: Any) -> Version | None:
    policy = _read(row.document)
    return None if policy is None else Version(policy, row.action, row.request, row.at)


def _read(text: str) -> Policy | None:
    """A damaged one is none: it must not hide the others."""
    try:
        return from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
