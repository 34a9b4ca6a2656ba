"""Which words may stand for each other, which say the opposite, and which belong to one field. Data: `analyze/lexicon/*.txt`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from homeostat.analyze.text.thesaurus import broader, contrary, entry, means_same
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


@lru_cache(maxsize=20_000)
def _kin(stem_: str) -> frozenset[int | str]:
    """Two stems without a common one of these cannot stand for each other: groups, meanings, the first four letters."""
    known = entry(stem_)
    root = (f"^{stem_[:4]}",) if len(stem_) >= 4 else ()
    return frozenset((*_groups().get(stem_, _NONE), *known.same, *known.broader, *root))


@lru_cache(maxsize=512)
def _kin_of_all(stems: frozenset[str]) -> frozenset[int | str]:
    return frozenset[int | str]().union(*map(_kin, stems))


@lru_cache(maxsize=20_000)
def nearest(one: str, others: frozenset[str]) -> float:
    """How far the best of some stems can stand for another; most have nothing in common, and are not compared one by one."""
    if one in others:
        return 1.0
    if _kin(one).isdisjoint(_kin_of_all(others)):
        return 0.0
    best = 0.0
    for other in others:
        best = max(best, alike(one, other))
        if best >= 0.8:  # Only the same stem is nearer.
            break
    return best


@lru_cache(maxsize=20_000)
def alike(one: str, other: str) -> float:
    """How far one stem can stand for another: 1 the same, 0.8 a synonym, 0.7 the same root or a step more general, else 0."""
    if one == other:
        return 1.0
    if _kin(one).isdisjoint(_kin(other)):
        return 0.0
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


@lru_cache(maxsize=20_000)
def opposite(one: str, other: str) -> bool:
    """Whether two stems stand on two sides of a pair of antonyms."""
    if contrary(one, other):
        return True
    mine, theirs = _sides().get(one), _sides().get(other)
    if not mine or not theirs:
        return False
    return any((number, 1 - side) in theirs and (number, side) not in theirs for number, side in mine)


@lru_cache(maxsize=20_000)
def polar(stem_: str) -> bool:
    """Whether a stem has opposites of its own; of two opposites at least one has."""
    return bool(entry(stem_).against) or stem_ in _sides()


def fields(word: str) -> frozenset[str]:
    """The fields of life that a stem belongs to."""
    return _fields().get(word, frozenset())
