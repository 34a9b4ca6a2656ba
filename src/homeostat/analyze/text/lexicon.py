"""Which words may stand for each other, which say the opposite, and which belong to one field. Data: `analyze/lexicon/*.txt`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from homeostat.analyze.text.thesaurus import broader, contrary, means_same
from homeostat.analyze.text.words import stem


def lines(name: str) -> Iterator[str]:
    """The lines of a word list, without remarks."""
    text = (files("homeostat.analyze") / "lexicon" / f"{name}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip() and not line.startswith("# "):
            yield line.strip()


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for number, line in enumerate(lines("synonyms")):
        for word in line.split():
            found[stem(word)].add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


@lru_cache(maxsize=1)
def _sides() -> dict[str, frozenset[tuple[int, int]]]:
    found: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for number, line in enumerate(lines("antonyms")):
        for side, half in enumerate(line.split("|")):
            for word in half.split():
                found[stem(word)].add((number, side))
    return {word: frozenset(sides) for word, sides in found.items()}


@lru_cache(maxsize=1)
def _fields() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines("fields"):
        name, _, rest = line.partition(":")
        for word in rest.split():
            found[stem(word)].add(name)
    return {word: frozenset(names) for word, names in found.items()}


@lru_cache(maxsize=64)
def marks(name: str) -> frozenset[str]:
    """A list of little words."""
    found = {head: rest for head, _, rest in (line.partition(":") for line in lines("marks"))}
    return frozenset(found[name].split())


_NONE: frozenset[int] = frozenset()


def groups(word: str) -> frozenset[int]:
    """The groups of meaning that a stem belongs to."""
    return _groups().get(word, _NONE)


@lru_cache(maxsize=200_000)
def alike(one: str, other: str) -> float:
    """How far one stem can stand for another: 1 the same, 0.8 a synonym, 0.7 the same root or a step more general, else 0."""
    if one == other:
        return 1.0
    if _groups().get(one, _NONE) & _groups().get(other, _NONE):
        return 0.8
    if opposite(one, other):
        return 0.0
    if means_same(one, other):
        return 0.8
    if broader(one, other) or broader(other, one):
        return 0.7
    short, long = sorted((one, other), key=len)
    if len(short) >= 4 and not short[0].isdigit():
        same = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
        if same >= max(4, len(long) - 4) and same >= 0.6 * len(long):
            return 0.7
    return 0.0


@lru_cache(maxsize=50_000)
def opposite(one: str, other: str) -> bool:
    """Whether two stems stand on two sides of a pair of antonyms."""
    if contrary(one, other):
        return True
    mine, theirs = _sides().get(one), _sides().get(other)
    if not mine or not theirs:
        return False
    return any((number, 1 - side) in theirs and (number, side) not in theirs for number, side in mine)


def fields(word: str) -> frozenset[str]:
    """The fields of life that a stem belongs to."""
    return _fields().get(word, frozenset())
