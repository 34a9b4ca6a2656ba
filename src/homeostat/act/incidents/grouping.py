"""What belongs together: the same stream, or onsets that touch and nothing that tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from homeostat.act.diagnosis import Evidence, diagnose
from homeostat.act.incidents.expected import expected
from homeostat.act.incidents.opening import RANK, SILENCE, line, opened, stream, tell, worse
from homeostat.records import words
from homeostat.records.finding import Finding
from homeostat.records.incident import Candidate, Entry, Incident
from homeostat.store.ledger import Ledger, findings, incidents
from homeostat.store.ledger.incidents import Placed

#: Onsets that lie no further apart belong together.
NEAR: Final = 1_800_000_000
#: What fires again so soon after its incident was closed is the same incident.
AGAIN: Final = 86_400_000_000
#: A finding of a stream that the incident has already is a line of its timeline at most so often.
_QUIET: Final = 3_600_000_000


def take(ledger: Ledger, project: str, found: Sequence[Finding], *, at: int) -> list[Incident]:
    """Put findings into incidents; tells which were opened, grew or came back. Call it where they are written.

    What an action of ours was to bring about is none.
    """
    touched: dict[int, Incident] = {}
    with ledger.begin():
        places = incidents.places(ledger, project, since=at - AGAIN) if found else []
        for finding in sorted(found, key=lambda each: (each.onset, each.at, each.id)):
            if expected(ledger, project, finding):
                continue
            incident = _place(ledger, project, places, finding, at)
            touched[incident.id] = incident
            others = [each for each in places if each.id != incident.id]
            places = [*incidents.places(ledger, project, since=0, id=incident.id), *others]
    return list(touched.values())


def diagnosed(
    ledger: Ledger, incident: Incident, candidates: Sequence[Candidate], *, at: int, say: bool = True
) -> Incident:
    """What the evidence says now. The first look, and each change of the cause shown, is a line of the timeline.

    `say`: false while there is too little to say anything; the candidates are kept all the same.
    """
    with ledger.begin():
        now = incidents.get(ledger, incident.project, incident.id)
        if now is None or now.state == "closed" or not candidates:
            return now or incident
        first = candidates[0]
        known = any(entry.kind == "diagnosis" and entry.at >= now.begun for entry in now.timeline)
        same = bool(now.candidates) and (now.cause, now.candidates[0].subject) == (first.cause, first.subject)
        if (known or not say) and same and now.candidates == tuple(candidates):
            return now
        after = replace(now, cause=first.cause, candidates=tuple(candidates))
        incidents.change(ledger, after)
        if say and (not known or not same):
            because = f": {first.supports[0]}" if first.supports else ""
            text = f"most likely {words.cause(first)} ({first.weight:.0%}){because}"
            refers = {"cause": first.cause, "subject": first.subject, "weight": round(first.weight, 3)}
            incidents.note(ledger, now.project, now.id, Entry(at, "diagnosis", text, "", refers))
        return incidents.get(ledger, now.project, now.id) or after


@dataclass(frozen=True, slots=True)
class _Home:
    incident: Placed
    how: Literal["known", "near", "back"]


def _place(ledger: Ledger, project: str, places: Sequence[Placed], finding: Finding, at: int) -> Incident:
    home = _home(places, finding)
    if home is None:
        return opened(ledger, project, [finding], at, "")
    return _joined(ledger, home, finding, at)


def _home(places: Sequence[Placed], finding: Finding) -> _Home | None:
    mine, now = stream(finding), [each for each in places if not each.closed]
    known = next((each for each in now if mine in each.streams), None)
    if known is not None:
        return _Home(known, "known")
    near = [each for each in now if _touches(each.hull, finding) and not _apart(each.streams, finding)]
    if near:
        return _Home(min(near, key=lambda each: abs(each.onset - finding.onset)), "near")
    back = next((each for each in places if each.closed and mine in each.streams), None)
    return None if back is None else _Home(back, "back")


def _touches(hull: tuple[int, int], finding: Finding) -> bool:
    return finding.onset_low <= hull[1] + NEAR and finding.onset_high >= hull[0] - NEAR


def _apart(streams: Sequence[str], finding: Finding) -> bool:
    """Evidence that tells them apart: another arm of a comparison; what stopped, beside what changed."""
    arms = {each.split("|")[2] for each in streams} - {""}
    silent = all(each.endswith(f"|{SILENCE}") for each in streams)
    if silent != (finding.against == SILENCE):
        return True
    return bool(finding.release and arms and finding.release not in arms)


def _joined(ledger: Ledger, home: _Home, finding: Finding, at: int) -> Incident:
    before = incidents.get(ledger, finding.project, home.incident.id)
    assert before is not None
    (low, high), streams = home.incident.hull, home.incident.streams
    again = stream(finding) in streams
    back = home.how == "back"
    after = replace(
        before, findings=(*before.findings, finding.id), severity=worse(before.severity, finding.severity),
        onset=before.onset if again else min(before.onset, finding.onset),
    )  # fmt: skip
    if back or all(entry.kind != "diagnosis" or entry.at < before.begun for entry in before.timeline):
        # Until somebody has looked deeper, findings are all there is to go by: since it came back, only those.
        seen = [] if back else findings.get(ledger, before.project, list(before.findings))
        known = (*(each for each in seen if not before.reopened or each.at >= before.begun), finding)
        candidates = diagnose(Evidence(findings=known))
        after = replace(after, candidates=candidates, cause=candidates[0].cause)
    if back:
        after = replace(after, state="open", closed=0, closed_by="", reopened=before.reopened + 1)
    # A stream that fires again tells nothing about when it all began.
    hull = (low, high) if again else (min(low, finding.onset_low), max(high, finding.onset_high))
    incidents.change(ledger, after, hull=hull, streams=[*streams, stream(finding)])
    if not again or not _lately(before, finding, at):
        incidents.note(ledger, before.project, before.id, line(finding))
    if back:
        return tell(ledger, after, "reopened", f"it came back: {words.finding(finding)}", at=at)
    if RANK[after.severity] > RANK[before.severity]:
        return tell(ledger, after, "worse", f"{after.severity} now: {words.finding(finding)}", at=at)
    return incidents.get(ledger, before.project, before.id) or after


def _lately(incident: Incident, finding: Finding, at: int) -> bool:
    mine = stream(finding)
    return any(
        entry.kind == "finding" and entry.refers.get("stream") == mine and entry.at > at - _QUIET
        for entry in incident.timeline
    )
