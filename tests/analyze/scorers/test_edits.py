"""A claim that copies a snippet but for one thing: that thing is named."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers import Case, Scored, find

DOORS = "The north door opens at seven because the guard comes from pier C. Visitors may carry up to 20 kilos."


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("The north door opens at seven because the guard comes from pier D.", "pier D"),
        ("The north door opens at seven because the baker comes from pier C.", "baker"),
        ("Visitors may carry at least 20 kilos.", "another limit"),
        ("The north guard opens at seven because the door comes from pier C.", "changed places"),
    ],
)
def test_what_was_changed_in_a_copy_is_named(claim: str, why: str) -> None:
    found = find("groundedness").score(Case(claim, documents=[DOORS]))
    assert isinstance(found, Scored)
    assert found.label == "bad"
    assert why in found.reason["why"]


@pytest.mark.parametrize(
    "claim",
    [
        "The north door opens at seven.",
        "Visitors may carry no more than 20 kilos.",
        "The guard comes from pier C, so the north door opens at seven.",
    ],
)
def test_what_was_only_left_out_or_said_otherwise_passes(claim: str) -> None:
    found = find("groundedness").score(Case(claim, documents=[DOORS]))
    assert isinstance(found, Scored)
    assert found.label == "good", found


def test_a_year_is_not_reckoned_from_another() -> None:
    found = find("groundedness").score(Case("The mill was built in 1879.", documents=["The mill was built in 1897."]))
    assert isinstance(found, Scored)
    assert found.label == "bad"


def test_half_an_hour_is_thirty_minutes() -> None:
    found = find("groundedness").score(Case("It takes thirty minutes.", documents=["It takes half an hour."]))
    assert isinstance(found, Scored)
    assert found.label == "good"
