"""Numbers of a claim: are they in the documents, beside the same words, or can they be reckoned from what is there?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from homeostat.analyze.scorers.entailment.reading import Read, Sources, around, coverage, digit, limit, numbered, tabled
from homeostat.analyze.text.quantities import Quantity, same
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import STOP

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
_NEARLY: Final = re.compile(
    r"\b(?:just (?:under|over|below|above|short of|shy of)|close to|not quite|(?:a )?(?:bit|little) (?:more|less|over|under|longer|shorter) than|well (?:over|under))\b",
    re.IGNORECASE,
)
_POINTS: Final = re.compile(r"\b(?:those|these|all|both|diese|diesen|estos|estas|ces)\s$", re.IGNORECASE)
_A_YEAR: Final = 31_557_600
_RANKS: Final = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
)  # fmt: skip
_SCALES: Final = frozenset(["half", "halve", "double", "twice", "triple", "each", "both", "couple", "two", "together"])


def numbers(claim: Read, best: Read, held: Sources, question: Read) -> tuple[dict[str, float], list[str]]:
    """Numbers that are lost, that belong to something else, that were reckoned, and that are right."""
    there = [one for one, _ in held.numbers]
    asked = question.numbers
    said = [one for one in claim.numbers if not one.soft and not (one.kind == "number" and one.text.lower() == "one")]
    told = [one for one in said if not any(_same(one, other) for other in there) or _counts_things(one, held)]
    told = [one for one in told if not _ranked(one, held)]
    told = [one for one in told if not _pointed(one, claim)]
    told = [one for one in told if not _small(one) or _counts_other(one, claim, best)]
    # A number of the question may be repeated, and reckoned with.
    told = [one for one in told if not any(same(one, other) for other in asked)]
    about = bool(_ABOUT & {word.low for word in claim.words})
    near = 0.06 * about
    if _NEARLY.search(claim.text):
        near = 0.2
    scaled = bool(_SCALES & {word.low for word in (*claim.words, *question.words)})
    derived = [one for one in told if _derivable(one, [*there, *asked], said, near=near, scaled=scaled)]
    derived += [one for one in told if one not in derived and _example(one, claim, held)]
    lost = [one for one in told if one not in derived]
    elsewhere = [one for one in said if one not in told and _other_row(one, claim, held)]
    bound = [one for one in said if one not in told and (one in elsewhere or _misbound(one, claim, best, held))]
    rival = [one for one in lost if any(other.kind == one.kind and not other.soft for other in best.numbers)]
    remarks = [f"{one.text} is not in the documents" for one in lost[:3]] + [
        f"{one.text} belongs to something else there" for one in bound[:2]
    ]
    return {
        "row_changed": float(bool(elsewhere)),
        "number_lost": min(2.0, float(len(lost))),
        "number_rival": min(1.0, float(len(rival))),
        "number_derived": min(1.0, float(len(derived))),
        "number_misbound": min(1.0, float(len(bound))),
        "number_right": 1.0 if said and not lost and not bound else 0.0,
    }, remarks


def _same(one: Quantity, other: Quantity) -> bool:
    """`By eight` is `until 8 pm`."""
    if one.kind == "number" and other.kind == "clock" and one.text.isalpha() and one.value <= 12:
        return (one.value * 60 - other.value) % 720 == 0
    return same(one, other)


def _ranked(one: Quantity, held: Sources) -> bool:
    """`Day four`, where the documents have the fourth day."""
    place = int(one.value) if one.kind == "number" and one.value % 1 == 0 and 0 < one.value < len(_RANKS) else 0
    return bool(place) and any(word.low == _RANKS[place] for piece in held.pieces for word in piece.words)


def _example(one: Quantity, claim: Read, held: Sources) -> bool:
    """An amount without a limit of its own, where the documents speak of what is above or below a line: one case of it.

    Not where they have another amount for what the claim speaks of.
    """
    if one.kind in ("clock", "number", "time") or limit(one, claim):
        return False
    near = around(one, claim)
    for piece in held.pieces:
        if claim.covered(piece.stems) < 0.3:
            continue
        fits = {True: -1.0, False: 0.0}
        for other in piece.numbers:
            if other.kind == one.kind and not other.soft:
                line = limit(other, piece) in ("least", "most")
                beside = frozenset(word.stem for word in around(other, piece))
                fits[line] = max(fits[line], coverage(near, beside))
        if fits[True] >= fits[False]:
            return True
    return False


def _counts_things(one: Quantity, held: Sources) -> bool:
    """`14 days`, where the documents have 14 of something else and no other 14."""
    if one.kind == "number":
        return False
    found = [(other, piece) for piece in held.pieces for other in piece.numbers if same(one, other)]
    return bool(found) and all(other.kind == "number" and _noun(other, piece) for other, piece in found)


def _noun(quantity: Quantity, where: Read) -> bool:
    """A thing is named right behind a number."""
    end = quantity.start + len(quantity.text)
    word = next((word for word in where.words if word.start >= end), None)
    behind = word is not None and where.text[end : word.start] == " " and word.low not in STOP
    return behind and word is not None and entry(word.stem).speech.startswith("n")


def _year(one: Quantity) -> bool:
    """A year is told, not reckoned."""
    return len(one.text) == 4 and one.text.isdigit() and 1100 <= one.value <= 2100


def _pointed(one: Quantity, claim: Read) -> bool:
    """`those two days`, `both times`: counts again what was spoken of."""
    return one.text.split()[0].isalpha() and bool(_POINTS.search(claim.text[: one.start]))


def _small(one: Quantity) -> bool:
    """Two or three in letters: often a count of what the documents list without counting."""
    return one.kind in ("number", "times") and one.value <= 3 and one.text.isalpha()


def _counts_other(one: Quantity, claim: Read, best: Read) -> bool:
    """The documents put another number to the same noun."""
    noun = next((word for word in claim.matter if word.start > one.start and not digit(word)), None)
    if noun is None:
        return False
    for other in best.numbers:
        theirs = next((word for word in best.matter if word.start > other.start + len(other.text) - 1), None)
        if theirs is not None and theirs.stem == noun.stem and not same(one, other):
            return True
    return False


def _derivable(one: Quantity, held: Sequence[Quantity], said: Sequence[Quantity], *, near: float, scaled: bool) -> bool:
    """A sum, a difference, a share, twelve months of it, half or double, or a rounding of what is there."""
    same_kind = [other for other in held if other.kind == one.kind and not other.soft]
    if any(same(one, other, loose=0.06) for other in same_kind if one.kind != "clock" and other.value > 20):
        return near > 0 or not one.value.is_integer() or one.value % 10 == 0 or one.value != round(one.value, -1)
    if near and any(abs(one.value - other.value) <= near * other.value for other in same_kind):
        return True
    pool = [other.value for other in held if other.kind in (one.kind, "number") and not other.soft][:14]
    years = [other.value for other in held if other.kind == "number" and 1000 <= other.value <= 2100]
    if one.kind == "number" and _year(one):
        spans = [other.value / _A_YEAR for other in held if other.kind == "time" and other.value > 0.9 * _A_YEAR]
        return any(abs(abs(one.value - year) - span) < 0.02 * span for year in years for span in spans)
    if one.kind == "clock":
        spans = [other.value / 60 for other in held if other.kind == "time"]
        clocks = [other.value for other in held if other.kind == "clock"]
        # Twelve hours on or off: `five past two` is told without saying of which half of the day.
        return any(
            abs((one.value - clock - sign * span) % 720) < 1 for clock in clocks for span in spans for sign in (1, -1)
        )
    if one.kind == "number" and 0 < one.value < 1:
        pool = [other.value for other in held if not other.soft][:14]
        parts = [a / b for a in pool for b in pool if 0 < a < b] + [other.value / 100 for other in held]
        return any(abs(one.value - part) <= 0.04 * one.value for part in (*parts, *(1 - part for part in parts)))
    if one.kind == "time":
        unit = 10 * _A_YEAR if "decade" in one.text else _A_YEAR
        clocks = [other.value for other in held if other.kind == "clock"]
        if any(abs(a - b) * _A_YEAR == one.value for a in years for b in years if unit) or any(
            abs(a - b) * 60 == one.value for a in clocks for b in clocks
        ):
            return True
    shares = [other.value / 100 for other in held if other.kind == "percent"]
    shares += [other.value for other in held if other.kind == "number" and 0 < other.value < 1 and other.text.isalpha()]
    # Twelve months of a price; twelve times a span of time is another span.
    made = (
        [a * 12 * left for a in pool for left in (1.0, *(1 - share for share in shares))] if one.kind != "time" else []
    )
    made += [a * share for a in pool for share in shares] + [a * (1 - share) for a in pool for share in shares]
    made += [a * 100 for a in pool]
    if scaled:
        made += [a / 2 for a in pool] + [a * 2 for a in pool]
    made += [value for a, b in combinations(pool, 2) for value in (abs(a - b), a + b)]
    made += [sum(other.value for other in same_kind)] if len(same_kind) > 1 else []
    beside = [other.value for other in said if other.kind == one.kind and other.value != one.value]
    made += [value for a in beside for b in pool for value in (abs(a - b), a + b) if a != b]
    if _reckoned(one, held, said):
        return True
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
    least = 3 if one.kind in ("number", "time") else 0
    return any(
        value > least and abs(value - one.value) <= max(0.015, min(near, 0.06)) * abs(one.value) for value in made
    )


def _reckoned(one: Quantity, held: Sequence[Quantity], said: Sequence[Quantity]) -> bool:
    """So many of a thing, each at so much; or that beside another amount."""
    if one.kind == "time":
        return False
    amounts = [other.value for other in held if other.kind == one.kind or other.value % 1][:8]
    counts = [other.value for other in (*held, *said) if other.value != one.value and 1 < other.value <= 1000][:16]
    own = [
        other.value for other in said if other.kind == "number" and 1 < other.value <= 20 and other.value != one.value
    ]
    made = [a * b for a in amounts for b in counts]
    made += [a + b * c for a in amounts for b in amounts for c in own if a != b]
    return any(abs(value - one.value) < 1e-6 * one.value for value in made)


def _other_row(one: Quantity, claim: Read, held: Sources) -> bool:
    """The claim names a row of a table, and the number stands in others only."""
    rows = [piece for piece in held.pieces if tabled(piece)]
    if len(rows) < 2:
        return False
    there = [piece for piece in held.pieces if any(same(one, other) for other in piece.numbers)]
    named = [row for row in rows[1:] if claim.stems & {word.stem for word in row.matter if not digit(word)}]
    return bool(there and named) and all(piece in rows and piece not in named for piece in there)


def _misbound(one: Quantity, claim: Read, best: Read, held: Sources) -> bool:
    """Another number of the documents stands next to the words that this one stands next to."""
    near = around(one, claim)
    if len(near) < 2 or (one.text.isalpha() and one.kind == "number" and one.value <= 3):
        return False
    scores: dict[bool, float] = {True: 0.0, False: 0.0}
    # What the sentence that fits best says itself is not taken from another one.
    here = numbered(best) if any(same(one, other) for other in best.numbers) else held.numbers
    for other, beside in here:
        if other.kind not in (one.kind, "number") and one.kind != "number":
            continue
        mine = same(one, other)
        scores[mine] = max(scores[mine], coverage(near, beside))
    return scores[False] > scores[True] + 0.3
