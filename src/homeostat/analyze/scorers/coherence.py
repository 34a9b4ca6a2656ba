"""Does the text hang together: ordinary sentences in a sensible order that do not contradict or repeat each other?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import ClassVar, Final

from homeostat.analyze.metrics.language import language, surely_english
from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.scorers.entailment import against
from homeostat.analyze.scorers.weights import model
from homeostat.analyze.text.grammar import order, surprise
from homeostat.analyze.text.lexicon import fields, nearest, opposite, polar
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import NEGATORS, STOP, Word, bounded, content, plain, words

_MOST: Final = 24
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
_OTHERS: Final = frozenset(
    [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "nicht",
        "ein",
        "eine",
        "um",
        "zwei",
        "mit",
        "den",
        "dem",
        "el",
        "la",
        "los",
        "las",
        "es",
        "una",
        "con",
        "del",
        "y",
        "le",
        "les",
        "des",
        "une",
        "est",
        "à",
        "du",
        "nous",
        "vous",
        "et",
        "que",
        "por",
        "para",
        "se",
        "sich",
    ]
)
_BEFORE_NOUN: Final = frozenset(["the", "a", "an", "my", "your", "our", "their", "its", "every"])
_NEVER_NOUN: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "to",
        "of",
        "by",
        "for",
        "from",
        "in",
        "at",
        "on",
        "and",
        "or",
        "but",
        "it",
        "they",
        "he",
        "she",
        "we",
        "you",
        "i",
        "not",
        "has",
        "have",
        "had",
        "will",
        "would",
        "can",
        "could",
        "my",
        "your",
        "our",
        "their",
        "its",
    ]
)
_BEFORE_PHRASE: Final = frozenset(["of", "to", "from", "with", "within", "by", "at", "into", "for"])
_NEVER_PHRASE: Final = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "and",
        "or",
        "but",
        "of",
        "has",
        "had",
        "will",
        "would",
        "can",
        "could",
        "if",
        "because",
    ]
)
_HE: Final = frozenset(["he", "him", "his", "himself"])
_SHE: Final = frozenset(["she", "her", "hers", "herself"])


@dataclass(frozen=True, slots=True)
class Coherence:
    """Word order, links from sentence to sentence, contradictions, repetition, pronouns.

    >>> Coherence().score(Case("Week a within replaced them the engineers cables of.")).label
    'bad'
    """

    name: ClassVar[str] = "coherence"
    dimension: ClassVar[str] = "coherence"
    rung: ClassVar[Rung] = "model"
    threshold: float = 0.5

    def score(self, case: Case) -> Scored | Unscored:
        """How probable it is that a reader can follow."""
        if not words(bounded(plain(case.output))):
            return judged(0.0, "the answer is empty")
        found = features(case)
        value = model(self.name).value(found)
        return judged(value, _reason(case, found, value))


def features(case: Case) -> Mapping[str, float]:
    """What the model looks at."""
    text = bounded(plain(case.output))
    parts = list(sentences(text))[:_MOST]
    read = [words(part) for part in parts]
    return {
        **_order_of_words(read, text),
        **_links(parts, read),
        **_against(parts, read),
        **_again(read),
        **_pronouns(read),
    }


def _order_of_words(read: Sequence[Sequence[Word]], text: str) -> dict[str, float]:
    long = [sentence for sentence in read if len(sentence) >= 8] or [one for one in read if len(one) >= 6]
    if not _english(read, text):
        return {"disorder": 0.0, "disorder_worst": 0.0, "disorder_share": 0.0, "odd_words": 0.0, "broken_pairs": 0.0}
    flat = [cost for sentence in read if len(sentence) >= 3 for cost in surprise(sentence)]
    gains = [order(sentence[:60]) for sentence in long]
    return {
        "disorder": max(0.0, 1.5 - sum(gains) / len(gains)) if gains else 0.0,
        "disorder_worst": min(1.0, max(0.0, 1.0 - min(gains))) if gains else 0.0,
        "disorder_share": sum(gain < 0.8 for gain in gains) / len(gains) if gains else 0.0,
        "broken_pairs": min(1.5, sum(_broken(sentence) for sentence in read) / max(1, len(flat)) * 10),
        "odd_words": sum(cost > 5.5 for cost in flat) / max(1, len(flat)) * 5,
    }


def _english(read: Sequence[Sequence[Word]], text: str) -> bool:
    """The model of word order knows English only; of other languages it says nothing."""
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
    return count + (bool(low) and low[-1] in _BEFORE_NOUN | {"of", "because", "if", "and", "or", "which"})


def _links(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> dict[str, float]:
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
    """How far the sentences are from each other by what explains their words, and how far the farthest one is."""
    stems = [frozenset(word.stem for word in one) for one in matter]
    near = []
    for at, one in enumerate(stems):
        rest = frozenset[str]().union(*(other for place, other in enumerate(stems) if place != at))
        if len(one) >= 2 and rest:
            near.append(min(1.0, sum(closest(stem, rest) for stem in one) / len(one)))
    if len(near) < 2:
        return {"apart": 0.0, "farthest": 0.0}
    return {"apart": max(0.0, 0.35 - sum(near) / len(near)) * 3, "farthest": max(0.0, 0.25 - min(near)) * 4}


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
    person = read[0][0].low in _HE | _SHE
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


def _against(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> dict[str, float]:
    worst = flips = inside = 0.0
    for a, b in list(combinations(range(min(len(parts), 10)), 2)):
        if min(len(read[a]), len(read[b])) < 3:
            continue
        for one, other in ((a, b), (b, a)):
            shared, opposed, denied = against(parts[one], parts[other])
            if shared >= 0.3:
                worst = max(worst, shared * min(1.5, opposed))
                flips = max(flips, shared * denied)
    for sentence in read:
        matter = [word for word in sentence if word.low not in STOP or word.low in NEGATORS]
        pairs = sum(
            opposite(x.stem, y.stem)
            for x, y in combinations(matter[:40], 2)
            if 0 < y.start - x.start < 60 and (polar(x.stem) or polar(y.stem))
        )
        twice = [word.stem for word in content(sentence)]
        denied = sum(word.low in NEGATORS for word in sentence) and len(twice) - len(set(twice))
        inside = max(inside, min(2.0, 0.6 * pairs + (1.0 if denied else 0.0)))
    starts = [sentence[0].low for sentence in read if sentence]
    return {
        "contradiction": worst,
        "flip": flips,
        "inside": inside,
        "yes_no": float("yes" in starts and "no" in starts),
    }


def _again(read: Sequence[Sequence[Word]]) -> dict[str, float]:
    flat = [word.low for sentence in read for word in sentence]
    double = sum(a == b and not a.isdigit() for a, b in pairwise(flat))
    fours = Counter(zip(flat, flat[1:], flat[2:], flat[3:], strict=False))
    sets = [frozenset(word.stem for word in content(sentence)) for sentence in read]
    sets = [one for one in sets if len(one) >= 2]
    same = max((len(a & b) / max(len(a), len(b)) for a, b in combinations(sets, 2)), default=0.0)
    stems = [word.stem for sentence in read for word in content(sentence)]
    return {
        "stutter": min(3.0, float(double)),
        "fours": sum(count - 1 for count in fours.values()) / max(1, len(flat)) * 4,
        "same_sentence": same,
        "same_words": 1 - len(set(stems)) / len(stems) if len(stems) > 8 else 0.0,
    }


def _pronouns(read: Sequence[Sequence[Word]]) -> dict[str, float]:
    """The person that is spoken of changes without a new one having been named."""
    low = [word.low for sentence in read for word in sentence]
    kinds = [
        bool(_HE & set(low)),
        bool(_SHE & set(low)),
        "they" in low or "them" in low,
        bool({"i", "me"} & set(low)),
        bool({"we", "us"} & set(low)),
    ]
    women = {"woman", "mother", "sister", "wife", "girl", "daughter", "mrs", "ms", "queen"} & set(low)
    return {
        "he_and_she": float(kinds[0] and kinds[1] and not women),
        "many_persons": float(sum(kinds) >= 3),
    }


def _reason(case: Case, found: Mapping[str, float], value: float) -> str:
    if value >= 0.5:
        return "sentences are ordinary and follow from each other"
    told = {
        "disorder": "the order of the words is unusual", "disorder_worst": "a sentence is no ordinary sentence", "disorder_share": "the order of the words is unusual", "odd_words": "the order of the words is unusual",
        "contradiction": "two sentences contradict each other", "flip": "says a thing and denies it", "inside": "a sentence contradicts itself", "yes_no": "says yes and no",
        "loose": "sentences without a link", "loose_many": "sentences without a link", "foreign": "changes the subject", "false_so": "a conclusion from something else",
        "late_start": "begins in the middle", "back_start": "begins in the middle", "wrong_order": "steps in the wrong order", "ends_with_intro": "steps in the wrong order",
        "stutter": "repeats words", "fours": "repeats itself", "same_sentence": "repeats itself", "same_words": "repeats itself",
        "he_and_she": "the person spoken of changes", "many_persons": "the person spoken of changes",
    }  # fmt: skip
    why = list(dict.fromkeys(told[name] for name, _ in model("coherence").pulls(found) if name in told))
    return "; ".join(why[:3])


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "disorder": -1.5, "disorder_worst": -1.5, "disorder_share": -2.5, "odd_words": -0.5, "broken_pairs": -2, "contradiction": -1.5, "flip": -1.5, "inside": -0.7, "yes_no": -1, "loose": -1, "loose_many": -0.7,
    "foreign": -0.7, "false_so": -0.7, "late_start": -1.5, "back_start": -1, "wrong_order": -1.5, "ends_with_intro": -1, "unresolved": -1, "apart": -0.7, "farthest": -0.7, "stutter": -1.5, "fours": -1.5,
    "same_sentence": -1, "same_words": -1, "he_and_she": -0.8, "many_persons": -0.7,
}  # fmt: skip
