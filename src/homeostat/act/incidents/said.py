"""What people and verdicts say about an incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.act import acting, outbox
from homeostat.act.incidents.opening import began, opened, stream, summed, tell, worse
from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.incident import Entry, Incident
from homeostat.records.instant import as_datetime
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions, findings, incidents
from homeostat.store.ledger import outbox as rows

#: Somebody has such an action in hand: it stays where it is.
_GOING: Final = ("approved", "doing", "undoing")


def close(ledger: Ledger, project: str, id: int, *, by: str, at: int, why: str = "") -> Incident | None:
    """It is over: a verdict says so, or a person. None: there is none, or it is closed already."""
    with ledger.begin():
        before = incidents.get(ledger, project, id)
        if before is None or before.state == "closed":
            return None
        after = replace(before, state="closed", closed=at, closed_by=by)
        incidents.change(ledger, after)
        said = f"closed by {by}" + (f": {why}" if why else "")
        return tell(ledger, after, "closed", said, at=at, by=by)


def acknowledge(ledger: Ledger, project: str, id: int, *, by: str, at: int) -> Incident | None:
    """Somebody looks after it: nobody else is woken."""
    with ledger.begin():
        before = incidents.get(ledger, project, id)
        if before is None or before.state != "open":
            return before
        after = replace(before, state="acknowledged", owner=before.owner or by)
        incidents.change(ledger, after)
        rows.calm(ledger, project, id, now=outbox.machine_now())
        return tell(ledger, after, "acknowledged", f"acknowledged by {by}", at=at, by=by)


def reopen(ledger: Ledger, project: str, id: int, *, by: str, at: int, why: str = "") -> Incident | None:
    """It was not over."""
    with ledger.begin():
        before = incidents.get(ledger, project, id)
        if before is None or before.state != "closed" or before.merged_into:
            return None
        after = replace(before, state="open", closed=0, closed_by="", reopened=before.reopened + 1)
        incidents.change(ledger, after)
        said = f"open again, by {by}" + (f": {why}" if why else "")
        return tell(ledger, after, "reopened", said, at=at, by=by)


def silence(ledger: Ledger, project: str, id: int, *, until: int, by: str, at: int) -> Incident | None:
    """Tell nobody anything about it until then, what waits included; 0: speak again."""
    with ledger.begin():
        before = incidents.get(ledger, project, id)
        if before is None:
            return None
        if until <= at:
            return _speak(ledger, before, f"no longer silenced, by {by}", at=at, by=by)
        said = f"silenced until {words.when(until)}, by {by}"
        after = _set(ledger, project, id, Entry(at, "state", said, by), silenced_until=until)
        outbox.hush(ledger, project, id)
        return after


def speak(ledger: Ledger, *, at: int) -> int:
    """Those whose silence is over are told again, where nobody looks after them; tells how many silences ended."""
    ended = incidents.silenced(ledger, until=at)
    for project, id in ended:
        with ledger.begin():
            before = incidents.get(ledger, project, id)
            if before is not None and 0 < before.silenced_until <= at:
                _speak(ledger, before, "its silence is over", at=at)
    return len(ended)


def _speak(ledger: Ledger, before: Incident, said: str, *, at: int, by: str = "") -> Incident | None:
    after = replace(before, silenced_until=0)
    incidents.change(ledger, after)
    if before.state == "open" and before.silenced_until:
        return tell(ledger, after, "unsilenced", said, at=at, by=by)
    incidents.note(ledger, before.project, before.id, Entry(at, "state", said, by))
    return incidents.get(ledger, before.project, before.id)


def own(ledger: Ledger, project: str, id: int, *, owner: str, by: str, at: int) -> Incident | None:
    """Whose it is."""
    said = f"{owner} looks after it" if owner else "nobody looks after it"
    return _set(ledger, project, id, Entry(at, "state", said, by), owner=owner)


def comment(ledger: Ledger, project: str, id: int, text: str, *, by: str, at: int) -> Incident | None:
    """A person's words in the timeline."""
    return _set(ledger, project, id, Entry(at, "comment", text, by))


def merge(ledger: Ledger, project: str, id: int, other: int, *, by: str, at: int) -> Incident | Declined:
    """`other` is the same thing as `id`: its findings and what was done go there, its proposals are declined, and it is
    closed."""
    with ledger.begin():
        into, gone = (incidents.get(ledger, project, each) for each in (id, other))
        if into is None or gone is None:
            return Declined("not_found", f"There is no incident {other if into else id}.", "homeostat incident ls")
        own = actions.listed(ledger, project, incident=other)
        if wrong := _apart(into, gone, own):
            return wrong
        (low, high), streams = incidents.place(ledger, project, id)
        (other_low, other_high), more = incidents.place(ledger, project, other)
        kept = replace(
            into, findings=tuple(sorted({*into.findings, *gone.findings})), onset=min(into.onset, gone.onset),
            severity=worse(into.severity, gone.severity),
        )  # fmt: skip
        incidents.change(ledger, kept, hull=(min(low, other_low), max(high, other_high)), streams=[*streams, *more])
        incidents.note(ledger, project, id, Entry(at, "state", f"#{other} was merged into this, by {by}", by))
        for action in own:
            if action.state == "proposed":
                author = Author(by, as_datetime(at), datetime.now(UTC))
                acting.decline(ledger, project, action.id, author, why=f"it is the same as #{id}")
        for action in actions.listed(ledger, project, incident=other):
            actions.move(ledger, action, incident=id)
        closed = replace(gone, state="closed", closed=at, closed_by=by, merged_into=id)
        incidents.change(ledger, closed)
        tell(ledger, closed, "closed", f"merged into #{id}, by {by}", at=at, by=by)
        return incidents.get(ledger, project, id) or kept


def _apart(into: Incident, gone: Incident, own: Sequence[Action]) -> Declined | None:
    """Why these two cannot become one."""
    if into.id == gone.id:
        return Declined("conflict", f"Incident {into.id} cannot be merged into itself.")
    for each in (into, gone):
        if each.merged_into:
            return Declined("conflict", f"Incident {each.id} was merged into {each.merged_into} already.")
    if into.state == "closed" and gone.state != "closed":
        return Declined(
            "conflict", f"Incident {into.id} is closed, and {gone.id} is open.",
            f"Open {into.id} again first, or merge {into.id} into {gone.id}.",
        )  # fmt: skip
    going = next((each for each in own if each.state in _GOING), None)
    if going is not None:
        return Declined(
            "conflict", f"Action {going.id} of incident {gone.id} is {going.state}.",
            f"Merge them when it is done, or {into.id} into {gone.id}.",
        )  # fmt: skip
    return None


def split(ledger: Ledger, project: str, id: int, parts: Sequence[int], *, by: str, at: int) -> Incident | None:
    """These findings are something else: a new incident of its own. None: it would leave one of the two empty."""
    with ledger.begin():
        before = incidents.get(ledger, project, id)
        going = set(parts)
        if before is None or before.merged_into or not going or not going < set(before.findings):
            return None
        found = {each.id: each for each in findings.get(ledger, project, list(before.findings))}
        apart = [found[each] for each in sorted(going) if each in found]
        stay = [found[each] for each in before.findings if each not in going and each in found]
        if not apart or not stay:
            return None
        kept = replace(before, **summed(stay), findings=tuple(each.id for each in stay))
        incidents.change(ledger, kept, hull=began(stay), streams=[stream(each) for each in stay])
        made = opened(ledger, project, apart, at, f"split from #{id}, by {by}")
        numbers = ", ".join(str(each.id) for each in apart)
        incidents.note(
            ledger, project, id, Entry(at, "state", f"#{made.id} was split from this, by {by}: {numbers}", by)
        )
        return made


def _set(ledger: Ledger, project: str, id: int, entry: Entry, **values: Any) -> Incident | None:
    with ledger.begin():
        before = incidents.get(ledger, project, id)
        if before is None:
            return None
        if values:
            incidents.change(ledger, replace(before, **values))
        incidents.note(ledger, project, id, entry)
        return incidents.get(ledger, project, id)
