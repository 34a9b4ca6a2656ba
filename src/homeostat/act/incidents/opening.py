"""A new incident from its findings, and how its people are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from homeostat.act import diagnosis, outbox
from homeostat.act.diagnosis import Evidence
from homeostat.records import words
from homeostat.records.finding import Finding, Severity
from homeostat.records.incident import REOPENED, Entry, Incident
from homeostat.store.ledger import Ledger, findings, incidents
from homeostat.store.ledger import outbox as rows

RANK: Final = {"watch": 0, "warning": 1, "critical": 2}
SILENCE: Final = "silence"
#: News that is a change of the state.
_STATES: Final = ("opened", "worse", "reopened", "unsilenced", "closed", "acknowledged")


def opened(ledger: Ledger, project: str, found: Sequence[Finding], at: int, why: str) -> Incident:
    candidates = diagnosis.diagnose(Evidence(findings=tuple(found)))
    said = summed(found)
    lines = [line(each) for each in found]
    incident = Incident(
        id=0, project=project, opened=at, state="open", cause=candidates[0].cause, candidates=candidates,
        findings=tuple(each.id for each in found), timeline=tuple(lines), **said,
    )  # fmt: skip
    made = incidents.add(ledger, incident, hull=began(found), streams=[stream(each) for each in found])
    return tell(ledger, made, "opened", why or f"opened: {story(found)}", at=at)


def tell(
    ledger: Ledger, incident: Incident, kind: str, text: str, *, at: int, by: str = "", refers: Any = None
) -> Incident:
    """A line of the timeline that people must hear of; gives the incident as it is then."""
    with ledger.begin():
        news = {"news": kind} if kind == REOPENED else {}
        entry = Entry(at, "state" if kind in _STATES else kind, text, by, refers or news)
        incidents.note(ledger, incident.project, incident.id, entry)
        title = words.title(incident, findings.get(ledger, incident.project, list(incident.findings)))
        outbox.tell(ledger, incident, kind, title, text, at=at)
        if kind == "closed":
            rows.calm(ledger, incident.project, incident.id, now=outbox.machine_now())
        return incidents.get(ledger, incident.project, incident.id) or incident


def stream(finding: Finding) -> str:
    """What a person would call the same thing firing again: measure, segment, arm; whichever monitor saw it."""
    segment = ",".join(f"{name}={value}" for name, value in sorted(finding.segment.items()))
    return f"{finding.measure}|{segment}|{finding.release}|{SILENCE if finding.against == SILENCE else ''}"


def line(finding: Finding) -> Entry:
    text = f"{words.finding(finding)[:-1]}; {words.surely(finding)}."
    return Entry(finding.at, "finding", text, "", {"finding": finding.id, "stream": stream(finding)})


def story(found: Sequence[Finding]) -> str:
    return words.finding(words.headline(found))


def summed(found: Sequence[Finding]) -> dict[str, Any]:
    worst: Severity = max((each.severity for each in found), key=lambda each: RANK[each])
    return {"onset": min(each.onset for each in found), "severity": worst}


def began(found: Sequence[Finding]) -> tuple[int, int]:
    return min(each.onset_low for each in found), max(each.onset_high for each in found)


def worse(one: Severity, other: Severity) -> Severity:
    return one if RANK[one] >= RANK[other] else other
