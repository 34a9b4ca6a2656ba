"""Whether the words of sentences stand in an order that English has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from homeostat.analyze.metrics.language import language, surely_english
from homeostat.analyze.text.grammar import LITTLE, gains, letter
from homeostat.analyze.text.words import STOP, Word

#: A sentence has at least such a share of little words.
_LITTLE: Final = 0.06
_OTHERS: Final = frozenset((
    "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "um", "zwei", "mit", "den", "dem", "el", "la", "los",
    "las", "es", "una", "con", "del", "y", "le", "les", "des", "une", "est", "à", "du", "nous", "vous", "et", "que",
    "por", "para", "se", "sich", "il", "elle", "au", "pour", "er", "sie", "wir", "im", "für", "auf", "von", "zu", "al", "su",
))  # fmt: skip
ENGLISH: Final = frozenset((
    "the", "and", "of", "to", "is", "are", "was", "were", "for", "with", "from", "it", "you", "your", "we", "our", "i", "my",
    "he", "she", "they", "their", "this", "that", "not", "have", "has", "can", "will", "be", "been", "if", "but", "or", "by", "at",
))  # fmt: skip
#: Between two words that stand in different clauses or items.
_APART: Final = re.compile(r"[,;:()/|–—\"]")
#: After such a sign a sentence may begin in the middle of another.
_OPENED: Final = re.compile(r"(?:^|[.:!?…\"“”'(>*–—-])\s*$")
#: A sentence with fewer little words is a note, in which words only stand side by side.
_NOTE: Final = 0.15
#: What one word can gain or lose, at most; and with how many words that gain nothing each text begins.
_GAINED: Final = 1.5
_LOST: Final = -6.0
_BEGUN: Final = 20
#: Ordinary texts and sentences lose no more, as a rule.
_USUAL: Final = 0.05
_USUAL_SENTENCE: Final = 0.15
_NAMED: Final = frozenset(["may", "will", "per", "my"])
_MANY: Final = frozenset(["they", "we"])
_OF_ONE: Final = frozenset(["is", "was", "has"])
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


def order_of_words(read: Sequence[Sequence[Word]], parts: Sequence[str]) -> dict[str, float]:
    """How disorderly the sentences of an English text are. Rows of names and things have no order to keep."""
    gained = [
        _gained(sentence, part)
        for sentence, part in zip(read, parts, strict=True)
        if len(sentence) >= 3 and sum(word.low in LITTLE for word in sentence) >= _NOTE * len(sentence)
    ]
    # Notes of a ward or a match hold few little words, and leave out what a sentence needs.
    count = max(1, sum(map(len, read)))
    little = sum(word.low in LITTLE for sentence in read for word in sentence) / count
    told = min(1.0, max(0.0, (little - 0.1) / 0.2))
    whole = _repelled([gain for one in gained for gain in one])
    worst = max(map(_repelled, gained), default=0.0)
    rows = [one for one in read if sum(word.low in STOP for word in one) >= _LITTLE * len(one)]
    return {
        "repelled": told * min(1.5, max(0.0, whole - _USUAL)),
        "repelled_worst": told * min(1.5, max(0.0, worst - _USUAL_SENTENCE)),
        "capitals": min(2.0, float(sum(map(_capitals, read, parts)))),
        "broken_pairs": min(1.5, sum(map(_broken, rows)) / max(1, sum(map(len, rows))) * 10),
    }


def _gained(sentence: Sequence[Word], part: str) -> list[float]:
    """What the words of a sentence gain by those before them, at most so much each; across a comma none says anything."""
    found = [max(_LOST, min(_GAINED, gain)) for gain in gains(sentence)]
    return [
        found[0],
        *(
            gain
            for gain, (a, b) in zip(found[1:-1], pairwise(sentence), strict=True)
            if not _APART.search(part, a.start + len(a.low), b.start)
        ),
        found[-1],
    ]


def _repelled(gained: Sequence[float]) -> float:
    """How far, in the mean, words stand where those before them make them less probable; few words prove little."""
    return -sum(gained) / (len(gained) + _BEGUN)


def _capitals(sentence: Sequence[Word], part: str) -> int:
    """Little words that begin with a capital among small ones: `a search If it`, where a sentence was torn from its place."""
    return sum(
        word.big
        and word.low in LITTLE
        and part[word.start + 1 : word.start + 2].islower()
        and word.low not in _NAMED
        and not before.big
        and not after.big
        and not _APART.search(part, word.start, after.start)
        and not _OPENED.search(part, 0, word.start)
        for before, word, after in zip(sentence, sentence[1:], sentence[2:], strict=False)
    )


def english(read: Sequence[Sequence[Word]], text: str) -> bool:
    """What is known of word order and of the nearness of words is known of English only."""
    low = [word.low for sentence in read for word in sentence]
    others = sum(word in _OTHERS for word in low)
    if others > 0.08 * len(low) or others > sum(word in ENGLISH for word in low):
        return False
    code, sure = language(text) if len(low) >= 6 and not surely_english(low) else ("en", 0.0)
    return code == "en" or sure < 0.9


def _broken(sentence: Sequence[Word]) -> int:
    """Pairs that no English sentence holds: `the to`, `of is`, a sentence that ends with `the`."""
    low = ["" if letter(word) else word.low for word in sentence]
    count = sum(a in _BEFORE_NOUN and b in _NEVER_NOUN for a, b in pairwise(low))
    count += sum(a in _MANY and b in _OF_ONE for a, b in pairwise(low))
    count += sum(a in _BEFORE_PHRASE and b in _NEVER_PHRASE for a, b in pairwise(low))
    return count + (bool(low) and low[-1] in _BEFORE_NOUN | _NEVER_LAST)
