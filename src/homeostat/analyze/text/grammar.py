"""How ordinary the order of words is: a trigram model over word classes, trained on our own texts (`bench.train_scorers grammar`).

Function words are classes of their own, other words count by what they mostly are and by their ending, so that the model knows
English syntax and no topics.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Final

from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word

#: Words that carry grammar beside those that every text holds: what may stand before and after each is much their own.
LITTLE: Final = STOP | frozenset(
    """
    because after before while until till unless although though since during within without against whether however therefore thus hence
    moreover nevertheless many much few less least several every another other others else now again always never often already soon once
    here himself herself themselves yourself myself ourselves anything something nothing everything anyone someone everyone nobody
    somebody everybody under above below behind near along across around toward towards among like unlike except instead rather quite enough
    almost well back down away two three four five six seven eight nine ten first second third last next per cannot might ought need used able
    later ago everywhere somewhere whoever whatever whenever wherever perhaps maybe far long
    """.split()  # noqa: SIM905  (as a text it is read, and changed, more easily)
)
_ENDINGS: Final = ("ing", "ed", "ly", "s")
START: Final = "^"
END: Final = "$"


def kind(word: Word) -> str:
    """The class of a word."""
    return word.low if word.low in LITTLE and not letter(word) else _kind(word.low, word.stem, big=word.big)


def letter(word: Word) -> bool:
    """A letter as a name: `plan A is the cheaper one`."""
    return word.low == "a" and word.big and word.start > 1


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


def gains(sentence: Sequence[Word]) -> list[float]:
    """For each word of a sentence, and its end, how much more probable the two before make it than it is anywhere: below 0 they repel it."""
    path = [START, START, *(kind(word) for word in sentence), END]
    return [_gain(a, b, c) for a, b, c in zip(path, path[1:], path[2:], strict=False)]


@lru_cache(maxsize=20_000)
def _gain(a: str, b: str, c: str) -> float:
    one, two, three, total = _counts()
    single = (one.get(c, 0) + 0.5) / (total + 200)
    double = _after(two, b, c, single)
    return math.log(_after(three, f"{a} {b}", c, double) / single)


def _after(counts: Mapping[str, int], before: str, word: str, otherwise: float) -> float:
    """How probable a class is after others: after what many different ones followed, one that never did is no surprise."""
    seen, different = _followed().get(before, (0, 0))
    return (counts.get(f"{before} {word}", 0) + different * otherwise) / (seen + different) if seen else otherwise


@lru_cache(maxsize=1)
def _followed() -> dict[str, tuple[int, int]]:
    """How many classes were seen after a class or a pair, and how many different ones."""
    _, two, three, _ = _counts()
    found: dict[str, tuple[int, int]] = {}
    for key, count in chain(two.items(), three.items()):
        before = key.rpartition(" ")[0]
        seen, different = found.get(before, (0, 0))
        found[before] = (seen + count, different + 1)
    return found
