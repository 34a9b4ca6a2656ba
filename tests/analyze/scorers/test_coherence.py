"""Coherence: answers whose words are torn apart stand out from ordinary ones, and what only looks disorderly passes."""

from __future__ import annotations

import random
from itertools import chain

import pytest

from bench.labelled import cases
from homeostat.analyze.scorers import Case
from homeostat.analyze.scorers.coherence import Coherence, features
from homeostat.analyze.scorers.orderly import english
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import words


def value(output: str, question: str = "") -> float:
    return Coherence().score(Case(output, question)).value


def torn(text: str, size: int) -> str:
    told = text.replace(".", "").split()
    pieces = [told[at : at + size] for at in range(0, len(told), size)]
    random.Random(len(text)).shuffle(pieces)
    return " ".join(chain.from_iterable(pieces))


def test_torn_texts_stand_out_at_a_low_rate_of_false_alarms() -> None:
    texts = sorted({one for row in cases("groundedness", "held") for one in row["documents"] if len(one.split()) > 25})
    ordinary = sorted(value(text) for text in texts)
    line = ordinary[len(texts) // 50]
    found = [value(torn(text, 2)) < line for text in texts]
    assert sum(found) >= 0.75 * len(texts)
    assert sum(one < 0.5 for one in ordinary) <= 0.2 * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "The account may be locked: after 5 wrong passwords we lock it for 15 minutes. You can set a new password with Forgot password on the login page; accounts made with Google or Apple have no password of ours.",
        "Der Forno O7 kostet 159 Euro inklusive Mehrwertsteuer. Er misst 46 x 37 x 28 cm.",
        "Le Crispo A6 mesure 27 x 35 x 31 cm. Il coûte 139 euros.",
        "Shipping costs 9.90 euros and is free above 120 euros. For every new fridge we take the old one back, free of charge.",
        "If you pay by the year, plan A is cheaper; the other costs less by the month.",
        "“Run, run, run,” the coach told us, “and then rest.” So we ran.",
    ],
)
def test_plain_answers_pass(text: str) -> None:
    assert value(text, "What should I know?") >= 0.5


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("You get a refund We send it when If we open the parcel", "capitals"),
        ("Call us. However, nevertheless, therefore, although on the other hand it is free.", "connected"),
        (
            "They said that it had been there before that, and so he did it to them as we would have it done to us.",
            "empty",
        ),
        ("The phone number stays the same because it has changed.", "reasoned"),
        ("The shop was closed the whole day. In that hour the shop was open for all of us, if you remember.", "facing"),
        ("The app keeps crashing because it never crashes.", "denied_again"),
    ],
)
def test_what_is_seen(text: str, feature: str) -> None:
    assert features(Case(text, "Why?"))[feature] > 0


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("In May Per met Else, and Will came too.", "capitals"),
        (
            "You may pay however you like, by card or by bank. Nobody has to hurry, although most people do.",
            "connected",
        ),
        ("It is open all day, because the owner lives next door.", "reasoned"),
        ("With premium you get free delivery. It costs 49 euros a year.", "facing"),
        ("The app was closed when the app update could not be found.", "denied_again"),
        ("We left no name, so Anna called Anna.", "denied_again"),
    ],
)
def test_what_only_looks_so_is_not(text: str, feature: str) -> None:
    assert features(Case(text, "Why?"))[feature] == 0


def test_what_the_question_speaks_of_is_no_new_subject() -> None:
    told = "Boil the water first. Tigers need a large cage with some shade."
    assert features(Case(told, "What do keepers of tigers do?"))["foreign"] < features(Case(told, "What?"))["foreign"]


def test_a_line_of_signs_is_no_sentence() -> None:
    assert value("We close at six. Come again tomorrow.\n---\n→ …\nThe door on the left stays open.") > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("El Piano cuesta 189 euros. Mide 59 x 36 cm.", False),
        ("Wir liefern in drei Tagen.", False),
        ("It is black.", True),
    ],
)
def test_which_texts_are_english(text: str, expected: bool) -> None:
    assert english([words(one) for one in sentences(text)], text) is expected
