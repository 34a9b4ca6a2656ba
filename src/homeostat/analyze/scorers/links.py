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
_AMID: Final = re.compile(r",\s(?:however|therefore|too|as well|then)\b[,.]", re.IGNORECASE)
_BACK: Final = re.compile(r"\W*(?:he|she|they|it|their|his|her|its|them|these|those|this)\b", re.IGNORECASE)
_SO: Final = re.compile(
    r"\W*(?:therefore|so(?! (?:is|are|do|does|did|was|were|has|have|had|can|could|will|would|should|far|long|much|many|that)\b)|as a (?:result|consequence)|because of (?:this|that)|for this reason|hence|thus|consequently|that is why|in conclusion|deshalb|daher|por eso|c'est pourquoi)\b",
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
#: So many words that carry matter, and a reader knows what a text is about.
_BEGUN: Final = 3
PERSONS: Final = (frozenset(["he", "him", "his", "himself"]), frozenset(["she", "her", "hers", "herself"]))


#: Words that speak of something given: who hears a sentence without any has not been told why it is said.
_GIVEN: Final = _POINTS | frozenset((
    "the", "that", "there", "here", "you", "your", "yours", "we", "our", "us", "both", "each", "another", "other",
    "others", "every", "any", "also", "too", "same", "such", "one", "ones", "all", "none", "most", "some", "neither", "either", "again", "instead", "otherwise", "himself", "herself",
    "itself", "themselves", "yes", "no", "not",
))  # fmt: skip
#: Words that number a sentence, in their order.
_COUNTS: Final = re.compile(
    r"""\W*(?:
    (first(?!\ \w+\ (?:is|are|was|were|will|has|had|came|goes)\b)|firstly|to\ begin|start\ by|before\ you\ (?:begin|start)|zuerst|zunächst|primero|d'abord)|
    (second|secondly|zweitens|segundo|deuxièmement)|
    (third|thirdly|drittens|tercero|troisièmement)|
    (fourth|fourthly|viertens|cuarto)|
    (finally|lastly|in\ the\ end|in\ conclusion|zuletzt|zum\ schluss|enfin|por\ último)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


def links(parts: Sequence[str], read: Sequence[Sequence[Word]], question: Sequence[Word]) -> dict[str, float]:
    """What a reader of English needs to go from one sentence to the next. What `it` is may stand in the question."""
    asked = bool(question)
    given = content(question)
    matter = [content(sentence) for sentence in read]
    loose = strange = false_so = 0
    for at in range(1, len(read)):
        before = [*given, *(word for earlier in matter[:at] for word in earlier)]
        topics = {name for word in before for name in fields(word.stem)}
        mine = {name for word in matter[at] for name in fields(word.stem)}
        pronoun = any(word.low in _LINK for word in read[at][:4])
        near = _near(matter[at], before[-60:])
        linked = near or bool(mine & topics)
        # Of a few words nobody knows yet what they are about; who is told what to do need not be told of what.
        open_ = len(before) < _BEGUN or _told_to(read[at]) or _noted(read[at], parts[at])
        loose += not linked and not pronoun and not open_
        strange += not linked and not pronoun and len(matter[at]) >= 2 and not open_
        points = any(word.low in _GIVEN and word.low not in ("the", "your") for word in read[at][3:])
        false_so += not near and not points and bool(_SO.match(parts[at]))
    first = parts[0] if parts else ""
    return {
        "loose_many": float(loose >= 2),
        "foreign": min(2.0, float(strange)),
        "false_so": min(2.0, float(false_so)),
        "back_start": float(not asked and bool(_BACK.match(first)) and len(parts) > 1 and _named_later(read)),
        "unresolved": 0.0 if asked else _unresolved(read),
    }


def _told_to(sentence: Sequence[Word]) -> bool:
    """Begins with a verb as one gives orders: `press F5`."""
    head = sentence[0]
    return head.low not in STOP and head.low in (head.stem, f"{head.stem}e") and entry(head.stem).speech.startswith("v")


def _noted(sentence: Sequence[Word], part: str) -> bool:
    """An entry of a list of notes: `Sugar low, reorder`, `Blocked: export`."""
    return ":" in part or not any(word.low in STOP for word in sentence)


def places(parts: Sequence[str]) -> dict[str, float]:
    """What says by its first word where it belongs, and stands elsewhere."""
    found = [match.lastindex or 0 if (match := _COUNTS.match(part)) else 0 for part in parts]
    counted = [number for number in found if number]
    begun = len(parts) > 2 and 1 in found[1:] and found[0] != 1
    late = len(parts) > 1 and bool(_LATE.match(parts[0]) or _AMID.search(parts[0]))
    return {
        "late_start": float(late),
        "wrong_order": float(any(a > b for a, b in pairwise(counted)) or begun),
    }


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
