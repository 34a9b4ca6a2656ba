"""What WordNet says of a stem: what means the same, what is more general, what is the opposite, what explains it.

The file is made by `python -m bench.thesaurus`; its licence stands beside it in `analyze/lexicon/`.
"""

from __future__ import annotations

import gzip
import math
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """A stem's meanings, the meanings one step broader, its opposites, and the stems that explain it."""

    same: frozenset[str]
    broader: frozenset[str]
    against: frozenset[str]
    explained: frozenset[str]
    weights: Mapping[str, float]  # How much each explaining stem tells.
    speech: str = ""  # n, v, a, r: what the word mostly is; two letters when both are common.


_NOTHING: Final = Entry(frozenset(), frozenset(), frozenset(), frozenset(), {})


@lru_cache(maxsize=1)
def _held() -> tuple[bytes, array[int]]:
    """The file as it is, sorted by stem, and where its lines begin: as objects it would take three times the room."""
    text = gzip.decompress((files("homeostat.analyze") / "lexicon" / "thesaurus.txt.gz").read_bytes())
    return text, array("I", (match.start() for match in re.finditer(rb"(?m)^.", text)))


def _line(stem: str) -> str:
    """What the file says of a stem."""
    text, starts = _held()
    wanted = stem.encode(errors="replace") + b"\t"
    number = bisect_left(starts, wanted, key=lambda start: text[start : start + len(wanted)])
    place = starts[number] if number < len(starts) else len(text)
    return text[place + len(wanted) : text.find(b"\n", place)].decode() if text.startswith(wanted, place) else ""


@lru_cache(maxsize=20_000)
def entry(stem: str) -> Entry:
    """What is known of a stem."""
    line = _line(stem)
    if not line:
        return _NOTHING
    same, wider, against, explained, speech = line.split("\t")
    weights = {part[:-1]: int(part[-1]) / 10 for part in explained.split()}
    return Entry(_set(same), _set(wider), _set(against), frozenset(weights), weights, speech)


def _set(part: str) -> frozenset[str]:
    return frozenset(part.split())


def means_same(one: str, other: str) -> bool:
    """Whether two stems share a meaning."""
    return not entry(one).same.isdisjoint(entry(other).same)


def broader(one: str, other: str) -> bool:
    """Whether one stem is a step more general than the other: a dog is an animal."""
    return not entry(other).broader.isdisjoint(entry(one).same)


def contrary(one: str, other: str) -> bool:
    """Whether two stems are marked as opposites."""
    return other in entry(one).against or one in entry(other).against


@lru_cache(maxsize=20_000)
def _vector(stem: str) -> Mapping[str, float]:
    """A direction of length one: the word itself, what explains it, what it means and what that is a kind of."""
    known = entry(stem)
    found = {f"={place}": 0.5 for place in known.same | known.broader}
    found |= known.weights
    found[stem] = 3.0
    size = math.sqrt(sum(value * value for value in found.values()))
    return {key: value / size for key, value in found.items()}


@lru_cache(maxsize=20_000)
def related(one: str, other: str) -> float:
    """How near two stems are by what explains them, 0 to 1; a third is already much for different words."""
    if one == other:
        return 1.0
    mine, theirs = _vector(one), _vector(other)
    if len(mine) > len(theirs):
        mine, theirs = theirs, mine
    return sum(mine[key] * theirs[key] for key in filter(theirs.__contains__, mine))


@lru_cache(maxsize=512)
def _ways(stems: frozenset[str]) -> frozenset[str]:
    """Everything in which one of some stems can be near to another."""
    return frozenset[str]().union(*map(_vector, stems))


@lru_cache(maxsize=20_000)
def closest(one: str, others: frozenset[str]) -> float:
    """How near the nearest of some stems is; what has nothing in common with all of them, as no made-up word has, is not compared."""
    if one in others:
        return 1.0
    if _ways(others).isdisjoint(_vector(one)):
        return 0.0
    return max(related(one, other) for other in others)


def nearness(asked: Iterable[str], told: Sequence[str]) -> float:
    """How near a text comes to each of some words, on average."""
    there = frozenset(told)
    best = [closest(one, there) for one in asked]
    return sum(best) / len(best) if best else 0.0
