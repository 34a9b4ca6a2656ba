"""Lists of phrases as patterns that take linear time, however many phrases there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import re2

from homeostat.analyze.text.lexicon import lines

_MEMORY: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Phrases:
    """One list: `inside` asks whether any phrase is in a text, `found` tells where and which. Texts must be lower case."""

    pattern: Any

    def inside(self, low: str) -> bool:
        """Whether there is one."""
        return self.pattern.search(low) is not None

    def found(self, low: str) -> list[tuple[int, str]]:
        """Each with its beginning."""
        return [(match.start(), match.group()) for match in self.pattern.finditer(low)]


@lru_cache(maxsize=8)
def phrases(name: str) -> Mapping[str, Phrases]:
    """The lists of a file of the lexicon: `name: phrase | phrase`. A star between blanks is any word, in a word any ending."""
    found = {}
    for line in lines(name):
        head, _, rest = line.partition(":")
        told = sorted((phrase.strip() for phrase in rest.split("|")), key=len, reverse=True)
        found[head] = Phrases(_compiled("|".join(_escaped(phrase) for phrase in told)))
    return found


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)


def _escaped(phrase: str) -> str:
    inner = re.escape(phrase).replace(r"\ \*\ ", r" \w{1,20} ").replace(r"\*", "[a-zäöüéèñ]{0,8}")
    return rf"{_edge(phrase[0])}{inner}{_edge(phrase[-1])}"


def _edge(char: str) -> str:
    """A phrase does not begin or end within a word; `$` and `%` have no such edge."""
    return r"\b" if char.isascii() and (char.isalnum() or char in "_*") else ""
