"""Does a snippet support a claim? Words are aligned with synonyms; numbers, names, negation, scope and order are checked.

The checks answer with named features, each 0 when nothing is wrong; what they weigh together is learned (`weights.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from homeostat.analyze.scorers.entailment.edits import edits
from homeostat.analyze.scorers.entailment.joints import joints
from homeostat.analyze.scorers.entailment.numbers import numbers
from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, Sources, digit, parted, plainly, read, sources
from homeostat.analyze.scorers.entailment.roles import aside, bound, order, turned
from homeostat.analyze.scorers.entailment.scope import condition, scope
from homeostat.analyze.scorers.entailment.sides import polarity
from homeostat.analyze.text.lexicon import marks, nearest
from homeostat.analyze.text.quantities import same
from homeostat.analyze.text.sentences import clauses
from homeostat.analyze.text.thesaurus import closest, entry
from homeostat.analyze.text.words import Word, stem

_WEAK: Final = marks("weak")
_MONTHS: Final = marks("months")
_MONTH_STEMS: Final = frozenset(stem(month) for month in _MONTHS)
_FEW: Final = 150
#: Who shares so much with a snippet speaks of it too.
_SPOKEN: Final = 0.5
#: So much less than the best sentence has the next one at the most, if it is to be heard.
_LESS: Final = 0.2
#: Who shares less than this with all documents, and is so far from them, does not speak of their matter.
_BARELY: Final = 0.12
_FAR: Final = 0.5
#: So much of a clause is the clause.
_WHOLE: Final = 0.6
#: Of so many things one row is made; a thing has at most so many words.
_ROW: Final = 3
_ITEMS: Final = re.compile(r",\s+(?:and\s+|or\s+|und\s+|et\s+|y\s+)?|\s(?:and|or|und|oder|et|ou|y|o)\s|:\s")


@dataclass(frozen=True, slots=True)
class Check:
    """What came of comparing one claim with the snippets: features, the best snippet, and remarks for a reader."""

    claim: str
    snippet: str
    features: dict[str, float]
    remarks: tuple[str, ...] = field(default=())


@lru_cache(maxsize=PAIRS)
def against(one: str, other: str) -> tuple[float, float, float, float]:
    """How much two sentences share, how much of it they turn to its opposite, how much to another number, and whether one denies it."""
    mine, theirs = read(one), read(other)
    shared = mine.covered(theirs.stems)
    if shared < 0.3:
        return shared, 0.0, 0.0, 0.0
    sided, _ = polarity(mine, theirs)
    lost = [each for each in mine.numbers if not each.soft and not any(same(each, held) for held in theirs.numbers)]
    exact = sum(word.stem in theirs.stems for word in mine.matter) / max(1, len(mine.matter))
    close = min(1.0, max(0.0, (exact - 0.3) / 0.4))
    number = min(2.0, len(lost)) * (0.3 + 0.7 * close) if theirs.numbers else 0.0
    return shared, sided["antonym"], number, sided["negation_flip"]


def check(claim: str, documents: Sequence[str], question: str = "") -> Check:
    """Compare one claim with the sentence of the documents that fits it best."""
    told, held = read(plainly(claim)), sources(tuple(map(plainly, documents)))
    if not held.pieces:
        return Check(claim, "", {"nothing": 1.0})
    ranked = sorted(held.pieces, key=lambda piece: -_fit(told, piece))
    best = ranked[0]
    features, remarks = _lexical(told, best, held, question)
    for part in (
        numbers(told, best, held, read(question)),
        polarity(told, best),
        scope(told, best),
        order(told, best),
        aside(told, best),
        bound(told, held),
        turned(told, best),
        edits(told, best, held),
    ):
        features.update(part[0])
        remarks += part[1]
    features.update(joints(told, best, held, read(question).stems))
    features["condition_dropped"] = max(
        condition(told, piece, read(question).stems)
        for piece in (best, *(other for other in ranked[1:2] if told.covered(other.stems) >= _SPOKEN))
    )
    features["listed"] = _listed(told, held)
    features["denied_there"] = _denied_there(told, held)
    if features.pop("converse") or features["aside"]:
        features["antonym"] = 0.0
    # `Not possible after the break` is possible until then.
    if features["aside"] and (features["negation_flip"] or features["antonym_denied"]):
        features["aside"] = features["negation_flip"] = 0.0
    if (
        len(ranked) > 1
        and not (features["antonym"] or features["negation_flip"] or features["negation_same"])
        # Where the best sentence says it nearly whole, the next one speaks of something else.
        and told.covered(ranked[1].stems) >= max(_SPOKEN, features["cover_best"] - _LESS)
    ):
        second, more = polarity(told, ranked[1])
        features.update({name: second[name] for name in ("antonym", "negation_flip")})
        remarks += more
    if len(ranked) > 1:
        features["cover_two"] = told.covered(best.stems | ranked[1].stems)
    return Check(claim, best.text, _crossed(features), tuple(remarks))


# What is wrong in a claim that otherwise repeats the snippet was changed on purpose; in a free retelling it may be the retelling.
_SPLIT: Final = ("antonym", "negation_flip", "swapped_word", "strange_name", "widened", "only_added", "only_dropped", "condition_dropped", "certain_added", "hedge_dropped", "partial_dropped")  # fmt: skip


def _crossed(features: dict[str, float]) -> dict[str, float]:
    close = min(1.0, max(0.0, (features["cover_exact"] - 0.3) / 0.4))
    crossed = dict(features)
    for name in _SPLIT:
        value = crossed.pop(name)
        crossed[f"{name}_close"] = value * close
        crossed[f"{name}_far"] = value * (1 - close)
    wrong = any(
        features[name]
        for name in (
            "number_lost",
            "number_misbound",
            "bound_elsewhere",
            "turned",
            "aside",
            "antonym",
            "negation_flip",
            "swapped_word",
            "strange_name",
            "widened",
            "replaced",
            "exchanged",
            "limit_changed",
            "label_changed",
        )
    )
    wrong = wrong or features["order_swapped"] > 0
    # The right number in a claim that is wrong elsewhere confirms nothing.
    crossed["number_right"] = 0.0 if features["limit_changed"] else features["number_right"]
    crossed["clean"] = 0.0 if wrong else features["cover_best"]
    crossed["clean_exact"] = 0.0 if wrong else features["cover_exact"]
    return crossed


@lru_cache(maxsize=4 * PAIRS)
def _fit(claim: Read, snippet: Read) -> float:
    shared = claim.covered(snippet.stems)
    shown = sum(any(same(one, other) for other in snippet.numbers) for one in claim.numbers)
    return shared + 0.15 * shown - 0.002 * len(snippet.matter)


def _lexical(claim: Read, best: Read, held: Sources, question: str) -> tuple[dict[str, float], list[str]]:
    asked = read(question).stems if question else frozenset[str]()

    def near(word: Word) -> float:
        return max(nearest(word.stem, held.stems), nearest(word.stem, asked))

    matter = [word for word in claim.matter if not digit(word)]
    strange = [word for word in matter if word.low not in _WEAK and near(word) < 0.7]
    first = claim.words[0].start if claim.words else 0
    names = [word for word in strange if word.big and word.start != first]
    calendar = [word for word in matter if word.low in _MONTHS and near(word) < 1]
    exact = sum(word.stem in best.stems for word in matter) / len(matter) if matter else 1.0
    features = {
        "cover_best": claim.covered(best.stems),
        "cover_all": claim.covered(held.stems),
        "cover_exact": exact,
        "strange": len(strange) / max(1, len(matter)),
        "strange_all": float(len(strange) >= 3 and len(strange) >= 0.75 * len(matter)),
        # In a claim that is otherwise the snippet's own words, a strange word is a swapped one.
        "swapped_word": min(2.0, float(len(strange))),
        "strange_name": min(2.0, float(len(names) + len(calendar))),
        "month_changed": float(bool(calendar) and bool(held.stems & _MONTH_STEMS)),
        "borrowed": _borrowed(claim, held) if exact >= 0.4 else 0.0,
        # An invention comes near nothing in the documents; a retelling in other words does.
        "remote": (_remote(strange, held, asked) if strange else 0.0) / max(1, len(matter)),
        "short": 1.0 if len(matter) <= 3 else 0.0,
    }
    features.update(_clausewise(claim, held, near))
    # A retelling keeps something; what shares nothing and is near nothing speaks of another thing.
    features["foreign"] = float(len(matter) > _ROW and features["cover_all"] < _BARELY and features["remote"] > _FAR)
    return features, [
        f"“{word.low}” is not in the documents"
        for word in [*names, *calendar][:3] or strange[:2]
        if names or calendar or (strange and exact >= 0.5)
    ]


def _clausewise(claim: Read, held: Sources, near: Callable[[Word], float]) -> dict[str, float]:
    """The clause of which least is told: one that was put in stands beside others that are right."""
    known, best, most, things = 1.0, 1.0, 0, 0
    for part in parted(claim):
        matter = _telling(part)
        if not matter:
            continue
        strange = [word for word in matter if near(word) < 0.7]
        most = max(most, len(strange))
        things = max(things, sum(entry(word.stem).speech in ("n", "") for word in strange))
        known = min(known, 1 - len(strange) / len(matter))
        best = min(best, max(_shared(part, piece) for piece in held.pieces[:80]) / len(matter))
    return {
        "clause_known": known,
        "clause_best": best,
        "clause_strange": min(4.0, float(most)),
        "clause_things": min(3.0, float(things)),
    }


def _denied_there(claim: Read, held: Sources) -> float:
    """A clause of the documents is wholly in the claim, which may say more, and only one of the two denies it."""
    most = 0.0
    for clause, piece in held.clauses:
        if len(clause.matter) < 2 or not claim.stems & clause.stems:
            continue
        shared = clause.covered(claim.stems)
        if shared > max(most, _WHOLE) and polarity(claim, clause)[0]["negation_flip"]:
            # The rest of its sentence may say when it holds.
            most = shared if not polarity(claim, piece)[0]["antonym_denied"] else most
    return most


def _listed(claim: Read, held: Sources) -> float:
    """One more thing in a row of those that the documents name."""
    items = [read(part) for part in _ITEMS.split(claim.text.rstrip("."))]
    if len(items) < _ROW:
        return 0.0
    # The first holds the beginning of the sentence, the last may hold its end.
    known = sum(bool(item.matter) and item.covered(held.stems) >= 0.9 for item in items)
    strange = sum(
        0 < len(item.matter) <= _ROW and not any(map(digit, item.matter)) and item.covered(held.stems) < 0.1
        for item in items[1:]
    )
    return float(known >= len(items) - 1 and strange == 1)


def _borrowed(claim: Read, held: Sources) -> float:
    """Said of something else: part of a clause is in one sentence of the documents, the rest only in others."""
    most = 0.0
    for clause in clauses(claim.text):
        for part in re.split(r"\s(?:and|or)\s(?=\w+\s\w+\s\w+)|,\s", clause):
            said = read(part)
            matter = _telling(said)
            if len(matter) < 3:
                continue
            shared = [_shared(said, piece) for piece in held.pieces[:80]]
            known = sum(nearest(word.stem, held.stems) >= 0.8 for word in matter)
            if max(shared) >= 0.5 * len(matter):
                most = max(most, float(known - max(shared)))
    return min(2.0, max(0.0, most))


def _telling(part: Read) -> list[Word]:
    return [word for word in part.matter if not digit(word) and word.low not in _WEAK]


@lru_cache(maxsize=4 * PAIRS)
def _shared(part: Read, piece: Read) -> int:
    return sum(piece.near(word) >= 0.7 for word in _telling(part))


def _remote(strange: Sequence[Word], held: Sources, asked: frozenset[str]) -> float:
    """How many strange words have no relation to anything that is there."""
    known = held.stems | asked
    # Of few words each sentence is asked by itself: the same sentences come again, the same documents less often.
    places = [asked, *(piece.stems for piece in held.pieces)] if len(known) <= _FEW else [_some(known)]
    return sum(1 - min(1.0, 3 * max(closest(word.stem, place) for place in places)) for word in strange[:8])


def _some(known: frozenset[str]) -> frozenset[str]:
    return frozenset(sorted(known)[:_FEW])
