"""Who did what to whom: words that changed places, or that belong to somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final

from homeostat.analyze.scorers.entailment.reading import Read, Sources, digit, read
from homeostat.analyze.text.lexicon import marks, opposite
from homeostat.analyze.text.sentences import clauses
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word

_WEAK: Final = marks("weak")
_PREPOSITIONS: Final = frozenset(
    ["from", "to", "than", "by", "of", "with", "for", "before", "after", "on", "in", "into", "over", "against"]
)


def bound(claim: Read, documents: Sources) -> tuple[dict[str, float], list[str]]:
    """Who or what the rest of a clause is said of: another name, or an opposite, stands there in the documents."""
    held = documents.clauses
    first = claim.words[0].start if claim.words else 0
    wrong: list[Word] = []
    for part in clauses(claim.text):
        matter = [word for word in read(part).matter if not digit(word) and word.low not in _WEAK]
        if not 2 <= len(matter) <= 14:
            continue
        weights = [1.5 if word.big else 1.0 for word in matter]
        total = sum(weights)
        near = [[weight * there.near(word) for word, weight in zip(matter, weights, strict=True)] for there, _ in held]
        sums = [sum(row) for row in near]
        for at, word in enumerate(matter):
            without = within = 0.0
            for (there, whole), row, held_by in zip(held, near, sums, strict=True):
                fit = (held_by - row[at]) / (total - weights[at])
                if fit <= max(0.3, min(within, without)):
                    continue
                has = whole.near(word) >= 0.7
                # The clause speaks of nobody else: then it may well speak of this one, by a pronoun.
                if not has and not _rival(word, there, matter, named=word.big and word.start != first):
                    continue
                within, without = (max(within, fit), without) if has else (within, max(without, fit))
            within = within or 0.3 * float(any(whole.near(word) >= 0.7 for _, whole in held))
            if within and without >= 0.6 and without > within + 0.3:
                wrong.append(word)
    return {"bound_elsewhere": min(2.0, float(len(wrong)))}, [
        f"“{word.low}” belongs to something else there" for word in wrong[:2]
    ]


def _rival(word: Word, there: Read, matter: Sequence[Word], *, named: bool) -> bool:
    """Something stands there that excludes the word: another name in place of a name, or its opposite."""
    own = {one.stem for one in matter}
    for at, other in enumerate(there.matter):
        if other.stem in own:
            continue
        if opposite(word.stem, other.stem) or (named and other.big and (at or len(there.matter) < 4)):
            return True
    return False


def turned(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    """Both hold a pair of opposites, and it is put to other words: hot syrup on cold cake, cold syrup on hot cake."""
    mine, theirs = _partners(claim), _partners(best)
    for stem, near in mine.items():
        for other, there in theirs.items():
            if opposite(stem, other) and near == there and other in mine and stem in theirs:
                return {"turned": 1.0}, [f"“{stem}” and “{other}” are exchanged"]
    return {"turned": 0.0}, []


def _partners(claim: Read) -> dict[str, str]:
    """The word of matter that follows each word."""
    return {one.stem: other.stem for one, other in pairwise(claim.matter)}


def order(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    """Who did what to whom: two words have changed their places around the same verb or the same prepositions."""
    mine, theirs = _roles(claim.text), _roles(best.text)
    passive = ("by" in {word.low for word in claim.words}) != ("by" in {word.low for word in best.words})
    shared = [role for role in mine if role in theirs]
    for one, other in combinations(shared, 2):
        turned = mine[one] == theirs[other] and mine[other] == theirs[one] and mine[one] != mine[other]
        if turned and not (passive and one[0] == other[0] == "verb"):
            return {"order_swapped": 1.0}, [f"“{mine[one]}” and “{mine[other]}” have changed places"]
    return {"order_swapped": 0.0}, []


@lru_cache(maxsize=4096)
def _roles(text: str) -> Mapping[tuple[str, str, str], str]:
    """The words before and after each verb, and the one after each preposition."""
    found: dict[tuple[str, str, str], str] = {}
    before, governed = "", ""
    verb = ""
    for word in read(text).words:
        if word.low in _PREPOSITIONS:
            governed = word.low
        elif word.low not in STOP and not digit(word):
            speech = entry(word.stem).speech
            if governed:
                found.setdefault(("preposition", governed, ""), word.stem)
                governed = ""
            elif speech.startswith("v") and not word.big and before:
                verb = word.stem
                found.setdefault(("verb", verb, "before"), before)
            elif verb:
                found.setdefault(("verb", verb, "after"), word.stem)
                before, verb = word.stem, ""
            else:
                before = word.stem
    return found
