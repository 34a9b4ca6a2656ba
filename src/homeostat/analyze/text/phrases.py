"""Lists of phrases as patterns that take linear time, however many phrases there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import re2

from homeostat.analyze.text.lexicon import lines

_MEMORY: Final = 64 << 20
#: Texts whose lists are remembered: each is asked about by several scorers, list by list.
_REMEMBERED: Final = 256


@dataclass(frozen=True, slots=True)
class Phrases:
    """One list: `inside` asks whether any phrase is in a text, `found` tells where and which. Texts must be lower case."""

    pattern: Any
    number: int
    which: Callable[[str], frozenset[int]]
    """The numbers of the lists of the same file that a text has phrases of: asked once for all of them."""

    def inside(self, low: str) -> bool:
        """Whether there is one."""
        return self.number in self.which(low)

    def found(self, low: str) -> list[tuple[int, str]]:
        """Each with its beginning."""
        if self.number not in self.which(low):
            return []
        return [(match.start(), match.group()) for match in self.pattern.finditer(low)]


def present(lists: Mapping[str, Phrases], low: str) -> frozenset[str]:
    """Which lists have a phrase in a text: its sentences need not be asked about the others."""
    return frozenset(name for name, one in lists.items() if one.inside(low))


@lru_cache(maxsize=8)
def phrases(name: str) -> Mapping[str, Phrases]:
    """The lists of a file of the lexicon: `name: phrase | phrase`. A star between blanks is any word, in a word any ending."""
    patterns = {}
    for line in lines(name):
        head, _, rest = line.partition(":")
        told = sorted((phrase.strip() for phrase in rest.split("|")), key=len, reverse=True)
        patterns[head] = "|".join(_escaped(phrase) for phrase in told)
    which = _together(list(patterns.values()))
    return {
        head: Phrases(re2.compile(pattern, _options()), number, which)
        for number, (head, pattern) in enumerate(patterns.items())
    }


def _together(patterns: Sequence[str]) -> Callable[[str], frozenset[int]]:
    """One automaton for all lists: most sentences have no phrase of any, and are known after one pass."""
    every = re2.Set.SearchSet(_options())
    for pattern in patterns:
        every.Add(pattern)
    every.Compile()

    @lru_cache(maxsize=_REMEMBERED)
    def which(low: str) -> frozenset[int]:
        return frozenset(every.Match(low) or ())

    return which


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def _escaped(phrase: str) -> str:
    inner = re.escape(phrase).replace(r"\ \*\ ", r" \w{1,20} ").replace(r"\*", "[a-zäöüéèñ]{0,8}")
    return rf"{_edge(phrase[0])}{inner}{_edge(phrase[-1])}"


def _edge(char: str) -> str:
    """A phrase does not begin or end within a word; `$` and `%` have no such edge."""
    return r"\b" if char.isascii() and (char.isalnum() or char in "_*") else ""
