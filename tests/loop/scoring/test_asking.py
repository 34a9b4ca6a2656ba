"""Several endpoints in a jury, and two answers compared in both orders."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller
from homeostat.analyze.scorers import Case, Scored, Unscored
from homeostat.config import Settings
from homeostat.loop.scoring.asking import Answer, Asker, endpoint_of
from homeostat.loop.scoring.rowwise import RowJudge
from tests.analyze.judges.serving import Answered, Asked, completion, listening, verdict

GOOD, POOR = Case("It costs nine euros.", "How much is it?"), Case("It is blue.", "How much is it?")


def says(**changes: Any) -> Callable[[Asked, int], Answered]:
    return lambda body, number: completion(verdict(body, **changes))


def prefers_nine(body: Asked, number: int) -> Answered:
    """A judge that knows the better answer wherever it stands."""
    told = body["messages"][-1]["content"]
    return completion(verdict(body, better="first" if told.index("nine") < told.index("blue") else "second"))


def asked(settings: Settings, judge: Judge, *cases: Case) -> Answer:
    endpoint = endpoint_of(settings)
    assert endpoint is not None

    async def run() -> Answer:
        caller, asker = Caller(endpoint), Asker(settings, b"s" * 32)
        try:
            return await (asker.ask(caller, judge, *cases) if len(cases) == 1 else asker.prefer(caller, judge, *cases))
        finally:
            await caller.close()

    return asyncio.run(run())


def test_a_jury_sits_at_several_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THIRD_KEY", "k-3")
    with listening(says(level=5)) as one, listening(says(level=4)) as two, listening(says(level=1)) as three:
        others = {
            "second": {"url": two.url, "model": "m2", "usd_per_million_in": 1.0},
            "third": {"url": three.url, "model": "m3", "key_env": "THIRD_KEY"},
        }
        settings = Settings(judge_url=one.url, judge_model="m1", judges=others)
        found = asked(settings, Judge("relevance", jury=("m1", "second", "third")), GOOD)
    assert isinstance(found.said, Scored)
    assert found.said.value == 0.75
    assert found.calls == 3
    assert found.usd == pytest.approx(0.001)
    assert [each.asked[0]["model"] for each in (one, two, three)] == ["m1", "m2", "m3"]
    assert three.headers[0]["authorization"] == "Bearer k-3"
    assert "authorization" not in two.headers[0]


def test_the_better_of_two_is_found_in_both_orders() -> None:
    with listening(prefers_nine) as endpoint:
        settings = Settings(judge_url=endpoint.url, judge_model="m")
        first, second = asked(settings, Judge("relevance"), GOOD, POOR), asked(settings, Judge("relevance"), POOR, GOOD)
        assert len(endpoint.asked) == 4
    assert isinstance(first.said, Scored)
    assert isinstance(second.said, Scored)
    assert (first.said.value, first.said.label, first.calls) == (1.0, "first", 2)
    assert (second.said.value, second.said.label) == (0.0, "second")


def test_who_always_says_first_has_no_preference() -> None:
    with listening(says(better="first")) as endpoint:
        found = asked(Settings(judge_url=endpoint.url, judge_model="m"), Judge("relevance"), GOOD, POOR)
    assert isinstance(found.said, Scored)
    assert (found.said.value, found.said.label, found.said.reason["steady"]) == (0.5, "neither", False)


def test_a_jury_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(prefers_nine) as one, listening(says(better="first")) as two:
        settings = Settings(judge_url=one.url, judge_model="m", judges={"other": {"url": two.url, "model": "x"}})
        found = asked(settings, Judge("relevance", jury=("m", "n", "other")), GOOD, POOR)
    assert isinstance(found.said, Scored)
    assert (found.said.value, found.said.label, found.calls) == (1.0, "first", 6)


@pytest.mark.parametrize("answer", [(500, {}, {"retry-after": "0"}), completion("nonsense"), completion("{}")])
def test_without_both_verdicts_there_is_no_preference(answer: Answered) -> None:
    with listening(lambda body, number: answer) as endpoint:
        found = asked(Settings(judge_url=endpoint.url, judge_model="m"), Judge("relevance"), GOOD, POOR)
    assert isinstance(found.said, Unscored)


def test_nothing_is_asked_about_an_empty_answer() -> None:
    settings = Settings(judge_url="http://127.0.0.1:9/v1", judge_model="m")
    found = asked(settings, Judge("relevance"), Case(" ", "q"), GOOD)
    assert isinstance(found.said, Scored)
    assert (found.said.value, found.said.label, found.calls) == (0.0, "second", 0)
    assert isinstance(asked(settings, Judge("relevance"), Case(" ", "q"), Case("", "q")).said, Unscored)


def test_a_row_with_another_answer_is_compared() -> None:
    def answer(body: Asked, number: int) -> Answered:
        pairwise = re.search('"better"', str(body))
        return prefers_nine(body, number) if pairwise else completion(verdict(body, level=2))

    with listening(answer) as endpoint:
        judge = RowJudge.of(Judge("relevance"), Settings(judge_url=endpoint.url, judge_model="m"))
        assert judge is not None
        one = judge.score(GOOD)
        two = judge.score(Case(GOOD.output, GOOD.input, metadata={"other": POOR.output}))
    assert isinstance(one, Scored)
    assert isinstance(two, Scored)
    assert (judge.name, one.value, two.value, two.label) == ("judge-relevance", 0.25, 1.0, "first")
    assert RowJudge.of(Judge("relevance"), Settings(judge_url="")) is None
