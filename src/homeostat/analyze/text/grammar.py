"""How ordinary the order of words is: a trigram model over word classes, trained on our own texts (`bench.train_scorers grammar`).

Function words are classes of their own, other words count by what they mostly are and by their ending, so that the model knows
English syntax and no topics.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word

_ENDINGS: Final = ("ing", "ed", "ly", "s")
_SHUFFLES: Final = 4
START: Final = "^"
END: Final = "$"


def kind(word: Word) -> str:
    """The class of a word."""
    return word.low if word.low in STOP else _kind(word.low, word.stem, big=word.big)


@lru_cache(maxsize=20_000)
def _kind(low: str, stem: str, *, big: bool) -> str:
    if low[0].isdigit():
        return "#9"
    if not low[0].isalpha():
        return "#%"
    speech = entry(stem).speech
    if not speech:
        return "#N" if big else "#x"
    ending = next((one for one in _ENDINGS if low.endswith(one) and len(low) > len(one) + 2), "")
    return f"#{speech}{ending}"


@lru_cache(maxsize=1)
def _counts() -> tuple[dict[str, int], dict[str, int], dict[str, int], int]:
    held = json.loads((files("homeostat.analyze") / "scorers" / "weights" / "grammar.json").read_text(encoding="utf-8"))
    return held["one"], held["two"], held["three"], sum(held["one"].values())


def surprise(sentence: Sequence[Word]) -> list[float]:
    """For each word of a sentence, and its end, minus the logarithm of its probability after the two before."""
    return _costs(tuple(kind(word) for word in sentence))


@lru_cache(maxsize=2048)
def _costs(kinds: tuple[str, ...]) -> list[float]:
    path = [START, START, *kinds, END]
    return [_cost(a, b, c) for a, b, c in zip(path, path[1:], path[2:], strict=False)]


@lru_cache(maxsize=200_000)
def _cost(a: str, b: str, c: str) -> float:
    one, two, three, total = _counts()
    single = (one.get(c, 0) + 0.5) / (total + 200)
    double = (two.get(f"{b} {c}", 0) + 4 * single) / (one.get(b, 0) + 4)
    triple = (three.get(f"{a} {b} {c}", 0) + 6 * double) / (two.get(f"{a} {b}", 0) + 6)
    return -math.log(triple)


@lru_cache(maxsize=256)
def _orders(length: int) -> tuple[tuple[int, ...], ...]:
    """The same few shuffles for all sentences of a length."""
    chance = random.Random(length)
    found = []
    for _ in range(_SHUFFLES):
        turned = list(range(length))
        chance.shuffle(turned)
        found.append(tuple(turned))
    return tuple(found)


def order(sentence: Sequence[Word]) -> float:
    """How much more ordinary the words are in this order than shuffled: about 2 in a sentence, about 0 in a heap of words.

    Rare words cost the same in any order, so that a text is not odd for what it speaks of.
    """
    return _order(tuple(kind(word) for word in sentence))


@lru_cache(maxsize=4096)
def _order(kinds: tuple[str, ...]) -> float:
    shuffled = 0.0
    for turned in _orders(len(kinds)):
        shuffled += sum(_costs.__wrapped__(tuple([kinds[at] for at in turned])))
    return (shuffled / _SHUFFLES - sum(_costs(kinds))) / (len(kinds) + 1)


def turnable(sentence: Sequence[Word]) -> float:
    """How much more ordinary it would be, for each word, if neighbours changed places: little in a sentence, more where some words of it are shuffled."""
    return _turnable(tuple(kind(word) for word in sentence))


@lru_cache(maxsize=4096)
def _turnable(kinds: tuple[str, ...]) -> float:
    path = [START, START, *kinds, END, END]
    costs = [*_costs(kinds), 0.0]
    gain = 0.0
    for at in range(len(kinds) - 1):
        before, first, one, other, after, last = path[at : at + 6]
        if one != other:
            turned = _cost(before, first, other) + _cost(first, other, one) + _cost(other, one, after)
            if after != END:
                turned += _cost(one, after, last)
            gain += max(0.0, sum(costs[at : at + 4 - (after == END)]) - turned)
    return gain / max(1, len(kinds))
