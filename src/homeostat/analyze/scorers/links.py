"""How sentences follow from each other: what links them, what points at nothing, what begins in the middle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from homeostat.analyze.text.lexicon import fields, nearest
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import STOP, Word, content

_LATE: Final = re.compile(
    r"\W*(?:finally|then|next|however|therefore|thus|hence|as a result|moreover|furthermore|also|others|another|consequently|in conclusion|afterwards|lastly|after that|but|second|third|so|meanwhile|similarly|instead|otherwise|además|luego|donc|ensuite|dann|danach|zum schluss)\b",
    re.IGNORECASE,
)
_BACK: Final = re.compile(r"\W*(?:he|she|they|it|their|his|her|its|them|these|those|this)\b", re.IGNORECASE)
_FIRST: Final = re.compile(r"\W*(?:first|firstly|to begin|start by|zuerst|primero|d'abord)\b", re.IGNORECASE)
_LAST: Final = re.compile(r"\W*(?:finally|lastly|in the end|in conclusion|zuletzt|enfin|por último)\b", re.IGNORECASE)
_SO: Final = re.compile(
    r"\W*(?:therefore|so|as a result|because of (?:this|that)|for this reason|hence|thus|consequently|that is why|in conclusion|deshalb|daher|por eso|c'est pourquoi)\b",
    re.IGNORECASE,
)
_POINTS: Final = frozenset(
    ["it", "they", "them", "he", "she", "him", "her", "his", "their", "its", "this", "these", "those"]
)
_EXPLETIVE: Final = frozenset(
    [
        "is",
        "was",
        "takes",
        "took",
        "has",
        "had",
        "will",
        "would",
        "can",
        "may",
        "might",
        "depends",
        "rained",
        "rains",
        "snowed",
        "seems",
        "looks",
        "should",
    ]
)
_LINK: Final = frozenset(
    [
        "it",
        "they",
        "he",
        "she",
        "this",
        "that",
        "these",
        "those",
        "them",
        "him",
        "her",
        "his",
        "their",
        "its",
        "so",
        "then",
        "but",
        "also",
        "however",
        "therefore",
        "another",
        "other",
        "others",
        "both",
        "such",
        "same",
        "instead",
        "otherwise",
        "if",
        "once",
        "there",
        "here",
        "one",
        "half",
        "for",
        "and",
        "finally",
        "first",
        "second",
        "next",
        "later",
        "since",
        "as",
        "when",
        "by",
        "to",
        "we",
        "you",
        "i",
        "your",
        "our",
        "yes",
        "no",
    ]
)
PERSONS: Final = (frozenset(["he", "him", "his", "himself"]), frozenset(["she", "her", "hers", "herself"]))


def links(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> dict[str, float]:
    """What a reader needs to go from one sentence to the next."""
    matter = [content(sentence) for sentence in read]
    loose = strange = false_so = 0
    for at in range(1, len(read)):
        before = [word for earlier in matter[:at] for word in earlier]
        topics = {name for word in before for name in fields(word.stem)}
        mine = {name for word in matter[at] for name in fields(word.stem)}
        pronoun = any(word.low in _LINK for word in read[at][:4])
        linked = bool(mine & topics) or _near(matter[at], before[-60:])
        loose += not linked and not pronoun
        strange += not linked and not pronoun and len(matter[at]) >= 2
        points = any(word.low in _POINTS for word in read[at][2:])
        false_so += not linked and not points and bool(_SO.match(parts[at]))
    first = parts[0] if parts else ""
    heads = [at for at, part in enumerate(parts) if _FIRST.match(part)]
    tails = [at for at, part in enumerate(parts) if _LAST.match(part)]
    return {
        "loose": loose / max(1, len(read) - 1),
        "loose_many": float(loose >= 2),
        "foreign": min(2.0, float(strange)),
        "false_so": min(2.0, float(false_so)),
        **_apart(matter),
        "late_start": float(bool(_LATE.match(first)) and len(parts) > 1),
        "back_start": float(bool(_BACK.match(first)) and len(parts) > 1 and _named_later(read)),
        "wrong_order": float(
            bool(heads and tails and min(tails) < max(heads)) or bool(heads and min(heads) > 0 and len(parts) > 2)
        ),
        "ends_with_intro": _ends_with_intro(read),
        "unresolved": _unresolved(read),
    }


def _apart(matter: Sequence[Sequence[Word]]) -> dict[str, float]:
    """How far from all others a sentence is, by what explains its words, at most."""
    stems = [frozenset(word.stem for word in one) for one in matter]
    near = []
    for at, one in enumerate(stems):
        rest = [other for place, other in enumerate(stems) if place != at and other]
        if len(one) >= 2 and rest:
            near.append(min(1.0, sum(max(closest(stem, other) for other in rest) for stem in one) / len(one)))
    return {"farthest": max(0.0, 0.25 - min(near)) * 4 if len(near) > 1 else 0.0}


def _unresolved(read: Sequence[Sequence[Word]]) -> float:
    """The first sentence says `it` or `them` before it names anything that could be meant, and a later one names it."""
    if len(read) < 2:
        return 0.0
    for at, word in enumerate(read[0]):
        if entry(word.stem).speech.startswith("n") and word.low not in STOP:
            return 0.0
        after = read[0][at + 1].low if at + 1 < len(read[0]) else ""
        if word.low in ("they", "them", "he", "him", "she", "her") or (word.low == "it" and after not in _EXPLETIVE):
            return float(_named_later(read))
    return 0.0


def _near(matter: Sequence[Word], before: Sequence[Word]) -> bool:
    """Whether a word stands for one of before, or is explained by the same."""
    stems = frozenset(word.stem for word in before)
    return any(nearest(word.stem, stems) >= 0.7 or 2 * closest(word.stem, stems) >= 0.7 for word in matter)


def _named_later(read: Sequence[Sequence[Word]]) -> bool:
    """A later sentence begins with what the first one only points at: a name, or `our kiln`, `the bridge`."""
    known = {word.stem for word in content(read[0])}
    person = read[0][0].low in PERSONS[0] | PERSONS[1]
    for sentence in read[1:]:
        head = [word for word in sentence[:3] if word.low not in STOP]
        if not head or head[0].stem in known:
            continue
        if person:
            if head[0].start == sentence[0].start and not entry(head[0].stem).speech:
                return True
        elif sentence[0].low in ("the", "our", "your", "a", "an", "his", "her", "their") or head[0].big:
            return True
    return False


def _ends_with_intro(read: Sequence[Sequence[Word]]) -> float:
    """The first sentence speaks of `the cables` and `them`; what they are is told in the last."""
    if len(read) < 3:
        return 0.0

    def given(at: int) -> float:
        sentence = read[at]
        known = {word.stem for earlier in read[:at] for word in content(earlier)}
        pairs = list(pairwise(sentence))
        definite = sum(
            a.low in ("the", "them", "it", "he", "she", "they", "its", "his", "her", "their") and b.stem not in known
            for a, b in pairs
        )
        fresh = sum(a.low in ("a", "an", "two", "some", "our", "your") for a, _ in pairs)
        return definite - fresh

    return float(given(0) > given(len(read) - 1) + 1)
