"""What WordNet says of a stem: what means the same, what is more general, what is the opposite, what explains it.

The file is made by `python -m bench.thesaurus`; its licence stands beside it in `analyze/lexicon/`.
"""

from __future__ import annotations

import gzip
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


_NOTHING: Final = Entry(frozenset(), frozenset(), frozenset(), frozenset())


@lru_cache(maxsize=1)
def _lines() -> dict[str, str]:
    """Read apart only when asked for: most stems never are."""
    held = (files("homeostat.analyze") / "lexicon" / "thesaurus.txt.gz").read_bytes()
    return {key: rest for key, _, rest in (line.partition("\t") for line in gzip.decompress(held).decode().split("\n"))}


@lru_cache(maxsize=20_000)
def entry(stem: str) -> Entry:
    """What is known of a stem."""
    line = _lines().get(stem)
    return Entry(*(frozenset(part.split()) for part in line.split("\t"))) if line else _NOTHING


def means_same(one: str, other: str) -> bool:
    """Whether two stems share a meaning."""
    return not entry(one).same.isdisjoint(entry(other).same)


def broader(one: str, other: str) -> bool:
    """Whether one stem is a step more general than the other: a dog is an animal."""
    return not entry(other).broader.isdisjoint(entry(one).same)


def contrary(one: str, other: str) -> bool:
    """Whether two stems are marked as opposites."""
    return other in entry(one).against or one in entry(other).against


@lru_cache(maxsize=200_000)
def related(one: str, other: str) -> float:
    """How near two stems are by what explains them: 1 when one explains the other, less for shared explanations."""
    mine, theirs = entry(one).explained, entry(other).explained
    if one == other or one in theirs or other in mine:
        return 1.0
    shared = len(mine & theirs)
    return min(0.8, 0.4 * (shared - 1)) if shared > 1 else 0.0
