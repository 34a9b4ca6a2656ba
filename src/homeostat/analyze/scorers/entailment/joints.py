"""How a claim was put together: which runs of words are copied, where it joins what the documents hold apart, what it leaves out
of a passage that it copies, and what it adds."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Final

from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, Sources, digit, tabled
from homeostat.analyze.text.lexicon import marks, nearest
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import NEGATORS, STOP, Word

_WEAK: Final = marks("weak")
# Little words that change what a sentence says when they come or go.
BINDS: Final = (
    NEGATORS
    | marks("only")
    | marks("partial")
    | marks("universal")
    | marks("condition")
    | marks("hedge")
    | marks("certain")
    | frozenset(["with", "than", "before", "after", "until", "within", "from", "up", "least", "most", "except", "but", "may", "must", "should"])
)  # fmt: skip
_SENSES: Final = 5
_MOST: Final = 80
_FEW: Final = 4.0


def joints(claim: Read, best: Read, held: Sources, asked: frozenset[str]) -> dict[str, float]:
    """What is copied, joined, left out and added; counts have an end so that a long claim is like another."""
    told = [word.stem for word in claim.words]
    pairs = held.pairs
    copied = [pair in pairs for pair in pairwise(told)]
    run = longest = 0
    for one in copied:
        run = run + 1 if one else 0
        longest = max(longest, run)
    matter = [word for word in claim.matter if word.low not in _WEAK]
    words = [word for word in matter if not digit(word)]
    there = [_where(word.stem, held) for word in matter] if not any(map(tabled, held.pieces)) else []
    apart = sum(bool(one and other) and one.isdisjoint(other) for one, other in pairwise(there))
    joined = sum(bool(one and other) for one, other in pairwise(there))
    novel = [word for word in words if nearest(word.stem, held.stems) < 0.7 and nearest(word.stem, asked) < 0.7]
    speech = [entry(word.stem).speech[:1] for word in novel]
    exact = sum(word.stem in held.stems for word in words)
    return {
        "copied": sum(copied) / max(1, len(copied)),
        "run": longest / max(1, len(told)),
        "apart": min(_FEW, float(apart)),
        "apart_share": apart / max(1, joined),
        "novel": min(_FEW, float(len(novel))),
        "novel_things": min(_FEW, float(sum(one in ("n", "") for one in speech))),
        "novel_doings": min(_FEW, float(speech.count("v"))),
        "novel_kinds": min(_FEW, float(sum(one in ("a", "r") for one in speech))),
        "novel_share": len(novel) / max(1, len(words)),
        "retold": (len(words) - exact - len(novel)) / max(1, len(words)),
        "from_asked": sum(word.stem in asked and word.stem not in held.stems for word in words) / max(1, len(words)),
        "long": min(40.0, float(len(told))) / 40,
        "rare": min(_FEW, sum(1 / (1 + len(entry(word.stem).same)) for word in novel)),
        "common": min(_FEW, float(sum(len(entry(word.stem).same) >= _SENSES for word in novel))),
        **_changed(claim, best),
    }


@lru_cache(maxsize=PAIRS)
def _changed(claim: Read, best: Read) -> dict[str, float]:
    """What stands in the copied part of the one and not in the other, between the first and the last words that both share."""
    mine, theirs = claim.words[:_MOST], best.words[:_MOST]
    codes = SequenceMatcher(
        None, [word.stem for word in theirs], [word.stem for word in mine], autojunk=False
    ).get_opcodes()
    equal = [code for code in codes if code[0] == "equal"]
    shared = sum(code[2] - code[1] for code in equal)
    close = shared / max(1, len(mine))
    gone: list[Word] = []
    come: list[Word] = []
    if equal:
        last = equal[-1]
        for kind, a, b, c, d in codes:
            if kind == "equal":
                continue
            if equal[0][1] <= a and b <= last[2]:
                gone += theirs[a:b]
            come += mine[c:d]
    tail = len(theirs) - equal[-1][2] if equal else len(theirs)
    own = {word.low for word in mine}
    known = {word.low for word in theirs}
    return {
        "close": close,
        "gone": min(_FEW, float(sum(_tells(word) and claim.near(word) < 0.7 for word in gone))) * close,
        "come": min(_FEW, float(sum(_tells(word) and best.near(word) < 0.7 for word in come))) * close,
        "gone_binds": min(2.0, float(sum(word.low in BINDS and word.low not in own for word in gone))) * close,
        "come_binds": min(2.0, float(sum(word.low in BINDS and word.low not in known for word in come))) * close,
        "tail": min(1.0, tail / 20),
    }


def _tells(word: Word) -> bool:
    return word.low not in STOP and word.low not in _WEAK


def _where(stem: str, held: Sources) -> frozenset[int]:
    """The sentences that have a word, or what stands for it."""
    return frozenset(at for at, piece in enumerate(held.pieces[:_MOST]) if nearest(stem, piece.stems) >= 0.8)
