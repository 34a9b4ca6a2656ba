"""What a question wants is told apart finely, and a thing of another kind is none of what was wanted."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers import Case, Scored, find
from homeostat.analyze.scorers.told import told
from homeostat.analyze.scorers.wanted import aim, aims, meets, ordered

AIMS = (
    ("How much does a lesson cost?", "money"),
    ("How much rice do I need?", "amount"),
    ("How long is the crossing?", "span"),
    ("How often should I oil the chain?", "often"),
    ("What dose may a child of five get?", "dose"),
    ("What time does the last boat leave?", "hour"),
    ("and until when is it open", "when"),
    ("How many seats are left?", "count"),
    ("How high is the tower?", "length"),
    ("to whom do I write", "who"),
    ("where do I sign", "where"),
    ("Is it far?", ""),
    ("How do I fold a map?", ""),
)
HELD = (
    ("How much does a lesson cost?", "45, or 400 for ten.", "The school was opened in 1998 and has 6 rooms."),
    ("How much rice do I need?", "Two cups will do.", "Rice is grown in paddies and loves warmth."),
    ("How long is the crossing?", "About two and a half hours.", "Bags of up to 8 kg are free."),
    ("What time does the last boat leave?", "At ten past eleven.", "The boat was built in 2003 for 400 people."),
    ("When was the tower finished?", "In 1931, after two years.", "The tower has 86 floors and weighs 331,000 tonnes."),
    ("How many seats are left?", "Nine in the stalls.", "The hall was built in 1902 and measures 40 metres."),
    ("Who designed the flag?", "A teacher, Ida Holm.", "The flag was first raised in Oslo in 1905."),
    ("Where do I sign?", "At the bottom of the second page.", "A signature is needed by everybody over 18."),
    ("What temperature should the oil have?", "170 degrees.", "Oil is sold in bottles of one litre."),
)


@pytest.mark.parametrize(("question", "kind"), AIMS)
def test_what_is_wanted(question: str, kind: str) -> None:
    assert aim(question) == kind


@pytest.mark.parametrize(("question", "there", "missing"), HELD)
def test_only_a_thing_of_the_kind_that_was_asked_for_counts(question: str, there: str, missing: str) -> None:
    assert meets(aim(question), question, there) is True
    assert meets(aim(question), question, missing) is False


def test_what_nobody_can_know_is_not_called_missing() -> None:
    assert meets("money", "How much is it?", "That depends on the size of the roof.") is None


def test_a_question_for_several_kinds_wants_none_of_them_alone() -> None:
    assert aims("What does it cost?") == "money"
    assert aims("What does it cost? When does it start?") == ""


def test_numbers_are_what_they_tell() -> None:
    kinds = [one.kind for one in told("In 1998, 3 weeks ago, it was 20 degrees; 2 an hour, 12 km, 16 to 18 degrees.")]
    assert kinds == ["year", "ago", "heat", "rate", "length", "heat", "heat"]


def test_orders_are_counted_sentence_by_sentence() -> None:
    assert ordered("Open the lid. It is blue.") == 0.5
    assert ordered("The lid is blue.") == 0.0


@pytest.mark.parametrize(("question", "there", "missing"), HELD)
def test_the_same_noun_without_what_was_asked_for_is_not_to_the_point(question: str, there: str, missing: str) -> None:
    good, bad = (find("relevance").score(Case(text, question)) for text in (there, missing))
    assert isinstance(good, Scored)
    assert isinstance(bad, Scored)
    assert good.value >= 0.5 > bad.value


@pytest.mark.parametrize(
    ("question", "answer"),
    (
        ("Is the loft dry and when can we move in?", "It's dry: the roof was laid anew, and the walls have been sealed."),
        ("What does the visa cost and how long does it take?", "Thank you for asking! We're always happy to help you."),
        ("How do I apply for a stall?", "The market has eighty stalls. It was held for the first time long ago."),
        ("How do I descale it?", "1. Fill it with vinegar.\n2. Let it stand for an hour.\n3. Pour it out and then rinse"),
        ("Who runs the club, and how much is it?", "Ida Holm runs the club. She's a nurse, and she loves the sea."),
    ),
)  # fmt: skip
def test_a_part_whose_kind_nothing_answers_is_missing(question: str, answer: str) -> None:
    said = find("completeness").score(Case(answer, question))
    assert isinstance(said, Scored)
    assert said.label == "bad"


@pytest.mark.parametrize(
    ("question", "answer"),
    (
        ("Compare the boats: price, length, crew.", "| | Ina | Tor |\n|---|---|---|\n| Price | 90 | 120 |\n| Length | 8 m | 11 m |\n| Crew | 2 | 4 |"),
        ("Is the loft dry and when can we move in?", "It is, since the roof was laid anew. From 1 May."),
        ("How do I descale it?", "Fill it with vinegar, let it stand for an hour, pour it out and rinse it twice."),
        ("What are the pros and cons of cork?", "For it: warm and quiet. Against it: it fades in the sun."),
    ),
)  # fmt: skip
def test_tables_and_short_answers_to_every_part_are_whole(question: str, answer: str) -> None:
    said = find("completeness").score(Case(answer, question))
    assert isinstance(said, Scored)
    assert said.label == "good"
