"""How varied, repetitive, readable and long a text is."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from homeostat.analyze.text.sentences import sentences

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_VOWELS: Final = re.compile(r"[aeiouyäöüáéíóúàèêâîôû]+")


def distinct(text: str, size: int = 2) -> float:
    """The share of n-grams that are different from each other (Li et al. 2016).

    >>> distinct("to be or not to be", 1)
    0.6666666666666666
    """
    found = _grams(text, size)
    return len(set(found)) / len(found) if found else 0.0


def repetition(text: str, size: int = 4) -> float:
    """The share of n-grams that had been said before."""
    found = Counter(_grams(text, size))
    total = found.total()
    return sum(count - 1 for count in found.values()) / total if total else 0.0


def reading_ease(text: str) -> float | None:
    """Flesch reading ease of an English text: 100 is very easy, 0 very hard. None without words."""
    told = _WORD.findall(text.lower())
    if not told:
        return None
    syllables = sum(_syllables(word) for word in told)
    return 206.835 - 1.015 * len(told) / max(1, len(sentences(text))) - 84.6 * syllables / len(told)


def length(text: str) -> int:
    """Words."""
    return len(_WORD.findall(text))


def _syllables(word: str) -> int:
    count = len(_VOWELS.findall(word))
    if word.endswith("e") and not word.endswith(("le", "ee")) and count > 1:
        count -= 1
    return max(1, count)


def _grams(text: str, size: int) -> list[tuple[str, ...]]:
    told = _WORD.findall(text.lower())
    return list(zip(*(told[at:] for at in range(size)), strict=False))
