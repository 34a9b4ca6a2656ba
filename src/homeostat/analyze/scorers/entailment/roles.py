"""Who did what to whom: words that changed places, or that belong to somebody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, Sources, digit, parted, tabled
from homeostat.analyze.scorers.entailment.sides import negated
from homeostat.analyze.text.lexicon import alike, marks, nearest, opposite, polar
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP, Word

_WEAK: Final = marks("weak")
# Words that join what stands on both sides of them, and what says the same from the other side.
_JOINS: Final[Mapping[str, str]] = {
    "because": "so", "so": "because", "therefore": "because", "before": "after", "after": "before", "then": "after", "than": "", "if": "", "unless": "",
}  # fmt: skip
# On which side of a moment or a line something lies.
_LIES: Final = {
    "before": "early", "until": "early", "till": "early", "by": "early", "after": "late", "from": "late", "since": "late",
    "above": "high", "over": "high", "below": "low", "under": "low", "inside": "in", "outside": "out",
}  # fmt: skip
_OTHER: Final = {"early": "late", "late": "early", "high": "low", "low": "high", "in": "out", "out": "in"}
_SUFFERS: Final = frozenset(["is", "are", "was", "were", "be", "been", "being", "get", "gets", "got"])
_MOST: Final = 60
_REACH: Final = 5


def bound(claim: Read, documents: Sources) -> tuple[dict[str, float], list[str]]:
    """Who or what the rest of a clause is said of: another name, or an opposite, stands there in the documents."""
    # The head of a table speaks of all its rows.
    held = [(there, whole) for there, whole in documents.clauses if not tabled(whole)]
    first = claim.words[0].start if claim.words else 0
    denied = negated(claim.text)
    wrong: list[Word] = []
    for part in parted(claim):
        matter = _matter(part)
        if not 2 <= len(matter) <= 14:
            continue
        weights = [1.5 if word.big else 1.0 for word in matter]
        total = sum(weights)
        near = [_nearness(part, there) for there, _ in held]
        sums = [sum(row) for row in near]
        for at, word in enumerate(matter):
            without = within = 0.0
            for (there, whole), row, held_by in zip(held, near, sums, strict=True):
                fit = (held_by - row[at]) / (total - weights[at])
                if fit <= max(0.3, min(within, without)):
                    continue
                has = whole.near(word) >= 0.7
                # The clause speaks of nobody else: then it may well speak of this one, by a pronoun.
                if not has and not _rival(
                    word, there, matter, named=word.big and word.start != first, denied=denied.get(word.stem, False)
                ):
                    continue
                within, without = (max(within, fit), without) if has else (within, max(without, fit))
            within = within or 0.3 * float(any(whole.near(word) >= 0.7 for _, whole in held))
            if within and without >= 0.6 and without > within + 0.3:
                wrong.append(word)
    return {"bound_elsewhere": min(2.0, float(len(wrong)))}, [
        f"“{word.low}” belongs to something else there" for word in wrong[:2]
    ]


def _matter(part: Read) -> list[Word]:
    return [word for word in part.matter if not digit(word) and word.low not in _WEAK]


@lru_cache(maxsize=4 * PAIRS)
def _nearness(part: Read, there: Read) -> list[float]:
    """How near a clause comes to each word of another, by the word's weight."""
    return [(1.5 if word.big else 1.0) * there.near(word) for word in _matter(part)]


def _rival(word: Word, there: Read, matter: Sequence[Word], *, named: bool, denied: bool) -> bool:
    """Something stands there that excludes the word: another name in place of a name, or its opposite."""
    own = {one.stem for one in matter}
    for at, other in enumerate(there.matter):
        if other.stem in own:
            continue
        if (opposite(word.stem, other.stem) and not denied) or (named and other.big and (at or len(there.matter) < 4)):
            return True
    return False


@lru_cache(maxsize=PAIRS)
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


@dataclass(frozen=True, slots=True)
class _Thing:
    """A word of matter, a name of several words, or a word that joins; `by`: who does it stands behind it."""

    low: str
    stem: str
    verb: bool
    by: bool
    suffered: bool = False


@lru_cache(maxsize=PAIRS)
def order(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    """Who did what to whom, what came first, what caused what: two things have changed sides of a word that both share.

    Of its opposite they have to change sides: who sells to me is whom I buy from.
    """
    mine, theirs = _things(claim), _things(best)
    places = _met(mine, theirs)
    swapped, converse = "", False
    for at, thing in enumerate(mine):
        if not (thing.verb or thing.low in _JOINS):
            continue
        there, turned = _pivot(thing, places.get(at), theirs)
        if there is None:
            continue
        passive = thing.by != theirs[there].by
        if thing.suffered != theirs[there].suffered and not passive:
            continue  # `Twelve euros are charged`, `we charge twelve euros`: nobody is said to have changed.
        crossed, kept = _sides(at, there, places, len(mine))
        if crossed and turned == passive:
            swapped = swapped or f"“{mine[crossed[0]].low}” and “{mine[crossed[1]].low}” have changed places"
        elif kept and passive and not turned:
            swapped = swapped or f"“{mine[kept[0]].low}” and “{mine[kept[1]].low}” have changed places"
        converse = converse or bool(crossed and turned)
    swapped = "" if converse else swapped
    return {"order_swapped": float(bool(swapped)), "converse": float(converse)}, [swapped] if swapped else []


@lru_cache(maxsize=PAIRS)
def aside(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    """The same moment or line, and the claim lies on its other side: after the break, where the snippet says until."""
    theirs = _lying(best)
    for stem, mine in _lying(claim).items():
        there = theirs.get(stem, frozenset[str]())
        if there and not mine & there and any(_OTHER[side] in there for side in mine):
            return {"aside": 1.0}, [f"on the other side of “{stem}”"]
    return {"aside": 0.0}, []


@lru_cache(maxsize=1024)
def _lying(text: Read) -> Mapping[str, frozenset[str]]:
    """What is said to lie before or after each thing: the first word of matter behind the preposition."""
    found: dict[str, frozenset[str]] = {}
    side, end = "", 0
    for word in text.words:
        if text.text[end : word.start].strip(" '\"-"):
            side = ""
        end = word.start + len(word.low)
        if word.low in _LIES:
            side = _LIES[word.low]
        elif side and (word.low not in STOP or digit(word)):
            # `The autumn break`: a noun before another belongs to it.
            found[word.stem] = found.get(word.stem, frozenset()) | {side}
            if not digit(word) and "n" in entry(word.stem).speech:
                continue
            side = ""
    return found


def _sides(
    at: int, there: int, places: Mapping[int, int], many: int
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The nearest two things beside a word that stand on other sides of it there, and the nearest two on the same."""
    left = [one for one in range(max(0, at - _REACH), at) if one in places]
    right = [one for one in range(at + 1, min(many, at + 1 + _REACH)) if one in places]
    pairs = [(one, other) for one in reversed(left) for other in right]
    crossed = [pair for pair in pairs if places[pair[1]] < there < places[pair[0]]]
    kept = [pair for pair in pairs if places[pair[0]] < there < places[pair[1]]]
    return crossed[0] if crossed else None, kept[0] if kept and not crossed else None


def _pivot(thing: _Thing, place: int | None, theirs: Sequence[_Thing]) -> tuple[int | None, bool]:
    """Where the same word stands in the other text, or its opposite."""
    if place is not None:
        return place, False
    against = _JOINS.get(thing.low, "")
    for at, other in enumerate(theirs):
        if (against and other.low == against) or (thing.verb and opposite(thing.stem, other.stem)):
            return at, True
    return None, False


def _met(mine: Sequence[_Thing], theirs: Sequence[_Thing]) -> dict[int, int]:
    """Which thing of the one text is which of the other; what stands twice in either tells nothing."""
    ours, there = Counter(one.stem for one in mine), Counter(one.stem for one in theirs)
    spots = {one.stem: at for at, one in enumerate(theirs)}
    known = frozenset(spots)
    found: dict[int, int] = {}
    for at, thing in enumerate(mine):
        if ours[thing.stem] > 1:
            continue
        stem = thing.stem
        if stem not in spots:
            if nearest(stem, known) < 0.8:
                continue
            stem = next(other for other in spots if alike(thing.stem, other) >= 0.8)
        if there[stem] == 1 and spots[stem] not in found.values():
            found[at] = spots[stem]
    return found


@lru_cache(maxsize=1024)
def _things(text: Read) -> tuple[_Thing, ...]:
    found: list[_Thing] = []
    end = -2
    told = text.words[:_MOST]
    for at, word in enumerate(told):
        if word.low in _JOINS:
            found.append(_Thing(word.low, word.low, verb=False, by=False))
        elif word.low not in STOP:
            named = word.big and bool(found) and end == at - 1 and told[at - 1].big
            speech = entry(word.stem).speech
            verb = not word.big and (
                word.low.endswith("ed") or speech[:1] == "v" or (polar(word.stem) and speech[:1] != "n")
            )
            by = verb and any(other.low == "by" for other in told[at + 1 : at + 3])
            suffered = word.low.endswith("ed") and at > 0 and told[at - 1].low in _SUFFERS
            if named:
                found.pop()
            found.append(_Thing(word.low, word.stem, verb, by, suffered))
            end = at
    return tuple(found)
