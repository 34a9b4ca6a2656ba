"""Sentences and clauses of a text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_END: Final = re.compile(r"[.!?…]+[\"')\]]*(?=\s|$)|\n+")
# An abbreviation's dot ends no sentence.
_SHORT: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "vs",
        "e.g",
        "i.e",
        "etc",
        "inc",
        "ltd",
        "co",
        "tel",
        "approx",
        "z.b",
        "d.h",
        "sr",
        "sra",
        "m",
        "a.m",
        "p.m",
    ]
)
# These end one where a capital follows.
_SOFT: Final = frozenset((
    "max", "min", "incl", "excl", "ca", "fig", "dep", "arr", "jan", "feb", "apr", "jun", "jul", "aug", "sep", "sept",
    "oct", "nov", "dec",
))  # fmt: skip
# A line of a table or of JSON may have no end for pages: what compares sentences in pairs would take its square.
_LONG: Final = re.compile(r"\S.{0,599}(?=\s|$)|\S.{0,599}", re.DOTALL)
_ITEM: Final = re.compile(r"\A\s*(?:\d{1,2}[.)]|[-*•])\s+")
# What may end a sentence all the same, when a capital follows: `at 8 a.m.`, `52 m.`
_UNIT: Final = re.compile(r"\d ?(?:[ap]\.m|[a-zA-Z])\.$", re.IGNORECASE)
_BEGINS: Final = re.compile(r"\s+[A-ZÄÖÜÉ¿¡]")
_CLAUSE: Final = re.compile(
    r";|:(?=\s)|,?\s(?:but|while|whereas|although|though|however)\s|,\s(?:and|so|which|who)\s", re.IGNORECASE
)


@lru_cache(maxsize=1024)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, of 600 characters at the most; the items of a list are sentences."""
    found: list[str] = []
    begin = 0
    for match in _END.finditer(text):
        piece = text[begin : match.end()]
        last = piece.rstrip(".").rsplit(None, 1)[-1].lower() if piece.rstrip(".").strip() else ""
        number = last.isdigit() and len(last) <= 2 and "\n" not in match[0] and len(piece.strip()) <= 4
        initial = len(last) == 1 and last.isalpha() and last != "i"
        soft = last in _SOFT and not _BEGINS.match(text, match.end())
        short = last in _SHORT or initial or number or soft
        if match[0] == "." and short and not (_UNIT.search(piece) and _BEGINS.match(text, match.end())):
            continue
        found.append(piece)
        begin = match.end()
    found.append(text[begin:])
    clean = [_ITEM.sub("", piece, count=1).strip() for piece in found]
    return tuple(part.rstrip() for piece in clean if piece for part in _parts(piece))


def _parts(sentence: str) -> list[str]:
    return [sentence] if len(sentence) <= 600 else _LONG.findall(sentence)


@lru_cache(maxsize=1024)
def clauses(sentence: str) -> tuple[str, ...]:
    """The parts of a sentence that can be true or false by themselves."""
    found = tuple(part.strip() for part in _CLAUSE.split(sentence) if part and len(part.split()) >= 2)
    return found or (sentence,)
