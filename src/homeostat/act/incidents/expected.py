"""What an action was to bring about is no incident: whoever rolls back wants to see that it gets better."""

from __future__ import annotations

from typing import Final

from homeostat.records.action import Action
from homeostat.records.finding import Finding
from homeostat.store.ledger import Ledger, actions, findings, incidents

#: What was done is answerable for what begins so much before it: onsets are guessed that well.
_EARLY: Final = 600_000_000
#: What mends how answers are judged or told makes none of them better.
_NOT_THE_ANSWERS: Final = ("fix-judge", "fix-instrumentation", "curate")
#: Longer answers cost more.
_LENGTH: Final = ("output_tokens", "output_chars", "cost")
#: Actions that are looked at, the newest first.
_MOST: Final = 20


def expected(ledger: Ledger, project: str, finding: Finding) -> bool:
    """Is it the way back from what an action answered? A measure moves as the action expects, or against what its
    incident saw of it, or a score rises; it began with the action or later, and before the verdict was due."""
    if finding.against != "reference":
        return False
    done = actions.listed(ledger, project, states=("done",), limit=_MOST)
    return any(_in_time(each, finding) and _back(ledger, each, finding) for each in done)


def _in_time(done: Action, finding: Finding) -> bool:
    return done.ended - _EARLY <= finding.onset <= finding.at <= max(done.expects.by, done.ended + _EARLY)


def _back(ledger: Ledger, done: Action, finding: Finding) -> bool:
    told = (finding.measure, finding.direction)
    better = "score." in finding.measure and finding.direction == "up" and done.answer not in _NOT_THE_ANSWERS
    if better or told == (done.expects.measure, done.expects.direction):
        return True
    incident = incidents.get(ledger, done.project, done.incident) if done.incident else None
    seen = findings.get(ledger, done.project, incident.findings) if incident is not None else []
    return any(_one(each.measure, told[0]) and each.direction != told[1] for each in seen)


def _one(measure: str, other: str) -> bool:
    """The same, or both go with the length of answers."""
    return measure == other or all(any(name in each for name in _LENGTH) for each in (measure, other))
