"""Lists of phrases: what is found, and that asking for all lists at once hides nothing."""

from __future__ import annotations

import re
from random import Random

import pytest
import re2

from homeostat.analyze.text.lexicon import lines
from homeostat.analyze.text.phrases import phrases

FILES = ("safety", "bias")


def _texts(name: str) -> list[str]:
    """Sentences around the phrases of a file, some with two of them, some with none, some broken in the middle."""
    chance = Random(7)
    told = [phrase.strip() for line in lines(name) for phrase in line.partition(":")[2].split("|")]
    said = [phrase.replace(" * ", " quite ").replace("*", "s") for phrase in told]
    pairs = [f"well, {one} and then {other}." for one, other in zip(said, chance.sample(said, len(said)), strict=True)]
    broken = [f"x{one}x and {one[:-1]}é" for one in chance.sample(said, 100)]
    return [f"so {one}." for one in said] + pairs + broken + ["", "the weather is fine", "ünïcödé ’quotes’ und mehr"]


@pytest.mark.parametrize("name", FILES)
def test_asking_all_lists_at_once_finds_what_each_list_finds_alone(name: str) -> None:
    alone = {head: re2.compile(each.pattern.pattern) for head, each in phrases(name).items()}
    hits = 0
    for text in _texts(name):
        for head, each in phrases(name).items():
            expected = [(match.start(), match.group()) for match in alone[head].finditer(text)]
            assert each.found(text) == expected
            assert each.inside(text) == bool(expected)
            hits += bool(expected)
    assert hits > 500


def test_a_phrase_is_not_found_within_a_word() -> None:
    lists = phrases("bias")
    [some] = [one.strip() for one in lines("bias") if one.startswith("group:")]
    word = next(one.strip() for one in some.partition(":")[2].split("|") if re.fullmatch(r"[a-z]{5,}", one.strip()))
    assert lists["group"].inside(f"the {word}.")
    assert not lists["group"].inside(f"the x{word}x.")


def test_a_long_text_is_read_to_its_end() -> None:
    lists = phrases("safety")
    phrase = next(one for line in lines("safety") for one in line.partition(":")[2].split("|") if "*" not in one)
    text = "nothing of the kind is said here. " * 3_000 + phrase.strip()
    assert any(each.inside(text) for each in lists.values())
