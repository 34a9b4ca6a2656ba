from __future__ import annotations

from typing import Any

import pytest

from homeostat.act import incidents
from homeostat.records.action import Action, Expectation
from homeostat.records.finding import Finding
from homeostat.records.incident import Incident
from homeostat.store.ledger import Ledger, actions
from homeostat.store.ledger import incidents as kept_incidents
from tests.act.found import DAY, HOUR, MINUTE, T0, finding, kept


def take(ledger: Ledger, *found: Finding) -> list[Incident]:
    return incidents.take(ledger, "p", kept(ledger, *found), at=max(each.at for each in found))


def everything(ledger: Ledger) -> list[Incident]:
    return kept_incidents.listed(ledger, "p")


def test_one_fall_seen_by_three_measures_is_one_incident(ledger: Ledger) -> None:
    first = take(ledger, finding())[0]
    take(ledger, finding("mean(signal.thumbs)", onset=T0 + 20 * MINUTE, rung="signal"))
    take(ledger, finding("mean(score.groundedness)", onset=T0 + 50 * MINUTE, severity="critical"))
    (one,) = everything(ledger)
    assert (one.id, len(one.findings), one.severity, one.state, one.onset) == (first.id, 3, "critical", "open", T0)
    assert [entry.kind for entry in one.timeline] == ["finding", "state", "finding", "finding", "state"]


@pytest.mark.parametrize(("away", "incidents_then"), [(39, 1), (41, 2), (-39, 1), (-41, 2)])
def test_onsets_within_half_an_hour_of_each_other_belong_together(
    ledger: Ledger, away: int, incidents_then: int
) -> None:
    """Each onset is known to 5 minutes both ways: the intervals are 30 minutes apart when the guesses are 40."""
    take(ledger, finding())
    take(ledger, finding("mean(score.safety)", onset=T0 + away * MINUTE, at=T0 + 3 * HOUR))
    assert len(everything(ledger)) == incidents_then


@pytest.mark.parametrize(
    "other", [{"release": "C", "against": "release"}, {"against": "silence", "value": None, "low": None, "high": None}]
)
def test_evidence_tells_apart(ledger: Ledger, other: dict[str, Any]) -> None:
    take(ledger, finding(release="B", against="release"))
    take(ledger, finding("mean(score.safety)", **other))
    assert len(everything(ledger)) == 2


def test_two_measures_of_one_arm_belong_together(ledger: Ledger) -> None:
    take(ledger, finding(release="B", against="release"), finding("mean(score.safety)", release="B", against="release"))
    (one,) = everything(ledger)
    assert (one.cause, one.candidates[0].subject) == ("release", "B")


def test_a_flapping_stream_is_one_incident_and_few_lines(ledger: Ledger) -> None:
    for n in range(200):
        take(ledger, finding(onset=T0 + n * 7 * MINUTE))
    (one,) = everything(ledger)
    assert len(one.findings) == 200
    # One line an hour at most: 200 times seven minutes are 23.3 hours.
    assert len([entry for entry in one.timeline if entry.kind == "finding"]) <= 25


def test_what_flaps_in_a_minute_after_closing_comes_back_as_the_same(ledger: Ledger) -> None:
    (one,) = take(ledger, finding())
    for n in range(1, 6):
        at = T0 + n * 3 * HOUR
        assert incidents.close(ledger, "p", one.id, by="key:a", at=at) is not None
        take(ledger, finding(onset=at + HOUR))
    (again,) = everything(ledger)
    assert (again.id, again.state, again.reopened, again.closed) == (one.id, "open", 5, 0)


@pytest.mark.parametrize(("later", "count"), [(DAY - MINUTE, 1), (DAY + MINUTE, 2)])
def test_what_fires_again_within_a_day_reopens(ledger: Ledger, later: int, count: int) -> None:
    (one,) = take(ledger, finding())
    incidents.close(ledger, "p", one.id, by="key:a", at=T0 + HOUR)
    take(ledger, finding(onset=T0 + later, at=T0 + HOUR + later))
    assert len(everything(ledger)) == count


def test_another_stream_does_not_reopen(ledger: Ledger) -> None:
    (one,) = take(ledger, finding())
    incidents.close(ledger, "p", one.id, by="key:a", at=T0 + HOUR)
    take(ledger, finding("mean(score.safety)", onset=T0 + 2 * HOUR))
    assert [each.state for each in everything(ledger)] == ["open", "closed"]


def test_projects_do_not_meet(ledger: Ledger) -> None:
    take(ledger, finding())
    incidents.take(ledger, "q", kept(ledger, finding(project="q")), at=T0 + HOUR)
    assert len(everything(ledger)) == 1 and len(kept_incidents.listed(ledger, "q")) == 1
    assert kept_incidents.get(ledger, "q", everything(ledger)[0].id) is None


def test_all_or_nothing_with_what_was_found(ledger: Ledger) -> None:
    class Broken(Exception):
        pass

    with pytest.raises(Broken), ledger.begin():
        take(ledger, finding())
        raise Broken
    assert everything(ledger) == []


def test_a_diagnosis_is_told_when_it_changes_and_only_then(ledger: Ledger) -> None:
    from dataclasses import replace

    (one,) = take(ledger, finding())
    first, *others = one.candidates
    for _ in range(3):
        one = incidents.diagnosed(ledger, one, one.candidates, at=T0 + HOUR)
    assert [entry.kind for entry in one.timeline].count("diagnosis") == 1
    swapped = (replace(others[0], weight=0.9), replace(first, weight=0.1))
    one = incidents.diagnosed(ledger, one, swapped, at=T0 + 2 * HOUR)
    assert one.cause == others[0].cause
    told = [entry for entry in one.timeline if entry.kind == "diagnosis"]
    assert [entry.refers["cause"] for entry in told] == [first.cause, others[0].cause]


def _done(ledger: Ledger, incident: int, answer: str, at: int) -> None:
    expects = Expectation("mean(score.relevance)", "up", 0.05, at + 2 * HOUR, low=0.8)
    made = Action(0, "p", "by-hand", answer, {}, expects, "done", "anna", "", incident, at, started=at, ended=at)
    actions.make(ledger, made)


def test_getting_better_after_an_action_is_no_incident(ledger: Ledger) -> None:
    fell = take(ledger, finding(), finding("coverage(signal.came_back)", direction="up"))[0]
    _done(ledger, fell.id, "rollback", T0 + 5 * HOUR)
    after: dict[str, Any] = {"direction": "up", "onset": T0 + 5 * HOUR + 10 * MINUTE}
    assert take(ledger, finding(**after)) == []  # what the action expects
    assert take(ledger, finding("mean(score.content)", **after)) == []  # a score that rises
    less = finding("coverage(signal.came_back)", direction="down", onset=after["onset"])
    assert take(ledger, less) == []  # back from where its incident saw it go
    assert len(everything(ledger)) == 1


def test_answers_that_are_as_long_as_before_cost_what_they_cost(ledger: Ledger) -> None:
    shorter = take(ledger, finding("mean(output_tokens)", direction="down"))[0]
    _done(ledger, shorter.id, "rollback", T0 + 5 * HOUR)
    then = T0 + 5 * HOUR + 10 * MINUTE
    assert take(ledger, finding("mean(cost)", direction="up", onset=then)) == []
    assert take(ledger, finding("mean(latency_ms)", direction="up", onset=then))


def test_what_an_action_does_not_explain_is_an_incident(ledger: Ledger) -> None:
    fell = take(ledger, finding())[0]
    _done(ledger, fell.id, "fix-instrumentation", T0 + 5 * HOUR)
    then = T0 + 5 * HOUR + 10 * MINUTE
    assert take(ledger, finding("mean(score.content)", direction="up", onset=then))  # that mends no answer
    assert take(ledger, finding("mean(cost)", direction="up", onset=then + 3 * HOUR))
    early = finding("mean(score.relevance)", direction="up", onset=T0 + 2 * HOUR)
    late = finding("mean(score.relevance)", direction="up", onset=T0 + 20 * HOUR)
    assert take(ledger, early) and take(ledger, late)


def test_many_findings_find_their_own_incidents(ledger: Ledger) -> None:
    """A stream's own incident is found among many, and those of the same call are known to each other."""
    for n in range(30):
        take(ledger, finding(f"mean(score.s{n})", onset=T0 + n * DAY))
    found = [finding(f"mean(score.s{n})", onset=T0 + 40 * DAY) for n in range(30)]
    new = [finding(f"mean(score.n{n})", onset=T0 + 50 * DAY) for n in range(3)]
    assert len(take(ledger, *found, *new)) == 31
    assert len(everything(ledger)) == 31 and len(everything(ledger)[0].findings) == 3
