"""What only repeats the documents, and what only seems to."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers.case import Case, Scored
from homeostat.analyze.scorers.entailment.copies import verbatim
from homeostat.analyze.scorers.entailment.reading import read, sources
from homeostat.analyze.scorers.groundedness import Groundedness

_PAN = "The ceramic coating is free of lead. With daily use it will keep its gloss for three years. Metal tools and the dishwasher shorten its life, unless they are soft."
_RATES = "The Basic plan costs 9 euros per month and includes 3 projects. The Pro plan costs 29 euros per month, and includes support. If the light blinks three times, the filter is blocked."


@pytest.mark.parametrize(
    ("claim", "document"),
    [
        ("The ceramic coating is free of lead.", _PAN),
        ("With daily use the ceramic coating will keep its gloss for three years.", _PAN),
        ("The ceramic coating is free of lead, and with daily use it will keep its gloss for three years.", _PAN),
        ("With daily use it will keep its gloss for three years, and the ceramic coating is free of lead.", _PAN),
        ("The Pro plan costs 29 euros per month, while the Basic plan costs 9 euros per month.", _RATES),
    ],
)
def test_what_is_copied_is_seen(claim: str, document: str) -> None:
    assert verbatim(read(claim), sources((document,))) == 1


@pytest.mark.parametrize(
    ("claim", "document"),
    [
        # A word in the place of another, one more, a condition less, somebody else's, another number.
        ("The ceramic coating is free of nickel.", _PAN),
        ("The ceramic coating is free of lead and nickel.", _PAN),
        ("Metal tools and the dishwasher shorten its life.", _PAN),
        ("The Basic plan costs 29 euros per month.", _RATES),
        ("The Basic plan costs 9 euros per month, and includes support.", _RATES),
        ("If the light blinks, the filter is blocked.", _RATES),
    ],
)
def test_what_was_changed_is_no_copy(claim: str, document: str) -> None:
    assert verbatim(read(claim), sources((document,))) == 0


def test_an_answer_that_only_repeats_is_good() -> None:
    answer = "The ceramic coating is free of lead, and with daily use it will keep its gloss for three years."
    found = Groundedness().score(Case(answer, "Is it good?", documents=[_PAN]))
    assert isinstance(found, Scored)
    assert found.label == "good"
