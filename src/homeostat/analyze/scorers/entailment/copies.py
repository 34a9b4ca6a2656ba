"""Is a claim nothing but passages of the documents, each with its own subject and with what binds it?"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Final

from homeostat.analyze.scorers.entailment.joints import BINDS
from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, Sources, tabled
from homeostat.analyze.text.words import STOP

#: What may stand between two passages and claims nothing.
_JOINS: Final = frozenset((
    "and", "while", "whereas", "but", "where", "which", "it", "its", "they", "this", "that", "the", "a", "an", "is", "are", "was", "were", "has", "have", "had", "of", "yes", "you", "your", "there", "s", "also",
))  # fmt: skip
#: In place of these a claim may name what they stand for.
_POINTS: Final = frozenset(["it", "they", "he", "she", "its", "their", "this", "these"])
_DENIES: Final = BINDS | {"non", "nicht", "pas"}
#: A passage of fewer words is none.
_LEAST: Final = 3
#: So many words and sentences are compared.
_LONG, _MOST = 80, 40
_SHARE: Final = 0.7
_BEGINS: Final = re.compile(r"[.;:!?]\W*$|^\W*$")
_ENDS: Final = re.compile(r"\W*$|\s*[,;:(–-]|\s+(?:and|but|while|because|so|which|where)\b", re.IGNORECASE)


def verbatim(claim: Read, held: Sources) -> float:
    """1 for a claim that is put together from passages and nothing else, whichever comes first."""
    told = claim.words
    if not _LEAST <= len(told) <= _LONG or any(map(tabled, held.pieces[:_MOST])):
        return 0.0
    stems = [word.stem for word in told]
    left, passed = set(range(len(told))), 0
    for before, piece in zip((None, *held.pieces), held.pieces[:_MOST], strict=False):
        if len(piece.words) <= _LONG and len(claim.stems & piece.stems) > 1:
            taken = _passage(tuple(stems), claim, piece, before)
            passed += len(taken & left)
            left -= taken
    return float(passed >= _SHARE * len(told) and all(told[at].low in _JOINS for at in left))


@lru_cache(maxsize=PAIRS)
def _passage(stems: tuple[str, ...], claim: Read, piece: Read, before: Read | None) -> frozenset[int]:
    """Which words of a claim are a passage of a sentence: nothing in it is left out that binds it, and it ends where it may."""
    told, theirs = claim.words, piece.words
    found = SequenceMatcher(None, [word.stem for word in theirs], stems, autojunk=False).get_matching_blocks()[:-1]
    if not found or max(block.size for block in found) < _LEAST:
        return frozenset()
    first, last = found[0], found[-1]
    ahead, behind = theirs[: first.a], theirs[last.a + last.size :]
    end = theirs[last.a + last.size - 1]
    if any(word.low in _DENIES for word in (*ahead, *behind)):
        return frozenset()
    if behind and not _ENDS.match(piece.text, end.start + len(end.low)):
        return frozenset()
    if any(word.low not in STOP for word in ahead) and not _BEGINS.search(piece.text[: theirs[first.a].start]):
        return frozenset()
    counted = {one.start for one in piece.numbers}
    meant = before.stems | {"the"} if before else frozenset[str]()
    named = set[int]()
    for one, other in pairwise(found):
        gone, come = theirs[one.a + one.size : other.a], range(one.b + one.size, other.b)
        # `The ceramic coating` for `it`: what the sentence before speaks of.
        if gone and all(word.low in _POINTS for word in gone) and all(stems[at] in meant for at in come):
            named.update(come)
        elif any(word.low in _DENIES or word.start in counted for word in gone) or any(
            told[at].low not in _JOINS for at in come
        ):
            return frozenset()
    return frozenset(at for block in found for at in range(block.b, block.b + block.size)) | named
