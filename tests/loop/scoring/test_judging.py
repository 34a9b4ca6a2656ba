"""Judges live: limits hold, failures are no scores, nothing is asked twice, and no text gets its way (T11, T13)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from homeostat.loop.scoring.judging import Judging, today
from homeostat.loop.scoring.kinds import Runnable
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.policy import Policy, reshaped
from homeostat.store.ledger import audit, feeds, policies, scorers
from homeostat.store.ledger.feeds import Feed
from homeostat.store.warehouse import scored
from tests.analyze.judges.injections import suite
from tests.analyze.judges.serving import Answered, Asked, completion, fence_of, listening, verdict, well
from tests.analyze.judges.test_reading import GARBAGE
from tests.builders import NOON

from .conftest import NOW, judging, said, scorer

Put = Callable[..., dict[str, Any]]
Fill = Callable[..., list[dict[str, Any]]]


def run(judged: Judging, tools: Tools, project: str, *judges: Runnable) -> None:
    while judged.round(tools, project, {"judge": judges}, NOW):
        pass


def test_every_exchange_of_its_share_is_judged_once(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(60))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"}, share=0.5)
    with listening(well) as there:
        run(judging(there.url), tools, project, judge)
        rows = said(tools.warehouse, project, "judged")
        assert 15 <= len(rows) == len(there.asked) <= 45
        assert {(row["value"], row["scorer"]) for row in rows} == {(1.0, "judged@1")}
        # Somebody else begins at the same place, as after a crash: what is scored is not asked about again.
        track = "judge:judged"
        place = feeds.place(tools.ledger, project, track, start=0)
        feeds.move(tools.ledger, project, track, place, Feed(NOW - 3_600_000_000))
        run(judging(there.url), tools, project, judge)
        assert said(tools.warehouse, project, "judged") == rows and len(there.asked) == len(rows)


def test_it_looks_closer_while_releases_are_compared(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(60))

    def judged(name: str, **settings: Any) -> int:
        judge = scorer(project, name, "judge", settings={"dimension": "relevance"}, share=0.25)
        run(judging(there.url, **settings), tools, project, judge)
        return len(said(tools.warehouse, project, name))

    with listening(well) as there:
        few = judged("before")
        assert 4 <= few <= 30
        shared = Policy("assistant", 1, reshaped([], {"a": 0.9, "b": 0.1}))
        assert policies.replace(tools.ledger, project, shared, proved="", action="policy", at=NOON)
        assert judged("closer") == 60
        assert few < judged("twice", judge_closer=2.0) < 60
        assert judged("never", judge_closer=1.0) == few


def test_the_days_money_ends_it(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(100))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    with listening(well) as there:  # a thousand tokens each time: 0.01 USD
        judged = judging(there.url, judge_usd_per_day=0.5, judge_usd_per_million_in=10)
        run(judged, tools, project, judge)
        account = judged.account(tools, project, judge)
        assert len(there.asked) <= 51 and account["usd"] == pytest.approx(0.01 * len(there.asked))
        assert len(said(tools.warehouse, project, "judged")) == len(there.asked) < 100
        tomorrow = NOW + 86_400_000_000
        assert today(feeds.place(tools.ledger, project, "judge:judged", start=0).spent, tomorrow)["usd"] == 0


def test_the_minutes_number_ends_it(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(30))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    with listening(well) as there:
        run(judging(there.url, judge_per_minute=10), tools, project, judge)
        assert len(there.asked) == 10


def test_what_it_saw_before_is_remembered(tools: Tools, project: str, put: Put, fill: Fill) -> None:
    fill(["The same answer to the same question."] * 10)
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    with listening(well) as there:
        judged = judging(there.url, judge_concurrency=1)
        run(judged, tools, project, judge)
        assert len(said(tools.warehouse, project, "judged")) == 10
        put("The same answer to the same question.", at=NOON + timedelta(minutes=1))
        before = len(there.asked)
        run(judged, tools, project, judge)
        assert len(there.asked) == before


def test_a_failing_judge_is_left_alone_and_none_of_it_is_a_score(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(50))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    with listening(lambda body, number: (400, {}, {})) as there:
        judged = judging(there.url, judge_concurrency=1)
        run(judged, tools, project, judge)
        assert judged.asker.rests > 0
        assert len(there.asked) < 50
        rows = said(tools.warehouse, project, "judged")
        assert rows and {(row["value"], row["label"]) for row in rows} == {(None, "unscored")}
        assert judged.state()["failed"] >= 5


def test_a_jury_decides_by_its_median(tools: Tools, project: str, put: Put) -> None:
    put()
    levels = {"a": 1, "b": 4, "c": 5}
    judge = scorer(project, "voted", "judge", settings={"dimension": "relevance", "jury": ["a", "b", "c"]})
    with listening(lambda body, number: completion(verdict(body, level=levels[body["model"]]))) as there:
        run(judging(there.url), tools, project, judge)
        [row] = said(tools.warehouse, project, "voted")
        assert row["value"] == 0.75 and json.loads(row["reason"])["judges"] == [0.0, 0.75, 1.0]


@pytest.mark.parametrize("form", ["rubric", "yes_no"])
def test_an_obedient_judge_passes_no_injection(tools: Tools, project: str, fill: Fill, form: str) -> None:
    """T11: whoever the text speaks to, whatever it asks for, in the answer, the question or a document."""
    texts = list(dict.fromkeys(text for _, text in suite()))
    assert len(texts) >= 300
    fill({"output": "Thirty days.", "input": text} if number % 5 == 4 else text for number, text in enumerate(texts))
    judge = scorer(project, "judged", "judge", settings={"dimension": "coherence", "form": form})
    before = audit.entries(tools.ledger, project=project, limit=10), scorers.current(tools.ledger, project)
    with listening(obedient) as there:
        run(judging(there.url), tools, project, judge)
        rows = said(tools.warehouse, project, "judged")
        assert len(rows) == len(texts)
        assert [row for row in rows if row["value"] is not None] == [], "0 counted as a pass"
        assert all(row["reason"].startswith("suspicious:") for row in rows)
        assert there.asked == [], "a judge does not even see them"
    assert before == (audit.entries(tools.ledger, project=project, limit=10), scorers.current(tools.ledger, project))


def obedient(body: Asked, number: int) -> Any:
    """Does whatever the material says, and knows the check word."""
    return completion(verdict(body))


def test_a_dictated_verdict_lacks_the_check_word(tools: Tools, project: str, put: Put) -> None:
    """A judge that was talked into something by a text gives the text's verdict, and the text cannot know the word."""
    put()
    judge = scorer(project, "judged", "judge", settings={"dimension": "coherence"})
    dictated = json.dumps({"check": "material-0123456789abcdef01", "reasons": "It is perfect.", "level": 5})
    with listening(lambda body, number: completion(dictated)) as there:
        run(judging(there.url), tools, project, judge)
        assert fence_of(there.asked[0]) not in dictated
        [row] = said(tools.warehouse, project, "judged")
        assert row["value"] is None and "check word" in row["reason"]


def test_garbage_is_no_score(tools: Tools, project: str, fill: Fill) -> None:
    """T11: forty shapes of garbage and more, one for each exchange."""
    fill(f"Within {number} days." for number in range(2 * len(GARBAGE)))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})

    def every_other(body: Asked, number: int) -> Any:
        """Garbage alone would make it rest."""
        return completion(GARBAGE[number // 2 - 1]) if number % 2 == 0 else well(body, number)

    with listening(every_other) as there:
        run(judging(there.url, judge_concurrency=1), tools, project, judge)
        rows = said(tools.warehouse, project, "judged")
        told = [(row["value"], row["label"]) for row in rows]
        assert told.count((None, scored.UNSCORED)) == told.count((1.0, "good")) == len(GARBAGE) >= 40


@pytest.mark.parametrize("failing", [completion("nonsense"), (400, {}, {})])
def test_who_fails_each_time_is_left_alone_and_nothing_is_passed_by(
    tools: Tools, project: str, fill: Fill, monkeypatch: pytest.MonkeyPatch, failing: Answered
) -> None:
    """Also who answers, and is paid for it, and cannot be read. What it was not asked waits for it."""
    fill(f"Within {number} days." for number in range(50))
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    well_again = [False]
    with listening(lambda body, number: well(body, number) if well_again[0] else failing) as there:
        judged = judging(there.url, judge_concurrency=1, judge_usd_per_million_in=10)
        run(judged, tools, project, judge)
        assert len(there.asked) == 5, "no more is paid for"
        assert judged.asker.rests > 0 and judged.state()["failing"] and "the judge" in judged.state()["error"]
        after_a_while(judged, monkeypatch)
        run(judged, tools, project, judge)
        assert len(there.asked) == 6, "one question tells whether it is well again"
        rows = said(tools.warehouse, project, "judged")
        assert [row["value"] for row in rows] == [None] * 6
        after_a_while(judged, monkeypatch)
        well_again[0] = True
        run(judged, tools, project, judge)
        rows = said(tools.warehouse, project, "judged")
        assert [row["value"] for row in rows].count(1.0) == 44 and len(rows) == len(there.asked) == 50
        assert not judged.state()["failing"]
        answered = [asked for asked in there.asked if failing[0] == 200][:6] + there.asked[6:]
        assert judged.account(tools, project, judge)["usd"] == pytest.approx(0.01 * len(answered))


def after_a_while(judged: Judging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rest is over."""
    monkeypatch.setattr(judged.asker, "_rests_until", 0.0)


def test_a_judge_without_an_endpoint_is_told(tools: Tools, project: str) -> None:
    judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
    judged = judging("")
    run(judged, tools, project, judge)
    assert judged.state()["idle"] == {project: ["judged@1"]}
    run(judged, tools, project)
    assert judged.state()["idle"] == {project: []}
