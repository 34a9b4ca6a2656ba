"""A claim and its documents, read once: words, matter, numbers, clauses, and what stands next to each number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from homeostat.analyze.text.lexicon import nearest
from homeostat.analyze.text.quantities import Quantity, quantities
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.words import STOP, Word, content, words

_MOST: Final = 200
_LABEL: Final = re.compile(r"\b([A-Za-z]{3,20})\s([A-Z]|[A-Z]{1,2}\d{1,4})\b(?![’'-])")


@dataclass(frozen=True, slots=True)
class Read:
    """A sentence or clause as the checks see it."""

    text: str
    words: tuple[Word, ...]
    matter: tuple[Word, ...]
    numbers: tuple[Quantity, ...]
    stems: frozenset[str]
    weights: tuple[tuple[str, float], ...]
    """The matter without digits, and how much each word weighs: names weigh more."""

    def covered(self, stems: frozenset[str]) -> float:
        """Which part of the matter is there."""
        total = held = 0.0
        for stem, weight in self.weights:
            total += weight
            held += weight * nearest(stem, stems)
        return held / total if total else 1.0

    def near(self, word: Word) -> float:
        """How far something here can stand for a word."""
        return nearest(word.stem, self.stems)


@lru_cache(maxsize=4096)
def read(text: str) -> Read:
    """One text."""
    found = words(text)
    matter = tuple(content(found))
    weights = tuple((word.stem, 1.5 if word.big else 1.0) for word in matter if not digit(word))
    return Read(text, found, matter, quantities(text), frozenset(word.stem for word in matter), weights)


@dataclass(frozen=True, slots=True)
class Sources:
    """The sentences of some documents, their clauses each with its sentence, and their numbers with the words beside."""

    pieces: tuple[Read, ...]
    clauses: tuple[tuple[Read, Read], ...]
    numbers: tuple[tuple[Quantity, frozenset[str]], ...]
    stems: frozenset[str]
    labels: frozenset[tuple[str, str]]


@lru_cache(maxsize=256)
def sources(documents: tuple[str, ...]) -> Sources:
    """Documents as the checks see them; every claim of an answer, and often many answers, ask for the same ones."""
    pieces = tuple(
        [read(part) for document in documents for piece in sentences(document) for part in piece.split("; ") if part][
            :_MOST
        ]
    )
    parts = tuple((read(part), piece) for piece in pieces[:80] for part in clauses(piece.text))
    numbers = tuple(
        (one, frozenset(word.stem for word in around(one, piece))) for piece in pieces for one in piece.numbers
    )
    named = frozenset(label for piece in pieces for label in labels(piece.text))
    return Sources(pieces, parts, numbers, frozenset[str]().union(*(piece.stems for piece in pieces)), named)


def labels(text: str) -> list[tuple[str, str]]:
    """Nouns with a capital letter behind, or a letter and a number: pier C, gate B12."""
    return [(noun.lower(), label) for noun, label in _LABEL.findall(text) if noun.lower() not in STOP]


def around(quantity: Quantity, where: Read) -> tuple[Word, ...]:
    """The matter next to a number: three words before and three after, numbers apart."""
    matter = [word for word in where.matter if not digit(word)]
    before = [word for word in matter if word.start < quantity.start][-3:]
    after = [word for word in matter if word.start > quantity.start][:3]
    return (*before, *after)


def digit(word: Word) -> bool:
    """Whether a word is a number in digits."""
    return word.low[0].isdigit()


def coverage(claim: Sequence[Word], stems: frozenset[str]) -> float:
    """Which part of the claim's matter is in the snippet; names and long words weigh more."""
    total = held = 0.0
    for word in claim:
        if not word.low[0].isdigit():
            weight = 1.5 if word.big else 1.0
            total += weight
            held += weight * nearest(word.stem, stems)
    return held / total if total else 1.0
