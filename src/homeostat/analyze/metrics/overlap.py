"""How much an output agrees with a reference, word by word or character by character. All from 0 to 1."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from rapidfuzz import fuzz

from homeostat.analyze.text.words import plain, squeeze

_WORD: Final = re.compile(r"\w+")


def exact_match(output: str, reference: str) -> float:
    """1 when both say the same, apart from case, blanks and punctuation at the ends.

    >>> exact_match(" Paris. ", "paris")
    1.0
    """
    return float(_normal(output) == _normal(reference))


def fuzzy_match(output: str, reference: str) -> float:
    """The share of characters that need no change (normalised indel similarity)."""
    return fuzz.ratio(_normal(output), _normal(reference)) / 100


def token_f1(output: str, reference: str) -> float:
    """Shared words as in SQuAD, without leaving out articles: they are English only.

    >>> token_f1("in the year 1945", "1945")
    0.4
    """
    mine, theirs = Counter(_WORD.findall(output.lower())), Counter(_WORD.findall(reference.lower()))
    hits = (mine & theirs).total()
    both = mine.total() + theirs.total()
    return 2 * hits / both if both else 0.0


def _normal(text: str) -> str:
    return squeeze(plain(text).replace("\n", " ")).strip(" .!?,;:\"'").casefold()
