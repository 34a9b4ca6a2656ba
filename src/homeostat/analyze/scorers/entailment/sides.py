"""Does a claim deny what the snippet says, or say the opposite?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, read
from homeostat.analyze.text.lexicon import alike, marks, nearest, opposite, polar
from homeostat.analyze.text.words import NEGATORS, STOP, Word

# `unless` and `except` turn what follows them round like a negation does.
_DENIES: Final = NEGATORS | {"unless", "except", "instead", "excluded", "excluding"}
# Words of matter in form only: to deny them denies nothing.
_WEAK: Final = marks("weak")
_STOPS: Final = re.compile(r"[;:.!?]")
# What begins a thought of its own.
_TURNS: Final = frozenset(["because", "which", "who", "but", "so", "although", "though", "while", "whereas"])
_BREAK: Final = re.compile(r"[;:,.!?]|\s-\s")


_COMPARED: Final = frozenset(
    ["more", "less", "fewer", "later", "earlier", "longer", "older", "younger", "higher", "lower"]
)
_POSSIBLE: Final = frozenset(
    ["possible", "allowed", "available", "permitted", "included", "covered", "offered", "supported", "accepted"]
)
_OBJECTS: Final = frozenset(["nothing", "none", "nobody", "nichts", "niemand", "nada", "nadie", "rien", "personne"])


@lru_cache(maxsize=1024)
def negated(text: str) -> Mapping[str, bool]:
    """Which stems a negation governs: the first two words of matter after it, in its own clause."""
    claim = read(text)
    found: dict[str, bool] = {}
    left = 0
    before = 0
    told = ""
    for at, word in enumerate(claim.words):
        if _BREAK.search(claim.text, before, word.start) or word.low in _TURNS:
            left, told = 0, ""
        before = word.start + len(word.low)
        ahead = [other.low for other in claim.words[at + 1 : at + 3]]
        if word.low in ("no", "not") and ahead[1:] == ["than"] and ahead[0] in _COMPARED:
            continue  # `No more than ten` is a limit.
        if word.low in _DENIES and not (at == 0 and claim.text[before:][:1] in (",", ".", ":", ";", "!")):
            left = 2
            # `She has written nothing`, `a repair is not possible`: what stands before is denied as well.
            if told and (word.low in _OBJECTS or (ahead and ahead[0] in _POSSIBLE)):
                found[told] = True
                left = 0 if word.low in _OBJECTS else left
            continue
        found[word.stem] = found.get(word.stem, False) or left > 0
        if word.low not in STOP and word.low not in _WEAK:
            left -= 1
            told = word.stem
    return found


@lru_cache(maxsize=1024)
def _perhaps(text: str) -> frozenset[str]:
    """Stems that a negation may govern: all that follow it in its sentence, to a word that begins another thought."""
    found: set[str] = set()
    open_, before = False, 0
    claim = read(text)
    for word in claim.words:
        if _STOPS.search(claim.text, before, word.start) or word.low in _TURNS:
            open_ = False
        before = word.start + len(word.low)
        if word.low in _DENIES:
            open_ = True
        elif open_:
            found.add(word.stem)
    return frozenset(found)


@lru_cache(maxsize=PAIRS)
def polarity(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    mine, theirs = negated(claim.text), negated(best.text)
    known = frozenset(theirs)
    flips: list[str] = []
    agreed = 0
    matter = {word.stem for word in claim.matter if word.low not in _WEAK}
    for stem, off in mine.items():
        if stem not in matter:
            continue
        if nearest(stem, known) < 0.7:
            continue
        match = next((other for other in theirs if alike(stem, other) >= 0.7), None)
        if match is not None:
            if off != theirs[match]:
                # A row of things is denied with one word.
                if not (match in _perhaps(best.text) if off else stem in _perhaps(claim.text)):
                    flips.append(stem)
            else:
                agreed += off
    lows = {word.low for word in claim.words}, {word.low for word in best.words}
    if any("until" in one and "until" not in other for one, other in (lows, lows[::-1])):
        flips = []  # Until it is packed: as long as it is not packed.
    own = {word.stem for word in claim.words}
    stems = {word.stem for word in best.words}
    facing = [other for other in best.words if polar(other.stem)]
    against = []
    for word in claim.words:
        if word.stem in stems or best.near(word) >= 0.8:
            continue
        for other in best.words if polar(word.stem) else facing:
            if opposite(word.stem, other.stem) and other.stem not in own and not _echoed(other, claim):
                even = mine.get(word.stem, False) == theirs.get(other.stem, False)
                against.append((word, other, even))
    real = [pair for pair in against if pair[2]]
    flips = [] if any(not pair[2] for pair in against) else flips
    remarks = [f"says “{one.low}” where the snippet says “{other.low}”" for one, other, _ in real[:2]]
    remarks += [f"the snippet says the opposite about “{flips[0]}”"] if flips else []
    leading = claim.words[0].low if claim.words else ""
    return {
        "antonym": min(2.0, float(len(real))),
        "antonym_denied": 1.0 if len(against) > len(real) else 0.0,
        "negation_flip": 1.0 if flips else 0.0,
        "negation_same": 1.0 if agreed else 0.0,
        "says_no": 1.0 if leading in ("no", "nein", "non") else 0.0,
        "says_yes": 1.0 if leading in ("yes", "sure", "ja", "sí", "oui") else 0.0,
    }, remarks


def _echoed(word: Word, claim: Read) -> bool:
    """The claim says the same in another word, so that a contrary word beside it is about something else."""
    return claim.near(word) >= 0.8
