"""From evidence to causes: the points that each cause gathered become weights."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from homeostat.act.diagnosis.causes import RULES, Case
from homeostat.act.diagnosis.evidence import Evidence, marked
from homeostat.records import words
from homeostat.records.finding import OURS
from homeostat.records.incident import CAUSES, ITSELF, Candidate, Cause, Sight

#: Pieces of evidence are not independent: so many points are worth one.
DOUBT: Final = 2.0
_LINES: Final = 6


def diagnose(evidence: Evidence) -> tuple[Candidate, ...]:
    """Every cause with its weight, the likeliest first. The weights sum to 1. What stopped of ours is no riddle."""
    stopped = [each for each in evidence.findings if each.measure.startswith(OURS)]
    if stopped and len(stopped) == len(evidence.findings):
        said = tuple(words.finding(each)[:-1] for each in stopped[:_LINES])
        return (Candidate(ITSELF, 1.0, said, (), "`homeostat doctor` says which part it is, and why."),)
    evidence = replace(evidence, findings=tuple(each for each in evidence.findings if each not in stopped))
    evidence = replace(evidence, moved=marked(evidence.moved, evidence.findings))
    cases = {cause: rule(evidence) for cause, rule in RULES.items()}
    most = max(case.points for case in cases.values())
    raw = {cause: math.exp((case.points - most) / DOUBT) for cause, case in cases.items()}
    total = sum(raw.values())
    order = sorted(CAUSES, key=lambda cause: (-raw[cause], CAUSES.index(cause)))
    return tuple(_candidate(cause, cases[cause], raw[cause] / total, _sights(evidence, cause)) for cause in order)


def _candidate(cause: Cause, case: Case, weight: float, moved: tuple[Sight, ...]) -> Candidate:
    def ranked(lines: list[tuple[float, str]]) -> tuple[str, ...]:
        return tuple(text for _, text in sorted(lines, key=lambda line: -line[0])[:_LINES])

    return Candidate(cause, weight, ranked(case.supports), ranked(case.contradicts), case.settle, case.subject, moved)


def _sights(evidence: Evidence, cause: Cause) -> tuple[Sight, ...]:
    """What such a cause moves: a judge's own scores, or what tells quality, once people or a judge say that it fell."""
    judged = [each for each in evidence.moved if each.moved and each.family in ("human", "feedback", "judge", "text")]
    if cause == "judge":
        found = [each for each in judged if each.family == "judge"]
    else:
        found = [each for each in judged if each.after < each.before]
        if all(each.family == "text" for each in found):
            return ()
    found.sort(key=lambda each: -abs(each.z))
    return tuple(Sight(each.measure, each.before, each.after) for each in found[:_LINES])
