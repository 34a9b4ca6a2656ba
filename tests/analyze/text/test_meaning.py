"""Words of one meaning, numbers with units, the order of words, lists of phrases."""

from __future__ import annotations

import random

import pytest

from homeostat.analyze.text.grammar import gains
from homeostat.analyze.text.lexicon import alike, opposite
from homeostat.analyze.text.phrases import phrases
from homeostat.analyze.text.quantities import quantities, same
from homeostat.analyze.text.thesaurus import broader, nearness, related
from homeostat.analyze.text.words import stem, words


@pytest.mark.parametrize(
    ("one", "other"), [("elevator", "lift"), ("child", "kid"), ("purchase", "buy"), ("decide", "decision")]
)
def test_other_words_for_the_same(one: str, other: str) -> None:
    assert alike(stem(one), stem(other)) >= 0.7


@pytest.mark.parametrize(("one", "other"), [("hot", "cold"), ("open", "closed"), ("increase", "decrease")])
def test_opposites_are_never_alike(one: str, other: str) -> None:
    assert opposite(stem(one), stem(other))
    assert alike(stem(one), stem(other)) < 0.7


def test_a_step_more_general_has_a_direction() -> None:
    assert broader(stem("meal"), stem("breakfast"))
    assert not broader(stem("breakfast"), stem("meal"))


def test_what_explains_a_word_is_near_it() -> None:
    assert related(stem("refund"), stem("money")) > related(stem("refund"), stem("forest"))
    assert nearness([], []) == 0.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("four o'clock", "4:00"),
        ("twenty-five past eight in the morning", "08:25"),
        ("four and a half percent", "4.5 %"),
        ("EUR 130", "130 euros"),
        ("twice", "doubles"),
        ("36 hours", "1.5 days"),
        ("1,800", "1.800,0"),
        ("5 pm", "17:00"),
        ("a quarter of a day", "six hours"),
    ],
)
def test_quantities_that_say_the_same(one: str, other: str) -> None:
    assert same(quantities(one)[0], quantities(other)[0]), (quantities(one), quantities(other))


@pytest.mark.parametrize(
    ("one", "other"), [("30 days", "60 days"), ("5 mg", "5 g"), ("1944", "1945"), ("7 am", "7 pm")]
)
def test_quantities_that_do_not(one: str, other: str) -> None:
    assert not same(quantities(one)[0], quantities(other)[0])


@pytest.mark.parametrize("text", ["CO2", "order KW-5027", "MP3 and H2O"])
def test_digits_inside_a_name_are_no_number(text: str) -> None:
    assert quantities(text) == ()


def test_a_sentence_is_more_ordinary_than_its_words_shuffled() -> None:
    told = "The parcel was sent on Monday and should arrive within three days if the weather stays dry."
    read = list(words(told))
    straight = sum(gains(read)) / len(read)
    chance = random.Random(1)
    heaps = []
    for _ in range(20):
        chance.shuffle(read)
        heaps.append(sum(gains(read)) / len(read))
    assert straight > 0.5
    assert max(heaps) < 0


def test_phrases_end_where_words_end() -> None:
    lists = phrases("safety")
    assert lists["insult"].inside("they are rats.")
    assert not lists["insult"].inside("two brats at play")
    assert lists["insult"].found("what an idiot") == [(8, "idiot")]
