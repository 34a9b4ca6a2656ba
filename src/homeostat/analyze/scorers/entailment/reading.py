"""A claim and its documents, read once: words, matter, numbers, clauses, and what stands next to each number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final

from homeostat.analyze.text.lexicon import nearest
from homeostat.analyze.text.quantities import Quantity, quantities
from homeostat.analyze.text.sentences import clauses, sentences
from homeostat.analyze.text.words import STOP, Word, content, words

_MOST: Final = 200
# Numbers are compared each with each: of a row of figures the first ones tell enough.
_NUMBERS: Final = 24
_LABEL: Final = re.compile(r"\b([A-Za-z]{3,20})\s([A-Z]|[A-Z]{1,2}\d{1,4})\b(?![’'-])")

#: A line with so many bars is a row of a table.
_CELLS: Final = 2
_PRICED: Final = re.compile(r"(\d[\d.,]*) an? \w", re.IGNORECASE)
_PRONOUN: Final = re.compile(r"^(?:it|they|he|she)\b", re.IGNORECASE)
_LIMITS: Final = (
    ("least", re.compile(r"(?:at least|no fewer than|not less than|minimum(?: of)?|from|over|above|(?<!no )(?<!not )more than|older than|exceeds?|after|mindestens|über|al menos|au moins)\W*$")),
    ("most", re.compile(r"(?:at most|no more than|not more than|maximum(?: of)?|up to|under|below|less than|fewer than|younger than|within|by|until|höchstens|bis zu|unter|como máximo|au plus)\W*$")),
    ("between", re.compile(r"(?:between|zwischen|entre)\W*$")),
)  # fmt: skip
_BEHIND: Final = ((re.compile(r"\W*(?:\w+\W+)?or (?:more|older|over|above|later)"), "least"), (re.compile(r"\W*(?:\w+\W+)?or (?:less|fewer|younger|under|below|earlier)"), "most"))  # fmt: skip

_TURNS: Final = (
    (re.compile(r"\b(?:costs?|cost you|charges?) nothing\b|\bdo(?:es)?(?: not|n['’]t) cost (?:you )?(?:anything|a thing)\b", re.I), "is free"),
    (re.compile(r"\b(?:free of charge|for free|at no (?:extra |additional |further )?(?:cost|charge)|without (?:extra |any |a )?(?:charge|cost|fee|paying)|nothing (?:is charged|to pay|is due)|no charge)\b", re.I), "free"),
    (re.compile(r"\bevery other (?=\w)", re.I), "every second "),
    (re.compile(r"\b(?:at any hour|around the clock|round the clock|24 hours a day|24/7)\b", re.I), "day and night"),
    (re.compile(r"\bas long as\b|\bprovided (?:that )?|\bon condition that\b", re.I), "if "),
    (re.compile(r"\b(?:ahead of time|beforehand)\b", re.I), "in advance"),
)  # fmt: skip

#: Pairs of texts whose comparison is remembered: what is asked often is answered in the same sentences.
PAIRS: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A sentence or clause as the checks see it. The same text is the same object while it is in use: see `read`."""

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


def plainly(text: str) -> str:
    """Without turns of speech that say with several words what has one of its own.

    >>> plainly("Delivery costs nothing and comes every other day.")
    'Delivery is free and comes every second day.'
    """
    for pattern, word in _TURNS:
        text = pattern.sub(word, text)
    return text


@lru_cache(maxsize=1024)
def read(text: str) -> Read:
    """One text."""
    found = words(text)
    matter = tuple(content(found))
    weights = tuple((word.stem, 1.5 if word.big else 1.0) for word in matter if not digit(word))
    numbers = tuple(_priced(one, text) for one in quantities(text)[:_NUMBERS] if one.text.lower() != "one s")
    return Read(text, found, matter, numbers, frozenset(word.stem for word in matter), weights)


def _priced(one: Quantity, text: str) -> Quantity:
    """`9.99 a month` is an amount, and no time; `half a month` is one."""
    rate = _PRICED.match(text, one.start) if one.kind == "time" else None
    return (
        Quantity(amounts[0].value, "number", one.start, rate[1]) if rate and (amounts := quantities(rate[1])) else one
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The sentences of some documents, their clauses each with its sentence, and their numbers with the words beside."""

    pieces: tuple[Read, ...]
    clauses: tuple[tuple[Read, Read], ...]
    numbers: tuple[tuple[Quantity, frozenset[str]], ...]
    stems: frozenset[str]
    labels: frozenset[tuple[str, str]]
    pairs: frozenset[tuple[str, str]]
    """Stems that are neighbours somewhere."""


@lru_cache(maxsize=256)
def sources(documents: tuple[str, ...]) -> Sources:
    """Documents as the checks see them; every claim of an answer, and often many answers, ask for the same ones."""
    told = (part for document in documents for part in _referred(document))
    pieces = tuple(read(part) for part in islice(told, _MOST))
    parts = tuple((part, piece) for piece in pieces[:80] for part in parted(piece))
    numbers = tuple(one for piece in pieces for one in numbered(piece))
    named = frozenset(label for piece in pieces for label in _labelled(piece))
    stems = frozenset[str]().union(*(piece.stems for piece in pieces))
    pairs = frozenset(pair for piece in pieces for pair in pairwise(word.stem for word in piece.words))
    return Sources(pieces, parts, numbers, stems, named, pairs)


def _referred(document: str) -> Iterator[str]:
    """The sentences of a document; who begins with a pronoun speaks of what the one before began with."""
    subject = ""
    for piece in sentences(document):
        for part in filter(None, piece.split("; ")):
            told = _PRONOUN.sub(f"[{subject}]", part, count=1) if subject else part
            yield told
            subject = next((_shown(word) for word in content(words(told[:200])) if not digit(word)), "")


def _shown(word: Word) -> str:
    return word.low.capitalize() if word.big else word.low


@lru_cache(maxsize=1024)
def parted(whole: Read) -> tuple[Read, ...]:
    """The clauses of a sentence."""
    return tuple(read(part) for part in clauses(whole.text))


@lru_cache(maxsize=1024)
def numbered(piece: Read) -> tuple[tuple[Quantity, frozenset[str]], ...]:
    """The numbers of a sentence, each with the stems beside it."""
    return tuple((one, frozenset(word.stem for word in around(one, piece))) for one in piece.numbers)


@lru_cache(maxsize=1024)
def _labelled(piece: Read) -> tuple[tuple[str, str], ...]:
    return tuple(labels(piece.text))


def labels(text: str) -> list[tuple[str, str]]:
    """Nouns with a capital letter behind, or a letter and a number: pier C, gate B12."""
    return [(noun.lower(), label) for noun, label in _LABEL.findall(text) if noun.lower() not in STOP]


def around(quantity: Quantity, where: Read) -> tuple[Word, ...]:
    """The matter next to a number: three words before and three after, numbers apart."""
    matter = [word for word in where.matter if not digit(word)]
    before = [word for word in matter if word.start < quantity.start][-3:]
    after = [word for word in matter if word.start > quantity.start][:3]
    return (*before, *after)


def tabled(piece: Read) -> bool:
    """Whether a line is a row of a table."""
    return piece.text.count("|") >= _CELLS


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


def limit(quantity: Quantity, where: Read) -> str:
    """Whether a number is the least, the most, or stands between two; else nothing."""
    low = where.text.lower()
    before, after = low[max(0, quantity.start - 24) : quantity.start], low[quantity.start + len(quantity.text) :][:24]
    ahead = next((name for name, pattern in _LIMITS if pattern.search(before)), "")
    return ahead or next((name for pattern, name in _BEHIND if pattern.match(after)), "")
