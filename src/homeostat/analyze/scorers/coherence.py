"""Does the text hang together: ordinary sentences in a sensible order that do not contradict or repeat each other?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import ClassVar, Final

from homeostat.analyze.scorers.case import Case, Rung, Scored
from homeostat.analyze.scorers.entailment import against
from homeostat.analyze.scorers.links import PERSONS, links, places
from homeostat.analyze.scorers.orderly import english, order_of_words
from homeostat.analyze.scorers.weights import learned, model
from homeostat.analyze.text.lexicon import opposite, polar
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import NEGATORS, STOP, Word, bounded, content, plain, words

_MOST: Final = 24
#: A sentence of so many words has at least such a share of different ones.
_LONG: Final = 14
_FULL: Final = 0.6
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
# A line of a program, of a shell or of a query.
_CODE: Final = re.compile(
    r"^\s*(?:def |class \w+[:({]|import \w|from [\w.]+ import |return\b.*[\w)\]]$|async |const |let \w+ =|var |public |static |func |fn |#include|<\??\w[^>]*>|\$ |>>> |[A-Z]{4,6} [\w*., ]*\b[A-Z]{4,}\b)"
    r"|[{};]\s*$|^\s*[\w.\[\]]+ ?[+*/-]?= ?\S|^\s*[\w.]+\([^)]*\)\s*[:;]?$|=>|&&|\|\|"
)
_ITEM: Final = re.compile(r"\s*(?:\d{1,2}[.)]|[-*•–])\s+\S")
_COUNTED: Final = re.compile(r"^\s{0,3}(\d{1,2})[.)]\s+\S", re.MULTILINE)
_OPENS: Final = frozenset(
    ["although", "though", "because", "since", "unless", "while", "whereas", "therefore", "however", "which"]
)
#: What is denied in one case only is not denied.
_HELD: Final = frozenset(["if", "unless", "until", "when", "once", "other", "others", "otherwise", "only", "except"])
#: What announces that something else follows, of another time or thing.
_TURNS: Final = frozenset((
    "but", "however", "while", "whereas", "although", "though", "yet", "later", "then", "after", "before", "afterwards", "instead", "or", "both", "either", "formerly",
))  # fmt: skip
_SAME: Final = frozenset(["it", "they", "he", "she", "this", "that", "these", "there", "i", "we", "you"])
_JOINED: Final = re.compile(r"\W*(?:(?:and|or|to|,|und|oder|y|o|et|ou|from|than|nor)\W+(?:\w+\W+)?)|\W{1,3}")


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

    def score(self, case: Case) -> Scored:
        """How probable it is that a reader can follow."""
        return learned(self.name, case, features, _reason)


def features(case: Case) -> Mapping[str, float]:
    """What the model looks at."""
    whole = bounded(plain(case.output))
    text = prose(whole)
    parts = list(sentences(text))[:_MOST]
    read = [words(part) for part in parts]
    # The items of a list stand side by side: none follows from the one before.
    told = list(sentences(_listed(text)))[:_MOST]
    linked = read if told == parts else [words(part) for part in told]
    return {
        **(order_of_words(read) | links(told, linked, asked=bool(case.input.strip())) if english(read, text) else {}),
        **places(parts),
        **_against(told, linked),
        **_again(read),
        **_pronouns(read),
        "miscounted": _miscounted(whole),
        "piled": _piled(read),
    }


def prose(text: str) -> str:
    """A text without what it shows of programs.

    >>> prose("Call it so:\\n```\\nadd(2, 3)\\n```\\nIt adds."), prose("x = add(2, 3)\\nIt adds.")
    ('Call it so:\\n\\nIt adds.', '\\nIt adds.')
    """
    if "`" in text:
        text = _FENCED.sub("", text)
    return "\n".join("" if _CODE.search(line) else line for line in text.split("\n"))


def _listed(text: str) -> str:
    """A text without its lists, where it has any."""
    lines = text.split("\n")
    items = [bool(_ITEM.match(line)) for line in lines]
    return text if sum(items) < 2 else "\n".join(line for line, item in zip(lines, items, strict=True) if not item)


def _miscounted(text: str) -> float:
    """The numbers of a list go back, or one comes twice; a list may begin again at 1."""
    counted = [int(number) for number in _COUNTED.findall(text)]
    return float(any(b <= a and b != 1 for a, b in pairwise(counted)))


def _piled(read: Sequence[Sequence[Word]]) -> float:
    """How often a sentence opens the same kind of clause again, as none does more than twice."""
    most = 0
    for sentence in read:
        opened = Counter(word.low for word in sentence if word.low in _OPENS)
        most = max(most, max(opened.values(), default=0) - 2)
    return float(min(2, max(0, most)))


def _against(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> dict[str, float]:
    worst = numbers = flips = inside = twice = 0.0
    lows = [{word.low for word in sentence} for sentence in read]
    for a, b in list(combinations(range(min(len(parts), 10)), 2)):
        if min(len(read[a]), len(read[b])) < 3:
            continue
        for one, other in ((a, b), (b, a)):
            shared, opposed, changed, denied = against(parts[one], parts[other])
            if shared >= 0.3:
                worst = max(worst, shared * min(1.5, opposed))
                numbers = max(numbers, shared * changed)
                if not _HELD & (lows[a] | lows[b]):
                    flips = max(flips, denied * min(1.0, (shared - 0.2) / 0.5))
    for at, sentence in enumerate(read):
        matter = [word for word in sentence if word.low not in STOP or word.low in NEGATORS]
        pairs = sum(
            opposite(x.stem, y.stem) and not _JOINED.fullmatch(parts[at], x.start + len(x.low), y.start)
            for x, y in combinations(matter[:40], 2)
            if 0 < y.start - x.start < 60 and (polar(x.stem) or polar(y.stem))
        )
        stems = [word.stem for word in content(sentence)]
        inside = max(inside, min(2.0, 0.6 * pairs))
        twice = max(twice, float(len(stems) > len(set(stems)) and any(word.low in NEGATORS for word in sentence)))
    starts = [sentence[0].low for sentence in read if sentence]
    return {
        "contradiction": worst,
        "renumbered": numbers,
        "facing": _facing(read, lows),
        "flip": flips,
        "inside": inside,
        "denied_again": twice,
        "yes_no": float("yes" in starts and "no" in starts),
    }


def _facing(read: Sequence[Sequence[Word]], lows: Sequence[set[str]]) -> float:
    """A sentence says the opposite of an earlier one of the same thing, and nothing announces a contrast or another case."""
    most = 0
    plain = [at for at in range(min(len(read), 12)) if read[at] and not lows[at] & (_HELD | NEGATORS)]
    for one, other in combinations(plain, 2):
        before, mine = content(read[one]), content(read[other])
        stems = {word.stem for word in before}
        follows = other == one + 1 and read[other][0].low in _SAME
        if lows[other] & _TURNS or not (follows or any(word.stem in stems for word in mine)):
            continue
        facing = [word for word in mine if word.stem not in stems]
        most = max(most, sum(any(opposite(x.stem, y.stem) for y in before) for x in facing))
    return min(2.0, float(most))


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
        "few_words": _few_words(read),
    }


def _few_words(read: Sequence[Sequence[Word]]) -> float:
    """A long sentence that says the same few words again and again."""
    shares = [len({word.low for word in one}) / len(one) for one in read if len(one) >= _LONG]
    return 5 * max(0.0, _FULL - min(shares, default=1.0))


def _pronouns(read: Sequence[Sequence[Word]]) -> dict[str, float]:
    """The person that is spoken of changes without a new one having been named."""
    low = [word.low for sentence in read for word in sentence]
    kinds = [
        bool(PERSONS[0] & set(low)),
        bool(PERSONS[1] & set(low)),
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
        "disorder": "the order of the words is unusual", "disorder_worst": "a sentence is no ordinary sentence", "disorder_share": "the order of the words is unusual", "odd_words": "the order of the words is unusual", "turned": "the order of the words is unusual", "turned_worst": "a sentence is no ordinary sentence",
        "contradiction": "two sentences contradict each other", "facing": "two sentences contradict each other", "renumbered": "two sentences contradict each other", "flip": "says a thing and denies it", "inside": "a sentence contradicts itself", "denied_again": "a sentence contradicts itself", "yes_no": "says yes and no",
        "loose": "sentences without a link", "loose_many": "sentences without a link", "foreign": "changes the subject", "stray": "changes the subject", "false_so": "a conclusion from something else",
        "miscounted": "steps in the wrong order", "piled": "a sentence is no ordinary sentence",
        "late_start": "begins in the middle", "back_start": "begins in the middle", "wrong_order": "steps in the wrong order", "ends_with_intro": "steps in the wrong order",
        "stutter": "repeats words", "fours": "repeats itself", "few_words": "repeats itself", "same_sentence": "repeats itself", "same_words": "repeats itself",
        "he_and_she": "the person spoken of changes", "many_persons": "the person spoken of changes",
    }  # fmt: skip
    why = list(dict.fromkeys(told[name] for name, _ in model("coherence").pulls(found) if name in told))
    return "; ".join(why[:3])


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "disorder": -1.5, "disorder_worst": -1.5, "disorder_share": -2.5, "odd_words": -0.5, "turned": -1, "turned_worst": -0.7, "broken_pairs": -2, "contradiction": -1.5, "renumbered": -0.7, "facing": -0.7, "flip": -1.5, "inside": -0.7, "denied_again": -0.5, "yes_no": -1, "loose": -1, "loose_many": -0.7,
    "foreign": -0.7, "false_so": -0.7, "stray": -1.5, "late_start": -1.5, "back_start": -1, "wrong_order": -1.5, "ends_with_intro": -1, "unresolved": -1, "farthest": -0.7, "stutter": -1.5, "fours": -1.5,
    "same_sentence": -1, "same_words": -1, "he_and_she": -0.8, "many_persons": -0.7, "miscounted": -2, "piled": -1.5, "few_words": -1.5,
}  # fmt: skip
