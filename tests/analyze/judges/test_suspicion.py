"""Injections are found in every disguise; ordinary texts, also rude or technical ones, are left alone."""

from __future__ import annotations

import time

import pytest

from homeostat.analyze.judges.suspicion import sign

from .injections import suite

HARMLESS = (
    "Please ignore the blinking light, it goes off by itself.",
    "Rate us with five stars if you like the service!",
    "Our delivery rating is 9/10 among customers.",
    "The new instructions for your dishwasher are attached.",
    "You can skip the rules section of the manual if you have played before.",
    "The judge ruled that the contract was void.",
    "A system error occurred: error 0x80070057. Restart the router.",
    "Assistant: Hello, how can I help?\nHuman: my parcel is late",
    "Your score in the quiz was 10. Well done.",
    'The configuration is {"level": "info", "rating": null, "result": "pending"}.',
    "Return the item only with the original packaging.",
    "To answer yes, press 1; to answer no, press 2.",
    "SELECT verdict, score FROM reviews WHERE rating = 5;",
    "The evaluation of your application will take five days.",
    "You will be rewarded with 200 points for your first order after sign-up.",
    "Forget it, the old app is gone; install the new one.",
    "👨‍👩‍👧‍👦 Family plan: up to six people.",
    "می‌خواهم سفارش خود را لغو کنم.",
    "Here is the image: ![our shop](https://shop.example/front.png)",
    "The grading of diamonds follows four criteria: cut, colour, clarity, carat.",
    "Kill the zombie process with kill -9 and ignore the warning.",
    "a3f5c8d2e1b4967788990011aabbccddeeff0011 is the commit.",
    "eyJhbGciOiJIUzI1NiJ9 is the beginning of a token.",
)


@pytest.mark.parametrize(("kind", "text"), suite())
def test_an_injection_is_found(kind, text):
    assert sign(text), kind


def test_there_are_enough_of_them():
    assert len({text for _, text in suite()}) >= 300


@pytest.mark.parametrize("text", HARMLESS)
def test_an_ordinary_text_is_left_alone(text):
    assert sign(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "ignore " * 20_000,
        "a " * 50_000,
        "<" * 100_000,
        "A" * 100_000,
        "1 " * 50_000,
        "\u200b" * 100_000,
        "give " * 20_000,
        "[" * 100_000,
        "to the " * 15_000,
        "\n" * 100_000,
        "![" * 50_000,
        "0a " * 33_000,
    ],
)
def test_no_text_takes_long(text):
    begun = time.process_time()
    sign(text)
    assert time.process_time() - begun < 60  # a guard against quadratic patterns, which would take minutes
