"""Who did what to whom, what came first, and on which side of a moment something lies."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers.case import Case, Scored
from homeostat.analyze.scorers.entailment.reading import read
from homeostat.analyze.scorers.entailment.roles import aside, order
from homeostat.analyze.scorers.entailment.scope import condition
from homeostat.analyze.scorers.registry import find


@pytest.mark.parametrize(
    ("snippet", "claim", "swapped"),
    [
        ("Nurse Patel called Dr Weiss.", "Dr Weiss called Nurse Patel.", True),
        ("The cat chased the dog.", "The dog was chased by the cat.", False),
        ("The cat chased the dog.", "The cat was chased by the dog.", True),
        ("Okafor was replaced by Lund in the 80th minute.", "Okafor replaced Lund.", True),
        ("Okafor was replaced by Lund in the 80th minute.", "Lund replaced Okafor late.", False),
        (
            "The road was closed because the bridge collapsed.",
            "The bridge collapsed because the road was closed.",
            True,
        ),
        ("The road was closed because the bridge collapsed.", "The bridge collapsed, so the road was closed.", False),
        ("Pay before you leave.", "Leave after you pay.", False),
        ("Pay before you leave.", "Leave before you pay.", True),
        ("Tom is older than Ben.", "Ben is younger than Tom.", False),
        ("Tom is older than Ben.", "Ben is older than Tom.", True),
        ("Whisk the eggs, then fold in the flour.", "Fold in the flour, then whisk the eggs.", True),
        ("If the lamp blinks, change the filter.", "Change the filter if the lamp blinks.", False),
    ],
)
def test_two_things_have_changed_their_places(snippet: str, claim: str, *, swapped: bool) -> None:
    assert bool(order(read(claim), read(snippet))[0]["order_swapped"]) is swapped


def test_what_lies_on_the_other_side_of_a_moment_is_seen() -> None:
    snippet = read("Changes are possible until the autumn break.")
    assert aside(read("You can change it after the autumn break."), snippet)[0]["aside"] == 1
    assert aside(read("You can change it before the autumn break."), snippet)[0]["aside"] == 0


def test_a_condition_may_be_left_out_only_where_the_question_supposes_it() -> None:
    snippet, claim = read("Children enter free when accompanied by an adult."), read("Children enter free.")
    assert condition(claim, snippet, frozenset()) == 1
    assert condition(claim, snippet, read("I am an adult, accompanied by my children.").stems) == 0
    assert condition(read("Accompanied by an adult, children pay nothing."), snippet, frozenset()) == 0


@pytest.mark.parametrize(
    ("claim", "label"),
    [("Premium cannot be cancelled.", "bad"), ("You may cancel premium whenever you like.", "good")],
)
def test_a_pronoun_speaks_of_what_the_sentence_before_began_with(claim: str, label: str) -> None:
    document = "Premium costs 9 euros a month and includes express delivery. It can be cancelled at any time."
    said = find("groundedness").score(Case(claim, "Tell me about premium.", [document]))
    assert isinstance(said, Scored) and isinstance(said.reason, dict)
    assert (said.label, said.reason["snippet"]) == (label, "[Premium] can be cancelled at any time.")
