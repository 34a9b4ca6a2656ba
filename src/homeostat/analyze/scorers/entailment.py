"""Does a snippet support a claim? Words are aligned with synonyms; numbers, names, negation, scope and order are checked.

The checks answer with named features, each 0 when nothing is wrong; what they weigh together is learned (`weights.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final

from homeostat.analyze.text.lexicon import alike, marks, opposite
from homeostat.analyze.text.quantities import Quantity, quantities, same
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.thesaurus import entry, related
from homeostat.analyze.text.words import NEGATORS, STOP, Word, content, words

_UNIVERSAL: Final = marks("universal")
_PARTIAL: Final = marks("partial")
_ONLY: Final = marks("only")
_CONDITION: Final = marks("condition")
_CERTAIN: Final = marks("certain")
_HEDGE: Final = marks("hedge")
_RATE: Final = {
    "second": "s",
    "minute": "min",
    "hour": "h",
    "hourly": "h",
    "day": "d",
    "daily": "d",
    "week": "w",
    "weekly": "w",
    "month": "m",
    "monthly": "m",
    "quarter": "q",
    "quarterly": "q",
    "year": "y",
    "yearly": "y",
    "annual": "y",
    "annually": "y",
    "monat": "m",
    "jahr": "y",
    "mes": "m",
    "año": "y",
    "mois": "m",
    "an": "y",
}
_ABOUT: Final = frozenset(
    [
        "about",
        "around",
        "roughly",
        "almost",
        "nearly",
        "approximately",
        "over",
        "some",
        "circa",
        "ca",
        "etwa",
        "environ",
        "unos",
    ]
)
# `unless` and `except` turn what follows them round like a negation does.
_DENIES: Final = NEGATORS | {"unless", "except", "instead", "excluded", "excluding"}
# Words of matter in form only: to deny them denies nothing.
_WEAK: Final = marks("weak")
_PREPOSITIONS: Final = frozenset(
    ["from", "to", "than", "by", "of", "with", "for", "before", "after", "on", "in", "into", "over", "against"]
)
_SCALES: Final = frozenset(["half", "halve", "double", "twice", "triple", "each", "both", "couple", "two", "together"])
_BREAK: Final = re.compile(r"[;:,.!?]|\s-\s")
_MONTHS: Final = marks("months")


@dataclass(frozen=True, slots=True)
class Check:
    """What came of comparing one claim with the snippets: features, the best snippet, and remarks for a reader."""

    claim: str
    snippet: str
    features: dict[str, float]
    remarks: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Read:
    text: str
    words: tuple[Word, ...]
    matter: tuple[Word, ...]
    numbers: tuple[Quantity, ...]
    stems: frozenset[str]


@lru_cache(maxsize=4096)
def _read(text: str) -> _Read:
    found = words(text)
    matter = tuple(content(found))
    return _Read(text, found, matter, quantities(text), frozenset(word.stem for word in matter))


@lru_cache(maxsize=40_000)
def _nearest(stem: str, stems: frozenset[str]) -> float:
    return 1.0 if stem in stems else max((alike(stem, other) for other in stems), default=0.0)


def _best(word: Word, stems: frozenset[str]) -> float:
    return _nearest(word.stem, stems)


def _digit(word: Word) -> bool:
    return word.low[0].isdigit()


def coverage(claim: Sequence[Word], stems: frozenset[str]) -> float:
    """Which part of the claim's matter is in the snippet; names and long words weigh more."""
    total = held = 0.0
    for word in claim:
        if not _digit(word):
            weight = 1.5 if word.big else 1.0
            total += weight
            held += weight * _nearest(word.stem, stems)
    return held / total if total else 1.0


def against(one: str, other: str) -> tuple[float, float, float]:
    """How much two sentences share, how much of it they turn to its opposite or another number, and whether one denies it."""
    mine, theirs = _read(one), _read(other)
    shared = coverage(mine.matter, theirs.stems)
    if shared < 0.3:
        return shared, 0.0, 0.0
    turned, _ = _polarity(mine, theirs)
    lost = [each for each in mine.numbers if not each.soft and not any(same(each, held) for held in theirs.numbers)]
    exact = sum(word.stem in theirs.stems for word in mine.matter) / max(1, len(mine.matter))
    close = min(1.0, max(0.0, (exact - 0.3) / 0.4))
    number = min(2.0, len(lost)) * (0.3 + 0.7 * close) if theirs.numbers else 0.0
    return shared, turned["antonym"] + 0.4 * number, turned["negation_flip"]


def check(claim: str, documents: Sequence[str], question: str = "") -> Check:
    """Compare one claim with the sentence of the documents that fits it best."""
    read = _read(claim)
    pieces = [sentence for document in documents for sentence in sentences(document)][:200]
    if not pieces:
        return Check(claim, "", {"nothing": 1.0})
    ranked = sorted(pieces, key=lambda piece: -_fit(read, _read(piece)))
    best = _read(ranked[0])
    everything = frozenset[str]().union(*(_read(piece).stems for piece in pieces))
    known = everything | _read(question).stems if question else everything
    features, remarks = _lexical(read, best, everything, known, pieces)
    for part in (
        _numbers(read, best, pieces, _read(question)),
        _polarity(read, best),
        _scope(read, best),
        _order(read, best),
        _bound(read, pieces),
        _turned(read, best),
    ):
        features.update(part[0])
        remarks += part[1]
    if len(ranked) > 1:
        features["cover_two"] = coverage(read.matter, best.stems | _read(ranked[1]).stems)
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
            "antonym",
            "negation_flip",
            "swapped_word",
            "strange_name",
            "widened",
        )
    )
    wrong = wrong or features["order_swapped"] > 0
    crossed["clean"] = 0.0 if wrong else features["cover_best"]
    crossed["clean_exact"] = 0.0 if wrong else features["cover_exact"]
    return crossed


def _fit(claim: _Read, snippet: _Read) -> float:
    shared = coverage(claim.matter, snippet.stems)
    numbers = sum(any(same(one, other) for other in snippet.numbers) for one in claim.numbers)
    return shared + 0.15 * numbers - 0.002 * len(snippet.matter)


def _lexical(
    read: _Read, best: _Read, everything: frozenset[str], known: frozenset[str], pieces: Sequence[str]
) -> tuple[dict[str, float], list[str]]:
    matter = [word for word in read.matter if not _digit(word)]
    strange = [word for word in matter if word.low not in _WEAK and _best(word, known) < 0.7]
    first = read.words[0].start if read.words else 0
    names = [word for word in strange if word.big and word.start != first]
    calendar = [word for word in matter if word.low in _MONTHS and _best(word, known) < 1]
    stems = {word.stem for word in best.matter}
    exact = sum(word.stem in stems for word in matter) / len(matter) if matter else 1.0
    features = {
        "cover_best": coverage(read.matter, best.stems),
        "cover_all": coverage(read.matter, everything),
        "cover_exact": exact,
        "strange": len(strange) / max(1, len(matter)),
        "strange_all": float(len(strange) >= 3 and len(strange) >= 0.75 * len(matter)),
        # In a claim that is otherwise the snippet's own words, a strange word is a swapped one.
        "swapped_word": min(2.0, float(len(strange))),
        "strange_name": min(2.0, float(len(names) + len(calendar))),
        "borrowed": _borrowed(read, pieces, everything) if exact >= 0.4 else 0.0,
        # An invention comes near nothing in the documents; a retelling in other words does.
        "remote": _remote(strange, known) / max(1, len(matter)),
        "short": 1.0 if len(matter) <= 3 else 0.0,
    }
    return features, [
        f"“{word.low}” is not in the documents"
        for word in [*names, *calendar][:3] or strange[:2]
        if names or calendar or (strange and exact >= 0.5)
    ]


def _borrowed(read: _Read, pieces: Sequence[str], everything: frozenset[str]) -> float:
    """Said of something else: part of a clause is in one sentence of the documents, the rest only in others."""
    most = 0.0
    for clause in clauses(read.text):
        for part in re.split(r"\s(?:and|or)\s(?=\w+\s\w+\s\w+)|,\s", clause):
            matter = [word for word in _read(part).matter if not _digit(word) and word.low not in _WEAK]
            if len(matter) < 3:
                continue
            shared = [sum(_best(word, _read(piece).stems) >= 0.7 for word in matter) for piece in pieces[:80]]
            known = sum(_best(word, everything) >= 0.8 for word in matter)
            if max(shared) >= 0.5 * len(matter):
                most = max(most, float(known - max(shared)))
    return min(2.0, max(0.0, most))


def _remote(strange: Sequence[Word], known: frozenset[str]) -> float:
    """How many strange words have no relation to anything that is there."""
    held = list(known)[:150]
    return sum(
        1 - min(1.0, 3 * max((related(word.stem, other) for other in held), default=0.0)) for word in strange[:8]
    )


def _numbers(read: _Read, best: _Read, pieces: Sequence[str], question: _Read) -> tuple[dict[str, float], list[str]]:
    held = [quantity for piece in pieces for quantity in _read(piece).numbers]
    asked = question.numbers
    said = [one for one in read.numbers if not one.soft and not (one.kind == "number" and one.text.lower() == "one")]
    told = [one for one in said if not any(same(one, other) for other in held)]
    told = [one for one in told if not _small(one) or _counts_other(one, read, best)]
    # A number of the question may be repeated, and reckoned with.
    told = [one for one in told if not any(same(one, other) for other in asked)]
    about = bool(_ABOUT & {word.low for word in read.words})
    scaled = bool(_SCALES & {word.low for word in (*read.words, *question.words)})
    derived = [one for one in told if _derivable(one, [*held, *asked], said, about=about, scaled=scaled)]
    lost = [one for one in told if one not in derived]
    bound = [one for one in said if one not in told and _misbound(one, read, pieces)]
    rival = [
        one for one in lost if any(other.kind == one.kind and not other.soft for other in _read(best.text).numbers)
    ]
    remarks = [f"{one.text} is not in the documents" for one in lost[:3]] + [
        f"{one.text} belongs to something else there" for one in bound[:2]
    ]
    return {
        "number_lost": min(2.0, float(len(lost))),
        "number_rival": min(1.0, float(len(rival))),
        "number_derived": min(1.0, float(len(derived))),
        "number_misbound": min(1.0, float(len(bound))),
        "number_right": 1.0 if said and not lost and not bound else 0.0,
    }, remarks


def _small(one: Quantity) -> bool:
    """Two or three in letters: often a count of what the documents list without counting."""
    return one.kind == "number" and one.value <= 3 and one.text.isalpha()


def _counts_other(one: Quantity, read: _Read, best: _Read) -> bool:
    """The documents put another number to the same noun."""
    noun = next((word for word in read.matter if word.start > one.start and not _digit(word)), None)
    if noun is None:
        return False
    for other in best.numbers:
        theirs = next((word for word in best.matter if word.start > other.start + len(other.text) - 1), None)
        if theirs is not None and theirs.stem == noun.stem and not same(one, other):
            return True
    return False


def _derivable(one: Quantity, held: Sequence[Quantity], said: Sequence[Quantity], *, about: bool, scaled: bool) -> bool:
    """A sum, a difference, a share, twelve months of it, half or double, or a rounding of what is there."""
    near = 0.06 if about else 0.0
    same_kind = [other for other in held if other.kind == one.kind and not other.soft]
    if any(same(one, other, loose=0.06) for other in same_kind if one.kind != "clock" and other.value > 20):
        return about or not one.value.is_integer() or one.value % 10 == 0 or one.value != round(one.value, -1)
    if about and any(abs(one.value - other.value) <= 0.06 * other.value for other in same_kind):
        return True
    pool = [other.value for other in held if other.kind in (one.kind, "number") and not other.soft][:14]
    if one.kind == "clock":
        return False
    years = [other.value for other in held if other.kind == "number" and 1000 <= other.value <= 2100]
    if one.kind == "time":
        unit = 315576000 if "decade" in one.text else 31557600
        clocks = [other.value for other in held if other.kind == "clock"]
        if any(abs(a - b) * 31557600 == one.value for a in years for b in years if unit) or any(
            abs(a - b) * 60 == one.value for a in clocks for b in clocks
        ):
            return True
    shares = [other.value / 100 for other in held if other.kind == "percent"]
    made = [a * 12 for a in pool] + [a * 12 * (1 - share) for a in pool for share in shares]
    made += [a * share for a in pool for share in shares] + [a * (1 - share) for a in pool for share in shares]
    made += [a * 100 for a in pool]
    if scaled:
        made += [a / 2 for a in pool] + [a * 2 for a in pool]
    made += [value for a, b in combinations(pool, 2) for value in (abs(a - b), a + b)]
    made += [sum(other.value for other in same_kind)]
    if one.kind == "percent" or (one.kind == "number" and len(said) > 1):
        ratios = [a / b * 100 for a in pool for b in pool if 0 < a < b]
        made += ratios
        bases = [other.value for other in said if other.kind == "number" and other.value > one.value]
        made += [share * base / 100 for share in [*ratios, *(100 * share for share in shares)] for base in bases]
        if (
            one.kind == "number"
            and one.value in [other.value for other in said]
            and any(
                abs(two.value / one.value * 100 - 100 * share) < 1.5
                for two in said
                for share in shares
                if one.value > two.value > 0
            )
        ):
            return True
    return any(value > 3 and abs(value - one.value) <= max(0.015, near) * abs(one.value) for value in made)


def _around(quantity: Quantity, read: _Read) -> tuple[Word, ...]:
    """The matter next to a number: three words before and three after, numbers apart, in its clause."""
    matter = [word for word in read.matter if not _digit(word)]
    before = [word for word in matter if word.start < quantity.start][-3:]
    after = [word for word in matter if word.start > quantity.start][:3]
    return (*before, *after)


def _misbound(one: Quantity, read: _Read, pieces: Sequence[str]) -> bool:
    """Another number of the documents stands next to the words that this one stands next to."""
    near = _around(one, read)
    if len(near) < 2 or (one.text.isalpha() and one.kind == "number" and one.value <= 3):
        return False
    scores: dict[bool, float] = {True: 0.0, False: 0.0}
    for piece in pieces:
        there = _read(piece)
        for other in there.numbers:
            if other.kind not in (one.kind, "number") and one.kind != "number":
                continue
            mine = same(one, other)
            scores[mine] = max(scores[mine], coverage(near, frozenset(word.stem for word in _around(other, there))))
    return scores[False] > scores[True] + 0.12


def _negated(read: _Read) -> dict[str, bool]:
    """Which stems a negation governs: the first two words of matter after it, in its own clause."""
    found: dict[str, bool] = {}
    left = 0
    before = 0
    for at, word in enumerate(read.words):
        if _BREAK.search(read.text, before, word.start):
            left = 0
        before = word.start + len(word.low)
        if word.low in _DENIES and not (at == 0 and read.text[before:][:1] in (",", ".", ":", ";", "!")):
            left = 2
            continue
        found[word.stem] = found.get(word.stem, False) or left > 0
        if word.low not in STOP and word.low not in _WEAK:
            left -= 1
    return found


def _polarity(read: _Read, best: _Read) -> tuple[dict[str, float], list[str]]:
    mine, theirs = _negated(read), _negated(best)
    flips: list[str] = []
    agreed = 0
    matter = {word.stem for word in read.matter if word.low not in _WEAK}
    for stem, off in mine.items():
        if stem not in matter:
            continue
        match = next((other for other in theirs if alike(stem, other) >= 0.7), None)
        if match is not None:
            if off != theirs[match]:
                flips.append(stem)
            else:
                agreed += off
    own = {word.stem for word in read.words}
    stems = {word.stem for word in best.words}
    against = []
    for word in read.words:
        if word.stem in stems or any(alike(word.stem, other.stem) >= 0.8 for other in best.matter):
            continue
        for other in best.words:
            if opposite(word.stem, other.stem) and other.stem not in own and not _echoed(other, read):
                even = mine.get(word.stem, False) == theirs.get(other.stem, False)
                against.append((word, other, even))
    real = [pair for pair in against if pair[2]]
    flips = [] if any(not pair[2] for pair in against) else flips
    remarks = [f"says “{one.low}” where the snippet says “{other.low}”" for one, other, _ in real[:2]]
    remarks += [f"the snippet says the opposite about “{flips[0]}”"] if flips else []
    leading = read.words[0].low if read.words else ""
    return {
        "antonym": min(2.0, float(len(real))),
        "antonym_denied": 1.0 if len(against) > len(real) else 0.0,
        "negation_flip": 1.0 if flips else 0.0,
        "negation_same": 1.0 if agreed else 0.0,
        "says_no": 1.0 if leading in ("no", "nein", "non") else 0.0,
        "says_yes": 1.0 if leading in ("yes", "sure", "ja", "sí", "oui") else 0.0,
    }, remarks


def _echoed(word: Word, read: _Read) -> bool:
    """The claim says the same in another word, so that a contrary word beside it is about something else."""
    return any(alike(word.stem, other.stem) >= 0.8 for other in read.matter)


def _bound(read: _Read, pieces: Sequence[str]) -> tuple[dict[str, float], list[str]]:
    """Who or what the rest of a clause is said of: another name, or an opposite, stands there in the documents."""
    held = [(_read(part), _read(piece)) for piece in pieces[:80] for part in clauses(piece)]
    first = read.words[0].start if read.words else 0
    wrong: list[Word] = []
    for part in clauses(read.text):
        matter = [word for word in _read(part).matter if not _digit(word) and word.low not in _WEAK]
        if not 2 <= len(matter) <= 14:
            continue
        weights = [1.5 if word.big else 1.0 for word in matter]
        total = sum(weights)
        near = [
            [weight * _best(word, there.stems) for word, weight in zip(matter, weights, strict=True)]
            for there, _ in held
        ]
        sums = [sum(row) for row in near]
        for at, word in enumerate(matter):
            without = within = 0.0
            for (there, whole), row, held_by in zip(held, near, sums, strict=True):
                fit = (held_by - row[at]) / (total - weights[at])
                if fit <= max(0.3, min(within, without)):
                    continue
                has = _best(word, whole.stems) >= 0.7
                # The clause speaks of nobody else: then it may well speak of this one, by a pronoun.
                if not has and not _rival(word, there, matter, named=word.big and word.start != first):
                    continue
                within, without = (max(within, fit), without) if has else (within, max(without, fit))
            within = within or 0.3 * float(any(_best(word, whole.stems) >= 0.7 for _, whole in held))
            if within and without >= 0.6 and without > within + 0.3:
                wrong.append(word)
    return {"bound_elsewhere": min(2.0, float(len(wrong)))}, [
        f"“{word.low}” belongs to something else there" for word in wrong[:2]
    ]


def _rival(word: Word, there: _Read, matter: Sequence[Word], *, named: bool) -> bool:
    """Something stands there that excludes the word: another name in place of a name, or its opposite."""
    own = {one.stem for one in matter}
    for at, other in enumerate(there.matter):
        if other.stem in own:
            continue
        if opposite(word.stem, other.stem) or (named and other.big and (at or len(there.matter) < 4)):
            return True
    return False


def _turned(read: _Read, best: _Read) -> tuple[dict[str, float], list[str]]:
    """Both hold a pair of opposites, and it is put to other words: hot syrup on cold cake, cold syrup on hot cake."""
    mine, theirs = _partners(read), _partners(best)
    for stem, near in mine.items():
        for other, there in theirs.items():
            if opposite(stem, other) and near == there and other in mine and stem in theirs:
                return {"turned": 1.0}, [f"“{stem}” and “{other}” are exchanged"]
    return {"turned": 0.0}, []


def _partners(read: _Read) -> dict[str, str]:
    """The word of matter that follows each word."""
    return {one.stem: other.stem for one, other in pairwise(read.matter)}


def _rates(read: _Read) -> set[str]:
    """Per month, a year, daily."""
    found = set()
    for before, word in pairwise(read.words):
        rate = _RATE.get(word.low)
        if rate and (before.low in ("per", "a", "each", "every", "pro", "por", "par") or word.low.endswith("ly")):
            found.add(rate)
    return found


def _scope(read: _Read, best: _Read) -> tuple[dict[str, float], list[str]]:
    mine, theirs = {word.low for word in read.words}, {word.low for word in best.words}
    all_of = bool(mine & _UNIVERSAL - theirs) and not (theirs & _UNIVERSAL)
    widened = all_of and bool(theirs & (_PARTIAL | _CONDITION | _ONLY))
    dropped = bool(theirs & _CONDITION) and not (mine & _CONDITION)
    remarks = ["claims more than the snippet: all, always, never"] if widened else []
    mine_rate, their_rate = _rates(read), _rates(best)
    return {
        "rate_changed": float(bool(mine_rate and their_rate and not mine_rate & their_rate and read.numbers)),
        "widened": float(widened),
        "widened_bare": float(all_of and not widened),
        "partial_dropped": float(bool(theirs & _PARTIAL) and not mine & _PARTIAL),
        "partial_added": float(bool(mine & _PARTIAL) and not theirs & _PARTIAL),
        "only_added": float(bool(mine & _ONLY) and not theirs & _ONLY),
        "only_dropped": float(bool(theirs & _ONLY) and not mine & _ONLY),
        "condition_dropped": float(dropped),
        "certain_added": float(bool(mine & _CERTAIN - theirs)),
        "hedge_dropped": float(bool(theirs & _HEDGE) and not mine & _HEDGE),
    }, remarks


def _order(read: _Read, best: _Read) -> tuple[dict[str, float], list[str]]:
    """Who did what to whom: two words have changed their places around the same verb or the same prepositions."""
    mine, theirs = _roles(read), _roles(best)
    passive = ("by" in {word.low for word in read.words}) != ("by" in {word.low for word in best.words})
    shared = [role for role in mine if role in theirs]
    for one, other in combinations(shared, 2):
        turned = mine[one] == theirs[other] and mine[other] == theirs[one] and mine[one] != mine[other]
        if turned and not (passive and one[0] == other[0] == "verb"):
            return {"order_swapped": 1.0}, [f"“{mine[one]}” and “{mine[other]}” have changed places"]
    return {"order_swapped": 0.0}, []


def _roles(read: _Read) -> Mapping[tuple[str, str, str], str]:
    """The words before and after each verb, and the one after each preposition."""
    found: dict[tuple[str, str, str], str] = {}
    before, governed = "", ""
    verb = ""
    for word in read.words:
        if word.low in _PREPOSITIONS:
            governed = word.low
        elif word.low not in STOP and not _digit(word):
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
