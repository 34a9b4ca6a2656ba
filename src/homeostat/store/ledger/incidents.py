"""Incidents with their timelines. `changed` grows with every change, so that listeners miss none.

Times are microseconds of the event clock, as in the records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from homeostat.records.finding import Severity
from homeostat.records.incident import CAUSES, ITSELF, Candidate, Entry, Incident, Sight, State
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.tables import incident_entries, incidents

_OPEN: Final = ("open", "acknowledged")
_TEXTS: Final = ("severity", "state", "cause", "owner", "closed_by")
_NUMBERS: Final = ("opened", "onset", "silenced_until", "closed", "merged_into", "reopened")
#: Incidents that one look finds, open ones first.
_MOST: Final = 1200
Hull = tuple[int, int]


def add(ledger: Ledger, incident: Incident, *, hull: Hull, streams: Sequence[str]) -> Incident:
    """Keep a new one, with its timeline; gives it its id. `hull`: the interval in which it began."""
    with ledger.begin() as connection:
        row = {**_row(incident), **_place(hull, streams), "changed": _next(ledger, incident.project)}
        id = connection.execute(insert(incidents).values(row).returning(incidents.c.id)).scalar_one()
        made = replace(incident, id=int(id))
        for entry in incident.timeline:
            note(ledger, incident.project, made.id, entry)
        return made


def change(ledger: Ledger, incident: Incident, *, hull: Hull | None = None, streams: Sequence[str] = ()) -> None:
    """Write what it is now; the timeline is written by `note` alone."""
    place = {} if hull is None else _place(hull, streams)
    row = {**_row(incident), **place, "changed": _next(ledger, incident.project)}
    mine = (incidents.c.project == incident.project, incidents.c.id == incident.id)
    with ledger.begin() as connection:
        connection.execute(update(incidents).where(*mine).values(row))


def note(ledger: Ledger, project: str, id: int, entry: Entry) -> None:
    """Add a line to its timeline. An incident of another project, or none, gets nothing."""
    with ledger.begin() as connection:
        mine = (incidents.c.project == project, incidents.c.id == id)
        if connection.execute(update(incidents).where(*mine).values(changed=_next(ledger, project))).rowcount != 1:
            return
        last = connection.scalar(select(func.max(incident_entries.c.number)).where(incident_entries.c.incident == id))
        row = {
            "incident": id, "number": (last or 0) + 1, "at": entry.at, "kind": entry.kind, "text": entry.text,
            "author": entry.by, "refers": json.dumps(dict(entry.refers), allow_nan=False),
        }  # fmt: skip
        connection.execute(insert(incident_entries), row)


def get(ledger: Ledger, project: str, id: int) -> Incident | None:
    """One, with its timeline."""
    query = select(incidents).where(incidents.c.project == project, incidents.c.id == id)
    with ledger.read() as connection:
        row = connection.execute(query).first()
        return None if row is None else _read(row, _timelines(ledger, [id]).get(id, ()))


def open(ledger: Ledger, project: str) -> list[Incident]:
    """Those that are not closed, newest first."""
    return listed(ledger, project, states=_OPEN)


def listed(
    ledger: Ledger,
    project: str,
    *,
    states: Sequence[str] = (),
    severities: Sequence[str] = (),
    since: int = 0,
    before: int = 0,
    limit: int = 1000,
) -> list[Incident]:
    """Newest first, with their timelines. `since`: opened then or later; `before`: an id to go on from."""
    query = select(incidents).where(incidents.c.project == project).order_by(incidents.c.id.desc()).limit(limit)
    if states:
        query = query.where(incidents.c.state.in_(states))
    if severities:
        query = query.where(incidents.c.severity.in_(severities))
    if since:
        query = query.where(incidents.c.opened >= since)
    if before:
        query = query.where(incidents.c.id < before)
    return _all(ledger, query)


def closed_since(ledger: Ledger, project: str, since: int) -> list[Incident]:
    """Those that were closed then or later and were not merged into another, the last one first."""
    query = (
        select(incidents)
        .where(incidents.c.project == project, incidents.c.state == "closed", incidents.c.closed >= since)
        .where(incidents.c.merged_into == 0)
        .order_by(incidents.c.closed.desc(), incidents.c.id.desc())
        .limit(200)
    )
    return _all(ledger, query)


def silenced(ledger: Ledger, *, until: int) -> list[tuple[str, int]]:
    """(project, id) of those whose silence ended then or before, and of which nobody has said so."""
    ended = (incidents.c.silenced_until > 0, incidents.c.silenced_until <= until)
    query = select(incidents.c.project, incidents.c.id).where(*ended).order_by(incidents.c.id)
    with ledger.read() as connection:
        return [(row.project, row.id) for row in connection.execute(query)]


def changed_since(ledger: Ledger, project: str, mark: int, limit: int = 200) -> list[tuple[int, Incident]]:
    """(mark, incident) of those changed after a mark, in the order of the changes."""
    query = (
        select(incidents)
        .where(incidents.c.project == project, incidents.c.changed > mark)
        .order_by(incidents.c.changed)
        .limit(limit)
    )
    with ledger.read() as connection:
        rows = connection.execute(query).all()
        lines = _timelines(ledger, [row.id for row in rows])
    return [(int(row.changed), _read(row, lines.get(row.id, ()))) for row in rows]


def newest_change(ledger: Ledger, project: str) -> int:
    """The mark of whoever has seen everything."""
    with ledger.read() as connection:
        found = connection.scalar(select(func.max(incidents.c.changed)).where(incidents.c.project == project))
        return int(found or 0)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an incident stands among the others, without its story."""

    id: int
    onset: int
    hull: Hull
    """The interval in which it began."""
    streams: tuple[str, ...]
    closed: int
    """0: it is open."""


def places(ledger: Ledger, project: str, *, since: int, id: int | None = None) -> list[Placed]:
    """Of those that are open, newest first; then of those that were closed `since` and were not merged into another,
    the last one first. `id`: only of this one."""
    one, over = incidents.c, incidents.c.state == "closed"
    query = select(one.id, one.onset, one.onset_low, one.onset_high, one.streams, one.closed)
    query = query.where(one.project == project, ~over | ((one.closed >= since) & (one.merged_into == 0)))
    if id is not None:
        query = query.where(one.id == id)
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(over, one.closed.desc(), one.id.desc()).limit(_MOST)).all()
    return [
        Placed(row.id, row.onset, (row.onset_low, row.onset_high), tuple(json.loads(row.streams)), row.closed)
        for row in rows
    ]


def place(ledger: Ledger, project: str, id: int) -> tuple[Hull, list[str]]:
    """The interval in which it began, and the streams that belong to it."""
    query = select(incidents.c.onset_low, incidents.c.onset_high, incidents.c.streams).where(
        incidents.c.project == project, incidents.c.id == id
    )
    with ledger.read() as connection:
        row = connection.execute(query).one()
        return (row.onset_low, row.onset_high), json.loads(row.streams)


def open_on_release(ledger: Ledger, project: str, release: str, *, since: int | None = None) -> list[int]:
    """Ids of incidents whose first cause is this release: open now, or (with `since`) at any time since then."""
    found = open(ledger, project)
    if since is not None:
        found += closed_since(ledger, project, since)
    blamed = (one for one in found if one.candidates and one.candidates[0].cause == "release")
    return [one.id for one in blamed if one.candidates[0].subject == release]


def _all(ledger: Ledger, query: Any) -> list[Incident]:
    with ledger.read() as connection:
        rows = connection.execute(query).all()
        lines = _timelines(ledger, [row.id for row in rows])
    return [_read(row, lines.get(row.id, ())) for row in rows]


def _timelines(ledger: Ledger, ids: Sequence[int]) -> dict[int, tuple[Entry, ...]]:
    table, found = incident_entries, dict[int, list[Entry]]()
    query = select(table).where(table.c.incident.in_(ids)).order_by(table.c.incident, table.c.number)
    with ledger.read() as connection:
        for row in connection.execute(query):
            entry = Entry(row.at, row.kind, row.text, row.author, json.loads(row.refers))
            found.setdefault(row.incident, []).append(entry)
    return {id: tuple(lines) for id, lines in found.items()}


def _next(ledger: Ledger, project: str) -> int:
    return newest_change(ledger, project) + 1


def _row(incident: Incident) -> dict[str, Any]:
    said = {name: getattr(incident, name) for name in ("project", *_TEXTS, *_NUMBERS)}
    told = [asdict(candidate) for candidate in incident.candidates]
    return said | {"candidates": json.dumps(told, allow_nan=False), "findings": json.dumps(list(incident.findings))}


def _place(hull: Hull, streams: Sequence[str]) -> dict[str, Any]:
    return {"onset_low": hull[0], "onset_high": hull[1], "streams": json.dumps(sorted(set(streams)))}


def _read(row: Row[Any], timeline: tuple[Entry, ...]) -> Incident:
    severity: Severity = row.severity if row.severity in ("watch", "warning", "critical") else "warning"
    state: State = row.state if row.state in (*_OPEN, "closed") else "open"
    return Incident(
        id=row.id, project=row.project, opened=row.opened, onset=row.onset, severity=severity, state=state,
        cause=row.cause if row.cause in (*CAUSES, ITSELF) else "none",
        candidates=tuple(_candidate(each) for each in json.loads(row.candidates)),
        findings=tuple(json.loads(row.findings)), timeline=timeline, owner=row.owner,
        silenced_until=row.silenced_until, closed=row.closed, closed_by=row.closed_by, merged_into=row.merged_into,
        reopened=row.reopened,
    )  # fmt: skip


def _candidate(said: Mapping[str, Any]) -> Candidate:
    return Candidate(
        said["cause"], said["weight"], tuple(said["supports"]), tuple(said["contradicts"]), said["settle"],
        said["subject"], tuple(Sight(**each) for each in said.get("moved", ())),
    )  # fmt: skip
