"""Sentence BLEU (Papineni et al. 2002) with exponential smoothing and effective order: the values of `sacrebleu.sentence_bleu`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

Gram = str | tuple[str, ...]
_ORDER: Final = 4
# The tokenisation of mteval-v13a: these characters stand alone, dots and commas unless between digits, a dash after a digit.
_ALONE: Final = re.compile(r"([{-~\[-`!-&(-+:-@/])")
_AFTER_OTHER: Final = re.compile(r"([^0-9])([\.,])")
_BEFORE_OTHER: Final = re.compile(r"([\.,])([^0-9])")
_DASH: Final = re.compile(r"([0-9])(-)")


def bleu(output: str, reference: str | Sequence[str]) -> float:
    """From 0 to 100: which part of the output's n-grams is in a reference, times a penalty for being shorter.

    >>> round(bleu("the cat sat on the mat", "the cat sat on a mat"), 4)
    53.7285
    """
    references = [reference] if isinstance(reference, str) else list(reference)
    mine = tokens(output)
    theirs = [tokens(text) for text in references]
    length = len(mine)
    nearest = min((len(other) for other in theirs), key=lambda other: (abs(length - other), other), default=0)
    return _score(_hits(mine, theirs), length, nearest)


def tokens(text: str) -> list[str]:
    """The tokens of a text as mteval-v13a makes them. Its rules never reach beyond a blank, so words are cut one by one."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in text:
        text = text.replace("&quot;", '"').replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    found: list[str] = []
    for word in text.split():
        if word.isalnum():
            found.append(word)
        else:
            found += _cut(word) if len(word) < 40 else _cut.__wrapped__(word)
    return found


@lru_cache(maxsize=20_000)
def _cut(word: str) -> list[str]:
    text = _ALONE.sub(r" \1 ", f" {word} ")
    text = _BEFORE_OTHER.sub(r" \1 \2", _AFTER_OTHER.sub(r"\1 \2 ", text))
    return _DASH.sub(r"\1 \2 ", text).split()


def _grams(text: Sequence[str], size: int) -> Iterable[Gram]:
    return text if size == 1 else zip(*(text[at:] for at in range(size)), strict=False)


def _hits(mine: Sequence[str], theirs: Sequence[Sequence[str]]) -> list[int]:
    """For each size, how many n-grams of the output are in a reference, each at most as often as there."""
    found = []
    for size in range(1, _ORDER + 1):
        found.append(_shared(list(_grams(mine, size)), [_grams(other, size) for other in theirs]))
        if not found[-1]:
            return found + [0] * (_ORDER - size)
    return found


def _shared(here: Sequence[Gram], there: Sequence[Iterable[Gram]]) -> int:
    once = set(here)
    if len(once) == len(here):
        return len(once.intersection(there[0] if len(there) == 1 else chain.from_iterable(there)))
    # Most n-grams stand once; only what is repeated here and is there at all must be counted.
    rows = [list(row) for row in there]
    counts = Counter(here)
    total = 0
    for gram in once.intersection(chain.from_iterable(rows)):
        count = counts[gram]
        total += 1 if count == 1 else min(count, max(row.count(gram) for row in rows))
    return total


def _score(hits: Sequence[int], length: int, nearest: int) -> float:
    if not any(hits):
        return 0.0
    smooth, logs, order = 1.0, 0.0, 0
    for size, count in enumerate(hits, 1):
        total = length - size + 1
        if total <= 0:
            break
        order = size
        if count == 0:
            smooth *= 2
            logs += math.log(100.0 / (smooth * total))
        else:
            logs += math.log(100.0 * count / total)
    penalty = math.exp(1 - nearest / length) if length < nearest else 1.0
    return penalty * math.exp(logs / order)
