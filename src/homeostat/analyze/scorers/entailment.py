"""Does a snippet support a claim? Words are aligned with synonyms; numbers, names, negation, scope and order are checked.

The checks answer with named features, each 0 when nothing is wrong; what they weigh together is learned (`weights.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final

from homeostat.analyze.text.lexicon import alike, opposite
from homeostat.analyze.text.quantities import Quantity, quantities, same
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import NEGATORS, STOP, Word, content, words

_UNIVERSAL: Final = frozenset(
    [
        "all",
        "both",
        "neither",
        "every",
        "always",
        "everyone",
        "everybody",
        "any",
        "entire",
        "never",
        "none",
        "nobody",
        "completely",
        "fully",
        "whole",
        "each",
        "whenever",
        "alle",
        "immer",
        "jeder",
        "todos",
        "siempre",
        "tous",
        "toujours",
        "toutes",
    ]
)
_PARTIAL: Final = frozenset(
    [
        "some",
        "most",
        "many",
        "several",
        "few",
        "often",
        "usually",
        "sometimes",
        "mostly",
        "partly",
        "part",
        "roughly",
        "generally",
        "certain",
        "only",
        "solely",
        "may",
        "might",
        "can",
        "could",
        "up",
        "einige",
        "manche",
        "meist",
        "algunos",
        "certains",
    ]
)
_ONLY: Final = frozenset(["only", "solely", "exclusively", "nur", "solo", "sólo", "seulement"])
_CONDITION: Final = frozenset(
    [
        "if",
        "unless",
        "except",
        "provided",
        "when",
        "until",
        "without",
        "where",
        "wenn",
        "falls",
        "außer",
        "si",
        "sauf",
        "cuando",
        "salvo",
    ]
)
_CERTAIN: Final = frozenset(
    [
        "proved",
        "proves",
        "prove",
        "proven",
        "guarantee",
        "guarantees",
        "guaranteed",
        "must",
        "definitely",
        "certainly",
        "always",
        "causes",
        "cured",
        "cures",
        "prevents",
        "ensures",
    ]
)
_HEDGE: Final = frozenset(
    [
        "may",
        "might",
        "could",
        "can",
        "possible",
        "possibly",
        "association",
        "associated",
        "suggest",
        "suggests",
        "likely",
        "estimated",
        "about",
        "roughly",
        "correlation",
        "recommended",
        "conseillé",
    ]
)
_FRONTED: Final = frozenset(
    [
        "in",
        "on",
        "at",
        "for",
        "after",
        "before",
        "between",
        "during",
        "since",
        "until",
        "over",
        "from",
        "by",
        "with",
        "according",
        "im",
        "am",
        "nach",
        "vor",
        "en",
        "dans",
        "après",
    ]
)
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
_PASSIVE: Final = frozenset(["by", "was", "were", "been", "is", "are", "wurde", "von", "fue", "por"])
_MONTHS: Final = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
    ]
)


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


@lru_cache(maxsize=4096)
def _read(text: str) -> _Read:
    found = words(text)
    return _Read(text, found, tuple(content(found)), quantities(text))


def _best(word: Word, others: Sequence[Word]) -> float:
    return max((alike(word.stem, other.stem) for other in others), default=0.0)


def _digit(word: Word) -> bool:
    return word.low[0].isdigit()


def coverage(claim: Sequence[Word], snippet: Sequence[Word]) -> float:
    """Which part of the claim's matter is in the snippet; names and long words weigh more."""
    matter = [word for word in claim if not _digit(word)]
    if not matter:
        return 1.0
    weights = [1.5 if word.big else 1.0 for word in matter]
    return sum(weight * _best(word, snippet) for weight, word in zip(weights, matter, strict=True)) / sum(weights)


def check(claim: str, documents: Sequence[str], question: str = "") -> Check:
    """Compare one claim with the sentence of the documents that fits it best."""
    read = _read(claim)
    pieces = [sentence for document in documents for sentence in sentences(document)][:200]
    if not pieces:
        return Check(claim, "", {"nothing": 1.0})
    ranked = sorted(pieces, key=lambda piece: -_fit(read, _read(piece)))
    best = _read(ranked[0])
    everything = [word for piece in pieces for word in _read(piece).matter]
    asked = _read(question).matter if question else ()
    known = [*everything, *asked]
    features, remarks = _lexical(read, best, everything, known)
    for part in (_numbers(read, best, pieces), _polarity(read, best), _scope(read, best), _order(read, best)):
        features.update(part[0])
        remarks += part[1]
    if len(ranked) > 1:
        features["cover_two"] = coverage(read.matter, [*best.matter, *_read(ranked[1]).matter])
    return Check(claim, best.text, _crossed(features), tuple(remarks))


# What is wrong in a claim that otherwise repeats the snippet was changed on purpose; in a free retelling it may be the retelling.
_SPLIT: Final = ("number_lost", "number_misbound", "antonym", "negation_flip", "swapped_word", "strange_name", "widened", "only_added", "only_dropped", "condition_dropped", "certain_added", "hedge_dropped", "partial_dropped")  # fmt: skip


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
            "antonym",
            "negation_flip",
            "swapped_word",
            "strange_name",
            "widened",
        )
    )
    wrong = wrong or features["order_swapped"] > 0.3
    crossed["clean"] = 0.0 if wrong else features["cover_best"]
    crossed["clean_exact"] = 0.0 if wrong else features["cover_exact"]
    return crossed


def _fit(claim: _Read, snippet: _Read) -> float:
    shared = coverage(claim.matter, snippet.matter)
    numbers = sum(any(same(one, other) for other in snippet.numbers) for one in claim.numbers)
    return shared + 0.15 * numbers - 0.002 * len(snippet.matter)


def _lexical(
    read: _Read, best: _Read, everything: Sequence[Word], known: Sequence[Word]
) -> tuple[dict[str, float], list[str]]:
    matter = [word for word in read.matter if not _digit(word)]
    strange = [word for word in matter if _best(word, known) < 0.7]
    first = read.words[0].start if read.words else 0
    names = [word for word in strange if word.big and word.start != first]
    calendar = [word for word in matter if word.low in _MONTHS and _best(word, known) < 1]
    stems = {word.stem for word in best.matter}
    exact = sum(word.stem in stems for word in matter) / len(matter) if matter else 1.0
    features = {
        "cover_best": coverage(read.matter, best.matter),
        "cover_all": coverage(read.matter, everything),
        "cover_exact": exact,
        "strange": len(strange) / max(1, len(matter)),
        # In a claim that is otherwise the snippet's own words, a strange word is a swapped one.
        "swapped_word": min(2.0, float(len(strange))),
        "strange_name": min(2.0, float(len(names) + len(calendar))),
        # Said of something else: the word is in another snippet, the rest of the claim in this one.
        "borrowed": min(
            2.0, sum(_best(word, best.matter) < 0.7 and _best(word, everything) >= 0.8 for word in matter) * 1.0
        )
        * (exact >= 0.5),
        "short": 1.0 if len(matter) <= 3 else 0.0,
    }
    return features, [
        f"“{word.low}” is not in the documents"
        for word in [*names, *calendar][:3] or strange[:2]
        if names or calendar or (strange and exact >= 0.5)
    ]


def _numbers(read: _Read, best: _Read, pieces: Sequence[str]) -> tuple[dict[str, float], list[str]]:
    held = [quantity for piece in pieces for quantity in _read(piece).numbers]
    lost = [one for one in read.numbers if not any(same(one, other) for other in held)]
    derived = [one for one in lost if _derivable(one, held)]
    lost = [
        one
        for one in lost
        if one not in derived and not (one.kind == "number" and one.value <= 3 and one.text.isalpha())
    ]
    bound = [one for one in read.numbers if one not in lost and one not in derived and _misbound(one, read, pieces)]
    remarks = [f"{one.text} is not in the documents" for one in lost[:3]] + [
        f"{one.text} belongs to something else there" for one in bound[:2]
    ]
    return {
        "number_lost": min(2.0, float(len(lost))),
        "number_derived": min(1.0, float(len(derived))),
        "number_misbound": min(1.0, float(len(bound))),
        "number_right": 1.0 if read.numbers and not lost and not bound else 0.0,
    }, remarks


def _derivable(one: Quantity, held: Sequence[Quantity]) -> bool:
    """A sum, a difference, twelve months of it, or a rounding of what is there."""
    if any(
        same(one, other, loose=0.06)
        for other in held
        if other.kind == one.kind and one.kind != "clock" and other.value > 20
    ):
        return not one.value.is_integer() or one.value % 10 == 0 or one.value != round(one.value, -1)
    pool = [
        other.value for other in held if other.kind == one.kind or (other.kind == "number" and one.kind != "clock")
    ][:12]
    shares = [other.value / 100 for other in held if other.kind == "percent"]
    made = (
        [a * 12 for a in pool]
        + [a * 12 * (1 - share) for a in pool for share in shares]
        + [a * share for a in pool for share in shares]
    )
    made += [a * (1 - share) for a in pool for share in shares] + [a * 100 for a in pool]
    made += [a - b for a in pool for b in pool] + [a + b for a in pool for b in pool]
    return any(value > 3 and abs(value - one.value) <= 0.015 * abs(one.value) for value in made)


def _around(quantity: Quantity, read: _Read) -> list[Word]:
    """The matter next to a number: three words before and three after, numbers apart, in its clause."""
    matter = [word for word in read.matter if not _digit(word)]
    before = [word for word in matter if word.start < quantity.start][-3:]
    after = [word for word in matter if word.start > quantity.start][:3]
    return before + after


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
            scores[mine] = max(scores[mine], coverage(near, _around(other, there)))
    return scores[False] > scores[True] + 0.12


def _negated(read: _Read) -> dict[str, bool]:
    """Which stems stand within four words after a negation."""
    found: dict[str, bool] = {}
    reach = 0
    for at, word in enumerate(read.words):
        if word.low in NEGATORS and not (at == 0 and word.low in ("no", "nein")):
            reach = 5
        elif reach:
            reach -= 1
        if word.low not in STOP or word.low in _UNIVERSAL:
            found[word.stem] = found.get(word.stem, False) or reach > 0
    return found


def _polarity(read: _Read, best: _Read) -> tuple[dict[str, float], list[str]]:
    mine, theirs = _negated(read), _negated(best)
    flips: list[str] = []
    agreed = 0
    for stem, off in mine.items():
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
        if word.stem in stems:
            continue
        for other in best.words:
            if opposite(word.stem, other.stem) and other.stem not in own:
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
    widened = bool(mine & _UNIVERSAL - theirs) and not (theirs & _UNIVERSAL)
    dropped = bool(theirs & _CONDITION) and not (mine & _CONDITION)
    remarks = ["claims more than the snippet: all, always, never"] if widened else []
    mine_rate, their_rate = _rates(read), _rates(best)
    return {
        "rate_changed": float(bool(mine_rate and their_rate and not mine_rate & their_rate and read.numbers)),
        "widened": float(widened),
        "partial_dropped": float(bool(theirs & _PARTIAL) and not mine & _PARTIAL),
        "partial_added": float(bool(mine & _PARTIAL) and not theirs & _PARTIAL),
        "only_added": float(bool(mine & _ONLY) and not theirs & _ONLY),
        "only_dropped": float(bool(theirs & _ONLY) and not mine & _ONLY),
        "condition_dropped": float(dropped),
        "certain_added": float(bool(mine & _CERTAIN - theirs)),
        "hedge_dropped": float(bool(theirs & _HEDGE) and not mine & _HEDGE),
    }, remarks


def _order(read: _Read, best: _Read) -> tuple[dict[str, float], list[str]]:
    """Claim words in another order than in the snippet: who did what to whom may be swapped."""
    places = {word.stem: at for at, word in reversed(list(enumerate(best.words)))}
    opening = read.text.find(",") if read.words and read.words[0].low in _FRONTED else -1
    path = [
        places[word.stem]
        for word in read.words
        if word.stem in places and word.low not in STOP and word.start > opening
    ]
    total = len(path) * (len(path) - 1) / 2
    if total < 3:
        return {"order_swapped": 0.0}, []
    turned = min(1.0, sum(a > b for at, a in enumerate(path) for b in path[at + 1 :]) / min(total, 6.0))
    exact = len(path) / max(1, len(read.matter))
    passive = ("by" in {word.low for word in read.words}) != ("by" in {word.low for word in best.words})
    value = turned * max(0.0, exact - 0.5) * 2 * (0.3 if passive else 1.0)
    return {"order_swapped": value}, ["the same words as in the snippet, in another order"] if value > 0.3 else []
