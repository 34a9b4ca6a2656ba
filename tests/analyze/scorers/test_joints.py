"""What shows how a claim was put together, and numbers and denials that are only told in another way."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers import Case, Scored, find
from homeostat.analyze.scorers.entailment import check

MITES = "Adult mites eat the leaves at night. The grubs live in the soil and can kill potted plants."


def told(claim: str, *documents: str, question: str = "") -> dict[str, float]:
    return check(claim, documents, question).features


def test_a_copy_and_a_retelling_are_told_apart() -> None:
    copy, retold = told("The grubs live in the soil.", MITES), told("Below ground they may finish off a plant.", MITES)
    assert copy["copied"] == 1
    assert copy["novel"] == 0
    assert retold["copied"] < 0.5
    assert retold["close"] < copy["close"]


def test_what_two_sentences_hold_apart_is_seen_to_be_joined() -> None:
    assert told("Adult mites live in the soil.", MITES)["apart"] == 1
    assert told("The grubs live in the soil.", MITES)["apart"] == 0


def test_what_is_new_is_counted_by_its_kind_and_the_question_lends_words() -> None:
    claim = "The grubs live in the soil and hate garlic."
    assert told(claim, MITES)["novel_things"] == 1
    assert told(claim, MITES, question="Do they hate garlic?")["novel"] == 0


@pytest.mark.parametrize(
    ("claim", "document"),
    [
        ("From day four a note is needed.", "A note is needed from the fourth day on."),
        ("Fetch it by eight.", "Luggage may be left until 8 pm."),
        ("The price goes up by fifteen euros.", "It costs 9.99 a month, then 24.99 euros."),
        ("Three quarters of them passed.", "Of 108 students 81 passed."),
        ("You can set out from 9:35.", "Low water is at 12:05. Cross from two and a half hours before low water."),
        ("It fell to 36 million.", "It was 48 million and fell by a quarter."),
        ("The real one's in the state museum.", "It's now in the state museum."),
    ],
)
def test_numbers_that_follow_from_what_is_told_are_not_lost(claim: str, document: str) -> None:
    assert told(claim, document)["number_lost"] == 0


def test_numbers_that_follow_from_nothing_are_lost() -> None:
    assert told("You can set out from 8:10.", "Low water is at 12:05. Cross from two hours before it.")["number_lost"]
    assert told("A third of them passed.", "Of 108 students 81 passed.")["number_lost"]


@pytest.mark.parametrize(
    ("claim", "document"),
    [
        ("Don't take them together with milk.", "Do not take the tablets together with yoghurt, milk or antacids."),
        ("It should not be eaten because it causes cramps.", "It should not be eaten, which causes cramps."),
        ("Do not tumble dry.", "Do not tumble dry. Dry flat."),
    ],
)
def test_one_negation_of_a_whole_row_is_no_contradiction(claim: str, document: str) -> None:
    features = told(claim, document)
    assert features["negation_flip_close"] == features["negation_flip_far"] == 0


def test_a_number_of_another_row_of_a_table_is_wrong() -> None:
    table = "| Room | Seats |\n|---|---|\n| Elbe | 8 |\n| Oder | 24 |"
    found = find("groundedness").score(Case("Room Elbe has 24 seats.", "How many seats has Elbe?", [table]))
    assert isinstance(found, Scored)
    assert found.label == "bad"
    assert told("Room Elbe has 8 seats.", table)["row_changed"] == 0
