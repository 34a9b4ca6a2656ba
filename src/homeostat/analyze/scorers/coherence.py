"""Does the text hang together: ordinary sentences in a sensible order that do not contradict or repeat each other?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from typing import ClassVar, Final

from homeostat.analyze.scorers.breaks import breaks
from homeostat.analyze.scorers.case import Case, Rung, Scored
from homeostat.analyze.scorers.entailment import against
from homeostat.analyze.scorers.links import links, places
from homeostat.analyze.scorers.orderly import english, order_of_words
from homeostat.analyze.scorers.persons import persons
from homeostat.analyze.scorers.stages import stages
from homeostat.analyze.scorers.weights import learned, model
from homeostat.analyze.text.lexicon import opposite, polar
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import NEGATORS, STOP, Word, bounded, content, plain, words

_MOST: Final = 24
#: A sentence of so many words has at least such a share of different ones.
_LONG: Final = 14
_FULL: Final = 0.6
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
# A line of a program, of a shell or of a query.
_CODE: Final = re.compile(
    r"^\s*(?:def |class \w+[:({]|import \w|from [\w.]+ import |return\b.*[\w)\]]$|async |const |let \w+ =|var |public |static |func |fn |#include|<\??\w[^>]*>|\$ |>>> |[A-Z]{4,6} [\w*., ]*\b[A-Z]{4,}\b)"
    r"|[{}]\s*$|^[^=()\[\].]*[=()\[\].].*;\s*$|^\s*\S+(?: \S+)?;\s*$|^\s*[\w.\[\]]+ ?[+*/-]?= ?\S|^\s*[\w.]+\([^)]*\)\s*[:;]?$|=>|&&|\|\|"
)
_SAID: Final = re.compile(r"[\"“][^\"“”\n]{1,400}[\"”]")
_ITEM: Final = re.compile(r"\s*(?:(?:\d{1,2}[.)]|[-*•–])\s+\S|[\"“][^\"”]+[\"”]\s*$)")
_COUNTED: Final = re.compile(r"^\s{0,3}(\d{1,2})[.)]\s+\S", re.MULTILINE)
_OPENS: Final = frozenset(
    ["although", "though", "because", "since", "unless", "while", "whereas", "therefore", "however", "which"]
)
_CONNECTIVE: Final = re.compile(
    r"\b(?:however|nevertheless|nonetheless|therefore|thus|hence|consequently|moreover|furthermore|likewise|whereas|although|accordingly|conversely|"
    r"on the other hand|on the contrary|by contrast|in contrast|in addition|as a (?:result|consequence)|because of (?:this|that|which)|in spite of (?:this|that)|despite (?:this|that)|for (?:this|that) reason|in conclusion|on top of that|in short)\b",
    re.IGNORECASE,
)
#: What is denied in one case only is not denied.
_HELD: Final = frozenset(["if", "unless", "until", "when", "once", "other", "others", "otherwise", "only", "except"])
#: `Take one. Do not take more than three.`
_BEYOND: Final = frozenset(["more", "less", "fewer", "than"])
#: So many words before a condition say something by themselves.
_SAYS: Final = 8
#: What announces that something else follows, of another time or thing.
_TURNS: Final = frozenset((
    "but", "however", "while", "whereas", "although", "though", "yet", "later", "then", "after", "before", "afterwards", "instead", "or", "both", "either", "formerly",
))  # fmt: skip
_SAME: Final = frozenset(["it", "they", "he", "she", "this", "that", "these", "there", "i", "we", "you"])
#: A reason, and what it is the reason for, do not exclude each other.
_REASON: Final = frozenset(["because", "since", "so", "therefore", "why", "hence", "thus", "being"])
_CASES: Final = frozenset(["when", "if", "where", "until", "unless"])
#: After these comes the case in which the opposite holds: `costs 5 euros and is free above 50`.
_CASE: Final = frozenset(["above", "below", "over", "under", "for", "after", "before", "from", "on", "within", "until"])
_JOINED: Final = re.compile(r"\W*(?:(?:and|or|to|of|,|und|oder|y|o|et|ou|from|than|nor)\W+(?:\w+\W+)?)|\W{1,3}")


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
    parts = _worded(text)
    read = [words(part) for part in parts]
    # The items of a list stand side by side: none follows from the one before.
    told = _worded(_listed(text))
    linked = read if told == parts else [words(part) for part in told]
    # What others are quoted with is theirs: it may contradict, and they say I.
    own = _worded(_SAID.sub(" ", _listed(text))) if '"' in text or "“" in text else told
    mine = linked if own == told else [words(part) for part in own]
    return {
        **(
            order_of_words(read, parts) | links(told, linked, words(bounded(plain(case.input))))
            if english(read, text)
            else {}
        ),
        **places(parts),
        **stages(parts),
        **breaks(told, linked, plain(case.input), whole, own, mine),
        **_against(own, mine),
        **_again(read),
        **persons(mine, words(bounded(plain(case.input)))),
        "miscounted": _miscounted(whole),
        "piled": _piled(read),
        "connected": _connected(whole, sum(len(sentence) for sentence in read)),
        "empty": _empty(read),
    }


def _worded(text: str) -> list[str]:
    """The first sentences of a text, those that are nothing but signs left out."""
    return [part for part in sentences(text) if words(part)][:_MOST]


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


def _connected(text: str, length: int) -> float:
    """How many more words join thoughts than there are thoughts to join; and how often one follows the other at once."""
    found = list(_CONNECTIVE.finditer(text))
    heaped = sum(not text[a.end() : b.start()].strip(" ,;") for a, b in pairwise(found))
    return min(3.0, max(0.0, len(found) - 1 - length / 12) + heaped)


def _empty(read: Sequence[Sequence[Word]]) -> float:
    """How few words carry matter: `after this one, those others came with it to that`."""
    count = sum(len(sentence) for sentence in read)
    return (
        max(0.0, 0.3 - len(content([word for sentence in read for word in sentence])) / count) * 5
        if count >= 16
        else 0.0
    )


def _against(parts: Sequence[str], read: Sequence[Sequence[Word]]) -> dict[str, float]:
    worst = flips = reasoned = twice = 0.0
    lows = [{word.low for word in sentence} for sentence in read]
    for a, b in list(combinations(range(min(len(parts), 10)), 2)):
        if min(len(read[a]), len(read[b])) < 3:
            continue
        for one, other in ((a, b), (b, a)):
            shared, opposed, _, denied = against(parts[one], parts[other])
            if shared >= 0.3:
                worst = max(worst, shared * min(1.5, opposed))
                if not (_HELD | _BEYOND) & (lows[a] | lows[b]):
                    flips = max(flips, denied * min(1.0, (shared - 0.2) / 0.5))
    for at, sentence in enumerate(read):
        matter = [word for word in sentence if word.low not in STOP or word.low in NEGATORS]
        after = {one.start: other.low for one, other in pairwise(sentence)}
        pairs = [
            (x.start, y.start)
            for x, y in combinations(matter[:40], 2)
            if 0 < y.start - x.start < 60
            and not y.big
            and (polar(x.stem) or polar(y.stem))
            and opposite(x.stem, y.stem)
            and after.get(y.start) not in _CASE
            and not _JOINED.fullmatch(parts[at], x.start + len(x.low), y.start)
        ]
        reasons = [word.start for word in sentence if word.low in _REASON]
        reasoned = max(reasoned, float(any(x < reason < y for x, y in pairs for reason in reasons)))
        if lows[at] & NEGATORS:
            twice = max(twice, *(_denied_again(words(part)) for part in clauses(parts[at])))
    starts = [sentence[0].low for sentence in read if sentence]
    return {
        "contradiction": worst,
        "facing": _facing(read, lows),
        "flip": flips,
        "reasoned": reasoned,
        "denied_again": twice,
        "yes_no": float("yes" in starts and "no" in starts),
    }


def _denied_again(clause: Sequence[Word]) -> float:
    """A clause that denies something names a thing twice; a name may come again, and so may the `app` of an `app update`."""
    kinds_of = {
        word.start
        for word, after in pairwise(clause)
        if after.start == word.start + len(word.low) + 1
        and after.low not in STOP
        and entry(after.stem).speech.startswith("n")
    }
    end = next((at for at, word in enumerate(clause) if at and word.low in _CASES), len(clause))
    return max(float(_twice(part, kinds_of)) for part in (clause[:end], clause[end:]))


def _twice(part: Sequence[Word], but: Collection[int]) -> bool:
    stems = [word.stem for word in content(part) if not word.big and word.start not in but]
    return len(stems) > len(set(stems)) and any(word.low in NEGATORS for word in part)


def _facing(read: Sequence[Sequence[Word]], lows: Sequence[set[str]]) -> float:
    """A sentence says the opposite of an earlier one of the same thing, and nothing announces a contrast or another case."""
    most = 0
    held = [_unconditional(sentence) for sentence in read[:12]]
    plain = [at for at, one in enumerate(held) if one and not any(word.low in NEGATORS for word in one)]
    for one, other in combinations(plain, 2):
        before, mine = content(held[one]), content(held[other])
        stems = {word.stem for word in before}
        follows = other == one + 1 and read[other][0].low in _SAME
        if lows[other] & _TURNS or not (follows or any(word.stem in stems for word in mine)):
            continue
        facing = [word for word in mine if word.stem not in stems and not word.big]
        attributes = _attributes(held[one])
        said = [word for word in before if word.start not in attributes]
        most = max(most, sum(any(opposite(x.stem, y.stem) for y in said) for x in facing))
    return min(2.0, float(most))


def _unconditional(sentence: Sequence[Word]) -> Sequence[Word]:
    """What a sentence says of all cases: what stands before a condition, if it is long enough to say something."""
    end = next((at for at, word in enumerate(sentence) if word.low in _HELD), len(sentence))
    return sentence[:end] if end == len(sentence) or end > _SAYS else ()


def _attributes(sentence: Sequence[Word]) -> set[int]:
    """Where words stand right before the one that they describe: of `free delivery`, only the delivery is free."""
    return {
        word.start
        for word, after in pairwise(sentence)
        if after.low not in STOP
        and after.start == word.start + len(word.low) + 1
        and entry(word.stem).speech.startswith("a")
    }


def _again(read: Sequence[Sequence[Word]]) -> dict[str, float]:
    flat = [word.low for sentence in read for word in sentence]
    # What is said twice with a comma between is said so on purpose: `work, work, work`.
    double = sum(
        a.low == b.low and not a.low.isdigit() and b.start == a.start + len(a.low) + 1
        for sentence in read
        for a, b in pairwise(sentence)
    )
    fours = Counter(zip(flat, flat[1:], flat[2:], flat[3:], strict=False))
    sets = [frozenset(word.stem for word in content(sentence)) for sentence in read]
    sets = [one for one in sets if len(one) >= 3]
    same = max((len(a & b) / max(len(a), len(b)) for a, b in combinations(sets, 2)), default=0.0)
    stems = [stem for stem, _ in groupby(word.stem for sentence in read for word in content(sentence))]
    return {
        "stutter": min(3.0, float(double)),
        "fours": sum(count - 1 for count in fours.values()) / max(1, len(flat)) * 4,
        "same_sentence": max(0.0, same - 0.4) / 0.6,
        "same_words": max(0.0, 0.8 - len(set(stems)) / len(stems)) if len(stems) > 8 else 0.0,
        "few_words": _few_words(read),
    }


def _few_words(read: Sequence[Sequence[Word]]) -> float:
    """A long sentence that says the same few words again and again."""
    shares = [len({word.low for word in one}) / len(one) for one in read if len(one) >= _LONG]
    return 5 * max(0.0, _FULL - min(shares, default=1.0))


def _reason(case: Case, found: Mapping[str, float], value: float) -> str:
    if value >= 0.5:
        return "sentences are ordinary and follow from each other"
    told = {
        "repelled": "the order of the words is unusual", "repelled_worst": "a sentence is no ordinary sentence", "capitals": "a sentence is no ordinary sentence", "broken_pairs": "the order of the words is unusual",
        "contradiction": "two sentences contradict each other", "facing": "two sentences contradict each other", "flip": "says a thing and denies it", "reasoned": "a sentence contradicts itself", "denied_again": "a sentence contradicts itself", "yes_no": "says yes and no", "taken_back": "says a thing and denies it", "half_denied": "says a thing and denies it", "handed_on": "goes from one thing to the next", "denied_flatly": "says a thing and denies it", "so_against": "concludes the opposite",
        "loose_many": "sentences without a link", "foreign": "changes the subject", "switched": "changes the language", "false_so": "a conclusion from something else", "no_reason": "a conclusion from something else",
        "miscounted": "steps in the wrong order", "refers_ahead": "steps in the wrong order", "backwards": "steps in the wrong order", "piled": "a sentence is no ordinary sentence", "connected": "joins thoughts that are not there", "empty": "says nothing that could be followed",
        "late_stage": "steps in the wrong order", "stage_ends": "steps in the wrong order", "ordinals": "steps in the wrong order", "late_start": "begins in the middle", "back_start": "begins in the middle", "wrong_order": "steps in the wrong order",
        "stutter": "repeats words", "fours": "repeats itself", "few_words": "repeats itself", "same_sentence": "repeats itself", "same_words": "repeats itself",
        "nobody": "speaks of somebody who was not named", "same_person": "speaks of somebody who was not named", "he_and_she": "the person spoken of changes", "many_persons": "the person spoken of changes",
    }  # fmt: skip
    why = list(dict.fromkeys(told[name] for name, _ in model("coherence").pulls(found) if name in told))
    return "; ".join(why[:3])


# What reason expects of each feature before any case is seen; training only adjusts it, and never turns its sign.
PRIOR: Final[Mapping[str, float]] = {
    "repelled": -4, "repelled_worst": -1.5, "capitals": -1.5, "broken_pairs": -2, "contradiction": -1.5, "facing": -0.7, "flip": -1.5, "reasoned": -1, "denied_again": -0.5, "yes_no": -1, "loose_many": -0.7,
    "foreign": -0.7, "false_so": -0.7, "late_start": -1.5, "back_start": -1, "wrong_order": -1.5, "unresolved": -1, "stutter": -1.5, "fours": -1.5,
    "same_sentence": -1, "same_words": -1, "nobody": -2, "same_person": -1, "he_and_she": -0.8, "many_persons": -0.7, "miscounted": -2, "piled": -1.5, "connected": -1.5, "empty": -1, "few_words": -1.5,
    "late_stage": -2, "stage_ends": -1.5, "ordinals": -2, "switched": -2, "no_reason": -1, "refers_ahead": -1.5, "backwards": -0.7, "taken_back": -0.7, "so_against": -1.5, "denied_flatly": -1.5, "half_denied": -0.7, "handed_on": -0.7,
}  # fmt: skip
