"""What is found and what is left, on a labelled set; and that no text is slow."""

from __future__ import annotations

import doctest
import itertools
import time
from collections import Counter

import pytest

from homeostat.records import redaction
from homeostat.records.redaction import found, redacted
from tests.records import labelled
from tests.records.labelled import HARMLESS, Labelled


def missed(items: list[Labelled]) -> tuple[float, Counter[str]]:
    """The share that was found, and of what kinds the others are."""
    lost = Counter(each.kind for each in items if any(part in redacted(each.text) for part in each.hidden))
    return 1 - lost.total() / len(items), lost


def test_the_examples_hold() -> None:
    assert doctest.testmod(redaction).failed == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_secrets_are_found(seed: int) -> None:
    share, lost = missed(labelled.secrets(seed))
    assert share >= 0.99, lost


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_personal_data_is_found(seed: int) -> None:
    share, lost = missed(labelled.personal(seed))
    assert share >= 0.95, lost


def test_what_is_found_is_what_it_is() -> None:
    """Of everything that is taken out, how much should have been."""
    right = wrong = 0
    taken: list[str] = []
    for each in [*labelled.secrets(4), *labelled.personal(4), *(Labelled(text) for text in HARMLESS * 4)]:
        for place in found(each.text):
            part = each.text[place.start : place.end]
            inside = any(part in hidden or hidden in part for hidden in each.hidden)
            right, wrong = right + inside, wrong + (not inside)
            if not inside:
                taken.append(f"{place.name}: {part}")
    assert right / (right + wrong) >= 0.9, Counter(taken).most_common(20)
    harmless = [(place.name, text[place.start : place.end]) for text in HARMLESS for place in found(text)]
    assert len(harmless) <= len(HARMLESS) / 10, harmless


def test_a_text_with_nothing_to_hide_is_the_same_object() -> None:
    text = "Where is my order?" * 100
    assert redacted(text) is text
    assert redacted("") == ""


def test_places_do_not_overlap_and_are_in_order() -> None:
    text = "\n".join(each.text for each in labelled.secrets(5, 2) + labelled.personal(5, 2))
    places = found(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(places))
    assert redacted(redacted(text)) == redacted(text)


EVIL = (
    "a", "1 ", "1-", "a@", "DE12 ", "::", "eyJ", "a.", "-----BEGIN PRIVATE KEY-----", "+1 (1", "1.", "secret=", "://a:",
    "abc1:", "4111 ", "x" * 63 + ".", "xx@", "eyJaaaaaa.aaaaaaaa", "bearer ", "sk-", "a:b:", "PRIVATE KEY", "123",
    "hs_a", "password_", "a%40", "DE00", "AKIA", "@a.", "\\u0040", "token=", "((((", "....", "1:1:",
)  # fmt: skip


@pytest.mark.parametrize("part", EVIL)
def test_time_grows_as_the_text_does(part: str) -> None:
    """Twice the text may not take four times as long: 25 thousand and 200 thousand characters, best of three."""

    def best(size: int) -> float:
        text = (part * (size // len(part) + 1))[:size] + "!"
        times = []
        for _ in range(3):
            began = time.thread_time()
            redacted(text)
            times.append(time.thread_time() - began)
        return min(times)

    assert best(200_000) < 24 * max(best(25_000), 0.0005)
