"""Open incidents are looked at when they are new, when they grow, and ever more rarely after that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.act import incidents
from homeostat.act.diagnosis.evidence import Evidence
from homeostat.config import Settings
from homeostat.loop.watching import diagnosing
from homeostat.loop.watching.context import Context
from homeostat.records.action import Action, Expectation
from homeostat.records.incident import Candidate, Cause
from homeostat.records.instant import micros
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, actions, projects
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.warehouse.client import Warehouse
from tests.act.diagnosis.practice import lay
from tests.act.found import DAY, HOUR, MINUTE, T0, finding, kept
from tests.builders import NOON
from tests.loop.watching.stage import MINUTE as A_MINUTE
from tests.loop.watching.stage import RELEVANCE, Stage


@pytest.fixture
def context(tmp_path: Path, warehouse: Warehouse, project: str) -> Context:
    folder = Folder(tmp_path)
    folder.prepare()
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", seal=b"seal")
    ledger.upgrade()
    projects.ensure(ledger, project, at=datetime(2026, 1, 1, tzinfo=UTC))
    clock: Any = SimpleNamespace(now=lambda: datetime.now(UTC))
    return Context(warehouse, ledger, clock, Settings(data=tmp_path), folder, lambda: None)


def test_the_cause_comes_with_the_evidence(context: Context, warehouse: Warehouse, project: str) -> None:
    """All get a release that cuts answers off, and nobody says so: the policy and the scores do."""
    laid = lay(warehouse, context.ledger, project, "cut-off")
    seen = finding("mean(score.completeness)", project=project, onset=laid.onset + 5 * MINUTE)
    at = laid.after(300)
    (one,) = incidents.take(context.ledger, project, kept(context.ledger, seen), at=at)
    assert one.candidates[0].weight < 0.5, "one finding alone settles nothing"
    late = laid.after(2300)
    assert diagnosing.run(context, late) == 1
    (now,) = kept_incidents.open(context.ledger, project)
    assert (now.cause, now.candidates[0].subject) == ("release", "B")
    (told,) = [entry for entry in now.timeline if entry.kind == "diagnosis"]
    assert told.refers["cause"] == "release" and "most likely a release of ours (B)" in told.text
    assert diagnosing.run(context, late + MINUTE) == 0, "nothing is new"
    more = finding("mean(score.coherence)", project=project, onset=laid.onset)
    incidents.take(context.ledger, project, kept(context.ledger, more), at=late + 2 * MINUTE)
    assert diagnosing.run(context, late + 2 * MINUTE) == 1, "another stream joined it"
    assert diagnosing.run(context, late + 9 * HOUR) == 1
    assert diagnosing.run(context, late + 9 * HOUR + 20 * MINUTE) == 0, "what is old is looked at rarely"
    incidents.close(context.ledger, project, one.id, by="key:a", at=late + DAY)
    assert diagnosing.run(context, late + 3 * DAY) == 0


def test_with_nothing_to_look_at_nothing_is_said_for_two_hours(context: Context, project: str) -> None:
    seen = finding("mean(score.relevance)", project=project)
    at = seen.at
    incidents.take(context.ledger, project, kept(context.ledger, seen), at=at)
    for minutes, said in ((1, 0), (60, 0), (130, 1)):
        diagnosing.run(context, at + minutes * MINUTE)
        (now,) = kept_incidents.open(context.ledger, project)
        assert [entry.kind for entry in now.timeline].count("diagnosis") == said, minutes


def test_the_trouble_of_one_holds_up_no_other(context: Context, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(2):
        seen = finding(f"mean(score.s{n})", project=project, onset=n * 2 * DAY + DAY)
        incidents.take(context.ledger, project, kept(context.ledger, seen), at=seen.at)
    real, broken = diagnosing.gather, []

    def gather(*given: Any, **named: Any) -> Any:
        if not broken:
            broken.append(1)
            raise OSError("the store is sick")
        return real(*given, **named)

    monkeypatch.setattr(diagnosing, "gather", gather)
    with pytest.raises(RuntimeError, match="the store is sick"):
        diagnosing.run(context, 9 * DAY)
    told = [any(entry.kind == "diagnosis" for entry in each.timeline)
            for each in kept_incidents.open(context.ledger, project)]  # fmt: skip
    assert sorted(told) == [False, True]


def opened(context: Context, project: str, measure: str, cause: Cause, at: int, onset: int) -> int:
    (one,) = incidents.take(
        context.ledger, project, kept(context.ledger, finding(measure, project=project, onset=onset)), at=at
    )
    incidents.diagnosed(context.ledger, one, [Candidate(cause, 0.8)], at=at)
    return one.id


def test_two_that_have_one_cause_are_one(context: Context, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosing, "_due", lambda *_: False)
    first = opened(context, project, "coverage(signals)", "provider", T0, T0 - 9 * HOUR)
    second = opened(context, project, "mean(score.groundedness)", "provider", T0 + HOUR, T0)
    other = opened(context, project, "mean(latency_ms)", "data", T0 + HOUR, T0 + 9 * HOUR)
    late = opened(context, project, "mean(cost)", "provider", T0 + 9 * HOUR, T0 + 20 * HOUR)
    diagnosing.run(context, T0 + 9 * HOUR)
    open_now = {each.id: each for each in kept_incidents.open(context.ledger, project)}
    assert set(open_now) == {first, other, late}
    assert len(open_now[first].findings) == 2
    gone = kept_incidents.get(context.ledger, project, second)
    assert gone is not None and gone.merged_into == first


def test_what_helped_does_not_take_its_cause_away(context: Context, project: str) -> None:
    one = opened(context, project, "mean(score.relevance)", "provider", T0, T0 - HOUR)
    incident = kept_incidents.get(context.ledger, project, one)
    assert incident is not None
    assert diagnosing._until(context, incident, T0 + DAY) == T0 + DAY
    expects = Expectation("mean(score.relevance)", "up", 0.1, T0 + DAY, "before")
    actions.make(context.ledger, Action(0, project, "by-hand", "fallback", {"what": "x"}, expects, "done", "anna",
                                        incident=one, proposed=T0, started=T0, ended=T0 + HOUR))  # fmt: skip
    assert diagnosing._until(context, incident, T0 + DAY) == T0 + HOUR


def test_what_follows_an_action_is_not_asked_for_the_cause(
    context: Context, warehouse: Warehouse, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid = lay(warehouse, context.ledger, project, "cut-off")
    seen = finding("mean(score.completeness)", project=project, onset=laid.onset + 5 * MINUTE)
    (one,) = incidents.take(context.ledger, project, kept(context.ledger, seen), at=laid.after(300))
    late = laid.after(2300)
    diagnosing.run(context, late)
    expects = Expectation("mean(score.relevance)", "up", 0.1, late + DAY, "before")
    actions.make(context.ledger, Action(0, project, "by-hand", "rollback", {"what": "x"}, expects, "done", "anna",
                                        incident=one.id, proposed=late, started=late, ended=late + MINUTE))  # fmt: skip
    asked: list[list[str]] = []

    def nothing(ledger: Any, warehouse: Any, project: str, found: Any, *_: Any, **__: Any) -> Evidence:
        asked.append([each.measure for each in found])
        return Evidence(tuple(found))

    monkeypatch.setattr(diagnosing, "gather", nothing)
    after = finding("mean(output_tokens)", project=project, onset=late, onset_low=laid.onset, at=late + HOUR)
    incidents.take(context.ledger, project, kept(context.ledger, after), at=late + HOUR)
    assert diagnosing.run(context, late + HOUR) == 1
    assert asked == [["mean(score.completeness)"]]
    (now,) = kept_incidents.open(context.ledger, project)
    assert (now.cause, now.candidates[0].subject) == ("release", "B"), "a look that sees nothing takes nothing back"


def bad_canary(stage: Stage) -> int:
    """A fifth of the users on B for three minutes, which is bad; then back, and C beside A. Gives when it was seen."""
    stage.talk(NOON - timedelta(hours=2), 120, {"A": 0.97}, a_minute=20)
    stage.put({"A": 0.8, "B": 0.2}, NOON)
    stage.talk(NOON, 3, {"A": 0.97, "B": 0.2}, a_minute=150)
    stage.put({"A": 1.0}, NOON + 3 * A_MINUTE)
    stage.put({"A": 0.9, "C": 0.1}, NOON + 4 * A_MINUTE)
    stage.talk(NOON + 3 * A_MINUTE, 12, {"A": 0.97, "C": 0.97}, a_minute=60)
    stage.compare(NOON + 14 * A_MINUTE, 0.2, safe=40.0, candidate="C", since=micros(NOON + 4 * A_MINUTE))
    return micros(NOON + 2 * A_MINUTE)


def fallen(stage: Stage, at: int, onset: int) -> int:
    """What the monitor finds then, and the incident that it belongs to."""
    seen = finding(
        RELEVANCE, project=stage.project, at=at, onset=onset, onset_low=onset - MINUTE, onset_high=onset + MINUTE,
        value=0.8, reference=0.97, rung="engine",
    )  # fmt: skip
    ledger = stage.context.ledger
    (one,) = incidents.take(ledger, stage.project, kept(ledger, seen), at=at)
    return one.id


def said(stage: Stage, id: int) -> tuple[str, str, str]:
    """The cause, what it blames, and everything that is said for and against any of them."""
    now = kept_incidents.get(stage.context.ledger, stage.project, id)
    assert now is not None
    told = " ".join(text for one in now.candidates for text in (*one.supports, *one.contradicts))
    return now.cause, now.candidates[0].subject, told


def test_a_bad_canary_is_the_cause_after_it_serves_nobody(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    id = fallen(stage, bad_canary(stage), micros(NOON))
    incident = kept_incidents.get(stage.context.ledger, project, id)
    assert incident is not None
    expects = Expectation(RELEVANCE, "up", 0.1, incident.opened + DAY, "before")
    went_back = micros(NOON + 3 * A_MINUTE)
    actions.make(stage.context.ledger, Action(
        0, project, "by-hand", "rollback", {"what": "x"}, expects, "done", "anna", incident=id,
        proposed=went_back, started=went_back, ended=went_back,
    ))  # fmt: skip
    diagnosing.run(stage.context, micros(NOON + 15 * A_MINUTE))
    cause, subject, told = said(stage, id)
    assert (cause, subject) == ("release", "B"), told
    assert "of B" in told and "where it began" in told
    for untrue in ("nothing of ours", "nothing changed by us", "alike: C", "C and A do alike", "will tell"):
        assert untrue not in told, untrue


def test_what_came_back_is_asked_about_anew(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    """The first time all releases were bad alike; when it came back, it was B."""
    stage = Stage.at(tmp_path, warehouse, project, {"A": 1.0})
    ledger, begun = stage.context.ledger, NOON - timedelta(hours=6)
    stage.talk(begun - timedelta(hours=2), 120, {"A": 0.97}, a_minute=12)
    stage.talk(begun, 60, {"A": 0.5}, a_minute=12)
    id = fallen(stage, micros(begun + 5 * A_MINUTE), micros(begun))
    diagnosing.run(stage.context, micros(begun + 30 * A_MINUTE))
    assert said(stage, id)[0] == "provider"
    expects = Expectation(RELEVANCE, "up", 0.1, micros(NOON), "before")
    mended = micros(begun + 60 * A_MINUTE)
    actions.make(ledger, Action(0, project, "by-hand", "fallback", {"what": "x"}, expects, "done", "anna", incident=id,
                                proposed=mended, started=mended, ended=mended))  # fmt: skip
    incidents.close(ledger, project, id, by="verdict:1", at=mended + 30 * MINUTE)
    at = bad_canary(stage)
    assert fallen(stage, at, micros(NOON)) == id
    assert said(stage, id)[0] != "provider", "what was said of the first time is not said of this one"
    diagnosing.run(stage.context, at + MINUTE)
    cause, subject, told = said(stage, id)
    assert (cause, subject) == ("release", "B"), told
    now = kept_incidents.get(ledger, project, id)
    assert now is not None and [entry.kind for entry in now.timeline].count("diagnosis") == 2
