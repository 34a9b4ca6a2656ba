"""Whether a text passes by what was asked, though it speaks of the same matter."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers.beside import beside
from homeostat.analyze.scorers.question import read
from homeostat.analyze.scorers.wanted import aims


def signs(question: str, text: str) -> set[str]:
    asked = read(question)
    found = beside(question, asked, text, aims(asked.text), causal=asked.kind == "why")
    return {name for name, value in found.items() if value > 0}


@pytest.mark.parametrize(
    ("sign", "question", "past", "answer"),
    [
        ("substituted", "How wide may a kayak rack on the roof be?", "The kayak paddle on the roof is light, yellow and rather new.", "The kayak rack on the roof may be 80 cm wide at most."),
        ("swap", "How wide may a kayak rack on the roof be?", "The kayak paddle on the roof is light, yellow and rather new.", "The kayak rack on the roof may be 80 cm wide at most."),
        ("tense_turned", "When was the lift repaired?", "The lift will be repaired on 4 May.", "It was repaired on 4 May."),
        ("future_off", "Will the ferry be faster with the new engine?", "The ferry was slow for years and broke down twice a month.", "It will, by a quarter of an hour, the yard says."),
        ("unnamed", "Who painted the ceiling?", "It took four years and made many visitors look up in wonder.", "It was painted by Michelangelo between 1508 and 1512."),
        ("asks_echo", "Is my bike lock covered?", "Is your bike lock safe? A good one has steel as thick as a finger.", "It is, up to 80 euros."),
        ("given_other", "The oven stays cold. What should I do?", "If the fridge hums at night, move it away from the wall.", "If the oven stays cold, check the fuse."),
        ("role_swapped", "May a freelancer deduct the desk?", "An employee gets a flat sum for each day at home.", "A freelancer may, in the year of the purchase."),
        ("mends_nothing", 'Correct this: "He go to school by feets."', "Lessons start at eight, so tell him to hurry up.", '"He goes to school on foot."'),
        ("orders_unasked", "Why is the sky red at dusk?", "Take a camera and walk up the hill before seven.", "The long way through the air takes out the blue light."),
        ("market", "How do I leave the club?", "Before you go, did you know that a year costs 99 euros?", "Write us two lines before the end of June."),
        ("wanders", "Why do cats purr?", "Cats purr as they are at ease. Egypt had temples for them. Pyramids took decades. Tourists bring hats.", "Cats purr as they are at ease. Cats in pain purr too. The purr may soothe a cat."),
    ],
)  # fmt: skip
def test_a_sign_is_in_what_passes_by_and_not_in_an_answer(sign: str, question: str, past: str, answer: str) -> None:
    assert sign in signs(question, past)
    assert sign not in signs(question, answer)


def test_who_only_tells_what_is_wrong_may_be_told_anything_that_helps() -> None:
    found = signs("the coffee machine drips under the tray", "The coffee grinder can go in the wash, the tray too.")
    assert not found & {"substituted", "swap", "full_missing", "orders_unasked"}


def test_nothing_passes_by_nothing() -> None:
    assert signs("When?", "") == set()
