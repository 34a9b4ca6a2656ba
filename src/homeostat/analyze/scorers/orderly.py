"""Whether the words of sentences stand in an order that English has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from homeostat.analyze.metrics.language import language, surely_english
from homeostat.analyze.text.grammar import order, surprise, turnable
from homeostat.analyze.text.words import STOP, Word

#: A sentence has at least such a share of little words.
_LITTLE: Final = 0.06
_OTHERS: Final = frozenset((
    "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "um", "zwei", "mit", "den", "dem", "el", "la", "los",
    "las", "es", "una", "con", "del", "y", "le", "les", "des", "une", "est", "à", "du", "nous", "vous", "et", "que",
    "por", "para", "se", "sich",
))  # fmt: skip
_BEFORE_NOUN: Final = frozenset(["the", "a", "an", "my", "your", "our", "their", "its", "every"])
_NEVER_NOUN: Final = frozenset((
    "the", "a", "an", "is", "are", "was", "were", "be", "been", "to", "of", "by", "for", "from", "in", "at", "on",
    "and", "or", "but", "it", "they", "he", "she", "we", "you", "i", "not", "has", "have", "had", "will", "would",
    "can", "could", "my", "your", "our", "their", "its",
))  # fmt: skip
_NEVER_LAST: Final = frozenset(["of", "because", "if", "and", "or", "which", "but", "than", "although", "whereas"])
_BEFORE_PHRASE: Final = frozenset(["of", "to", "from", "with", "within", "by", "at", "into", "for"])
_NEVER_PHRASE: Final = frozenset((
    "is", "are", "was", "were", "and", "or", "but", "of", "has", "had", "will", "would", "can", "could", "if",
    "because", "for", "to",
))  # fmt: skip


def order_of_words(read: Sequence[Sequence[Word]]) -> dict[str, float]:
    """How disorderly the sentences of an English text are. Rows of names and things have no order to keep."""
    read = [one for one in read if sum(word.low in STOP for word in one) >= _LITTLE * len(one)]
    long = [sentence for sentence in read if len(sentence) >= 8] or [one for one in read if len(one) >= 6]
    flat = [cost for sentence in read if len(sentence) >= 3 for cost in surprise(sentence)]
    gains = [order(sentence[:60]) for sentence in long]
    turns = [turnable(sentence) for sentence in read if len(sentence) >= 5]
    return {
        "disorder": max(0.0, 1.5 - sum(gains) / len(gains)) if gains else 0.0,
        "disorder_worst": min(1.0, max(0.0, 1.0 - min(gains))) if gains else 0.0,
        "disorder_share": sum(gain < 0.8 for gain in gains) / len(gains) if gains else 0.0,
        "turned": min(2.0, max(0.0, sum(turns) / len(turns) - 0.3)) if turns else 0.0,
        "turned_worst": min(3.0, max(0.0, max(turns) - 0.8)) if turns else 0.0,
        "broken_pairs": min(1.5, sum(_broken(sentence) for sentence in read) / max(1, len(flat)) * 10),
        "odd_words": sum(cost > 5.5 for cost in flat) / max(1, len(flat)) * 5,
    }


def english(read: Sequence[Sequence[Word]], text: str) -> bool:
    """What is known of word order and of the nearness of words is known of English only."""
    low = [word.low for sentence in read for word in sentence]
    if sum(word in _OTHERS for word in low) > 0.08 * len(low):
        return False
    code, sure = language(text) if len(low) >= 6 and not surely_english(low) else ("en", 0.0)
    return code == "en" or sure < 0.9


def _broken(sentence: Sequence[Word]) -> int:
    """Pairs that no English sentence holds: `the to`, `of is`, a sentence that ends with `the`."""
    low = [word.low for word in sentence]
    count = sum(a in _BEFORE_NOUN and b in _NEVER_NOUN for a, b in pairwise(low))
    count += sum(a in _BEFORE_PHRASE and b in _NEVER_PHRASE for a, b in pairwise(low))
    return count + (bool(low) and low[-1] in _BEFORE_NOUN | _NEVER_LAST)
