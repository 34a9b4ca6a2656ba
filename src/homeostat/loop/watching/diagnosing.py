"""Why? Asked again of every open incident as evidence grows: often while it is new, rarely when it is old."""

from __future__ import annotations

from typing import Final

from homeostat.act import incidents
from homeostat.act.diagnosis import Evidence, diagnose
from homeostat.act.diagnosis.gather import gather
from homeostat.loop.watching.context import Context
from homeostat.records.finding import OURS, Finding
from homeostat.records.incident import Incident
from homeostat.store.ledger import actions, comparisons, findings, meta
from homeostat.store.ledger import incidents as kept

_MINUTE: Final = 60_000_000
_HOUR: Final = 60 * _MINUTE
#: The next look comes after so much of the incident's age, within limits.
_AGAIN: Final = 0.15
_SOONEST, _LATEST = 5 * _MINUTE, 6 * _HOUR
#: Findings that a diagnosis reads: a stream that flaps brings hundreds.
_MOST: Final = 60
#: A cause so likely is said at once; one that is likely when so many answers were looked at.
_SURE, _LIKELY, _MUCH = 0.75, 0.5, 300
#: Two incidents that opened so close to each other are one when both most likely have the same cause.
_TOGETHER: Final = 3 * _HOUR
_ONE: Final = 0.6
_RULE: Final = "rule:same-cause"
#: What began so shortly before an action, and was found after it, may as well be its effect.
_AFTERWARDS: Final = 10 * _MINUTE


def run(context: Context, at: int) -> int:
    """Look at those that are due (`at`: µs, event clock); tells how many."""
    looked, troubles = 0, list[str]()
    for project in context.projects():
        for incident in kept.open(context.ledger, project):
            if not _due(context, incident, at):
                continue
            try:
                _look(context, incident, at)
                looked += 1
            except Exception as error:  # the trouble of one must not hold up the others
                troubles.append(f"incident {incident.id}: {error}"[:300])
        _same(context, project, at)
    if troubles:
        raise RuntimeError("; ".join(troubles[:5]))
    return looked


def _same(context: Context, project: str, at: int) -> None:
    """Two incidents of one time that surely have one cause are one: whoever answers it needs all that was seen. The
    younger goes into the older, unless somebody does something about it already."""
    ledger, told = context.ledger, dict[tuple[str, str], Incident]()
    for incident in sorted(kept.open(ledger, project), key=lambda each: (each.opened, each.id)):
        first = incident.candidates[0] if incident.candidates else None
        if first is None or first.cause == "none" or first.weight < _ONE or not _said(incident):
            continue
        older = told.setdefault((first.cause, first.subject), incident)
        if older is incident or incident.opened - older.opened > _TOGETHER:
            continue
        own = actions.listed(ledger, project, incident=incident.id)
        if any(action.state not in ("proposed", "declined") for action in own):
            continue
        incidents.merge(ledger, project, older.id, incident.id, by=_RULE, at=at)


def _said(incident: Incident) -> bool:
    """A cause was said, since it began or came back."""
    return any(entry.kind == "diagnosis" and entry.at >= incident.begun for entry in incident.timeline)


def _due(context: Context, incident: Incident, at: int) -> bool:
    """When it is new, when another stream joined it, and when its last look is old for its age."""
    told = meta.get(context.ledger, _mark(incident))
    if not told:
        return True
    last, seen = (int(part) for part in told.split())
    age = max(0, at - incident.begun)
    return seen != _seen(incident) or at - last >= min(max(_SOONEST, int(_AGAIN * age)), _LATEST)


def _look(context: Context, incident: Incident, at: int) -> None:
    ledger, project = context.ledger, incident.project
    # The mark comes first: an incident that cannot be looked at must not be looked at every minute.
    meta.put(ledger, _mark(incident), f"{at} {_seen(incident)}")
    found = [each for each in _found(context, incident) if not each.measure.startswith(OURS)]
    if not found:
        return  # a part of ours stopped: there is nothing to look for
    until = _until(context, incident, at, since=min(each.at for each in found))
    found = [each for each in found if each.at <= until or each.onset <= until - _AFTERWARDS] or found
    evidence = gather(ledger, context.warehouse, project, found, comparisons.latest(ledger, project), now=until)
    if not evidence.looked and not evidence.beside and _said(incident):
        return  # what was seen then is more than nothing
    candidates = diagnose(evidence)
    incidents.diagnosed(ledger, incident, candidates, at=at, say=_enough(evidence, candidates[0].weight, incident, at))


def _found(context: Context, incident: Incident) -> list[Finding]:
    """What is asked about: of an incident that came back, what was found since."""
    found = findings.get(context.ledger, incident.project, list(incident.findings))
    return ([each for each in found if each.at >= incident.begun] or found)[:_MOST]


def _until(context: Context, incident: Incident, at: int, *, since: int = 0) -> int:
    """Why it happened is asked of the time before somebody did something: what helped takes its own cause away.
    `since`: the first finding that is asked about; what was done before did not help against it."""
    own = actions.listed(context.ledger, incident.project, incident=incident.id, states=("done",))
    return min([at, *(action.ended for action in own if action.ended > max(incident.opened, since))])


def _enough(evidence: Evidence, weight: float, incident: Incident, at: int) -> bool:
    """People act on a cause once it is said: what settles it is said at once, the rest waits for more, not for ever."""
    much = evidence.looked and evidence.answers[1] >= _MUCH
    return weight >= _SURE or (much and weight >= _LIKELY) or at - incident.begun >= 2 * _HOUR


def _seen(incident: Incident) -> int:
    return incident.reopened + sum(entry.kind == "finding" for entry in incident.timeline)


def _mark(incident: Incident) -> str:
    return f"diagnosed {incident.id}"
