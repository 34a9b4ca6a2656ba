"""How ordinary the order of words is: a trigram model over word classes, trained on our own texts (`bench.train_scorers grammar`).

Function words are classes of their own, other words count by their ending, so that the model knows English syntax and no topics.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

from homeostat.analyze.text.words import STOP, Word

_ENDINGS: Final = ("ing", "ed", "ly", "tion", "ies", "es", "s", "er", "al", "ive", "ous", "able", "y")
START: Final = "^"
END: Final = "$"


def kind(word: Word) -> str:
    """The class of a word."""
    if word.low in STOP:
        return word.low
    if word.low[0].isdigit():
        return "#9"
    if not word.low[0].isalpha():
        return "#%"
    return "#" + next(
        (ending for ending in _ENDINGS if word.low.endswith(ending) and len(word.low) > len(ending) + 2), "x"
    )


@lru_cache(maxsize=1)
def _counts() -> tuple[dict[str, int], dict[str, int], dict[str, int], int]:
    held = json.loads((files("homeostat.analyze") / "scorers" / "weights" / "grammar.json").read_text(encoding="utf-8"))
    return held["one"], held["two"], held["three"], sum(held["one"].values())


def surprise(sentence: Sequence[Word]) -> list[float]:
    """For each word of a sentence, and its end, minus the logarithm of its probability after the two before."""
    one, two, three, total = _counts()
    path = [START, START, *(kind(word) for word in sentence), END]
    found = []
    for a, b, c in zip(path, path[1:], path[2:], strict=False):
        single = (one.get(c, 0) + 0.5) / (total + 200)
        double = (two.get(f"{b} {c}", 0) + 4 * single) / (one.get(b, 0) + 4)
        triple = (three.get(f"{a} {b} {c}", 0) + 6 * double) / (two.get(f"{a} {b}", 0) + 6)
        found.append(-math.log(triple))
    return found
