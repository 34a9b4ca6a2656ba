"""Scorers of others: decorated functions, places, classifiers, limits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from homeostat.analyze.scorers import Case, NotAScorer, Scored, Unscored, find, scorer
from homeostat.analyze.scorers.classifier import Classifier, Limit
from homeostat.analyze.scorers.engine import IN_ENGINE


def test_a_decorated_function_is_a_scorer() -> None:
    @scorer("test-polite", dimension="tone")
    def polite(case: Case) -> tuple[bool, str]:
        return "please" in case.output, "looked for please"

    found = find("test-polite")
    assert found.dimension == "tone"
    assert found.score(Case("please wait")) == Scored(1.0, "good", "looked for please")


@pytest.mark.parametrize("answer", [2, -0.1, "yes", None, float("nan")])
def test_what_is_no_score_is_never_a_pass(answer: object) -> None:
    @scorer("test-odd")
    def odd(case: Case) -> object:
        return answer

    assert isinstance(find("test-odd").score(Case("x")), Unscored)


def test_what_a_function_raises_is_the_reason() -> None:
    @scorer("test-raises")
    def raises(case: Case) -> float:
        raise KeyError("key")

    assert find("test-raises").score(Case("x")) == Unscored("KeyError: 'key'")


def test_the_package_offers_the_decorator_and_stays_light() -> None:
    code = """
import sys, homeostat
assert not any(name.startswith("homeostat.analyze") for name in sys.modules)
@homeostat.scorer("mine")
def mine(case): return 1
from homeostat.analyze.scorers import Case, find
assert find("mine").score(Case("x")).value == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)


def test_names_that_stand_for_nothing() -> None:
    for name in ("nothing", "no.module:thing", "json:nothing"):
        with pytest.raises(NotAScorer):
            find(name)


class Shouting:
    """A model of the shape of scikit-learn's."""

    classes_ = ("calm", "loud")

    def predict_proba(self, texts: Sequence[str]) -> list[list[float]]:
        loud = [sum(char.isupper() for char in text) / max(1, len(text)) for text in texts]
        return [[1 - value, value] for value in loud]


def test_a_classifier() -> None:
    calm = Classifier("calm", Shouting(), good="calm")
    assert calm.score(Case("GO AWAY")) == Scored(0.1429, "bad", "'calm' with probability 0.143")
    assert calm.score(Case("")) == Unscored("no output to classify")
    assert isinstance(Classifier("x", Shouting(), good="kind").score(Case("a")), Unscored)


def test_a_limit() -> None:
    limit = Limit("latency", ("latency_ms",), 1000.0, "speed")
    assert limit.score(Case("a", metadata={"latency_ms": "500"})) == Scored(1.0, "good", "latency_ms 500, at most 1000")
    assert limit.score(Case("a", metadata={"latency_ms": 4000})).value == 0.25  # type: ignore[union-attr]
    for odd in ({}, {"latency_ms": "soon"}, {"latency_ms": True}, {"latency_ms": -1}):
        assert isinstance(limit.score(Case("a", metadata=odd)), Unscored)


@pytest.mark.parametrize("name", [one.name for one in IN_ENGINE])
def test_who_lives_in_the_engine_says_so(name: str) -> None:
    with pytest.raises(NotAScorer, match="live traffic"):
        find(name)
