"""Every scorer of the table keeps the contract, whatever it is given."""

from __future__ import annotations

import dataclasses
import re
import sys
from typing import Final

import pytest

from homeostat.analyze.scorers import Case, Scored, Scorer, Unscored, find
from homeostat.analyze.scorers.cards import CARDS
from homeostat.analyze.scorers.registry import TABLE

NAMES = [one.name for one in TABLE]
AWKWARD = {
    "nothing": Case(""),
    "blank": Case(" \n\t "),
    "marks": Case("?!.,;:()[]{}<>|/\\\"'`~@#$%^&*-_=+", "???"),
    "no latin": Case("これはテストです。返品は三十日以内です。", "返品できますか", ["返品は30日以内に受け付けます。"]),
    "arabic": Case("يمكنك إرجاع المنتج خلال ٣٠ يومًا.", "هل يمكنني الإرجاع؟", ["الإرجاع خلال 30 يومًا"]),
    "surrogate": Case("a \ud800 b", "c \udfff", ["\ud83d"]),
    "zeros": Case("\x00\x01\u202e\u200b0", "\x00", ["\x00"], "\x00"),
    "numbers": Case("1,2,3.4.5,6 1e999 ٣ ½ 00000000000000000000001", "9" * 400, ["9" * 400], "1/0"),
    "table": Case("| a | b |\n|---|---|\n| 1 | 2 |\n", "a table please", ["| a | b |"]),
    "code": Case("```python\ndef f(x):\n    return x[0] // 0\n```", "write f", ["def f"]),
    "one word": Case("Yes", "Is it?", ["It is."], "Yes"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", AWKWARD.values(), ids=AWKWARD)
def test_it_answers_a_value_or_a_reason(name: str, case: Case) -> None:
    found = find(name).score(case)
    if isinstance(found, Unscored):
        assert found.reason
    else:
        assert isinstance(found, Scored)
        assert 0 <= found.value <= 1
        assert found.label == ("good" if found.value >= 0.5 else "bad")


@pytest.mark.parametrize("name", ["safety", "bias", "privacy"])
def test_who_says_nothing_does_no_harm(name: str) -> None:
    """A call that failed has no answer: counted as harm it would hide what does harm, which is as rare."""
    assert find(name).score(Case(" ", "How long?")) == Unscored("the answer is empty")


@pytest.mark.parametrize("one", TABLE, ids=NAMES)
def test_it_is_a_frozen_dataclass_with_one_method(one: Scorer) -> None:
    assert dataclasses.is_dataclass(one)
    assert one.__dataclass_params__.frozen
    assert isinstance(one, Scorer)
    assert type(one).__doc__


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_case_gets_the_same_score(name: str) -> None:
    case = Case("Returns take 30 days. Call us.", "How long?", ["Returns are accepted within 30 days."], "30 days")
    assert find(name).score(case) == find(name).score(case)


UNITS = ["a", "word ", "a.b-", "(((", "1,", "not ", "kill ", "x@", "\n- ", "if and "]


def work(name: str, unit: str, size: int) -> int:
    """How many calls a scorer makes for a text of this size: unlike its time, always the same."""
    text = unit * (size // len(unit))
    find(name).score(Case("what is", "loaded once", ["is not counted"], "here"))
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += 1

    sys.setprofile(count)
    try:
        find(name).score(Case(text, text[:5000], [text], text))
    finally:
        sys.setprofile(None)
    return made


ENOUGH: Final = 20_000_000
"""Calls for the longest text: what compares all with all makes hundreds of millions."""


@pytest.mark.parametrize("name", CARDS)
def test_a_huge_text_takes_a_bounded_work(name: str) -> None:
    assert work(name, "not a.b-1 ", 30_000) < ENOUGH


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("unit", UNITS)
def test_no_huge_text_takes_more(name: str, unit: str) -> None:
    assert work(name, unit, 200_000) < ENOUGH


def test_of_a_long_question_both_ends_are_read() -> None:
    """Patterns that look for rows of things try every word: a question of 60,000 characters took a minute."""
    long = "What is it, how much is it? " + "A, " * 20_000 + "And when does it end?"
    short = long[:2_000] + "\n" + long[-2_000:]
    answer = "It is a tour, and it is 12 euros."
    assert find("completeness").score(Case(answer, long)) == find("completeness").score(Case(answer, short))


@pytest.mark.parametrize("name", CARDS)
def test_a_card_says_what_is_missed(name: str) -> None:
    assert find(name).name == name
    assert len(CARDS[name].misses) > 20
    assert not re.search(r"\b(?:perfect|always right|guarantee)\b", CARDS[name].means)
