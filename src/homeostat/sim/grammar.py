"""Small grammars for texts: `[a|b|]` picks one of several spellings, nested if need be; `{name}` is left for values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Final

_SLOT: Final = re.compile(r"\{(\w+)\}")


def spellings(pattern: str) -> tuple[str, ...]:
    """Every text that a pattern can give, in order.

    >>> spellings("[what is|what's] your [return|refund] policy?")[1:3]
    ('what is your refund policy?', "what's your return policy?")
    >>> spellings("a [b|[c|d] e|]")
    ('a b', 'a c e', 'a d e', 'a ')
    """
    found, rest = _sequence(pattern, 0)
    if rest != len(pattern):
        raise ValueError(f"a bracket too many in {pattern!r}")
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """Values put in; a slot that nobody fills stays, so that it is seen.

    >>> filled("{code} on the {device}", {"code": "E-42"})
    'E-42 on the {device}'
    """
    if "{" not in text:
        return text
    return _SLOT.sub(lambda found: values.get(found[1], found[0]), text)


def slots(text: str) -> tuple[str, ...]:
    """The slots that are still open."""
    return tuple(_SLOT.findall(text))


def _sequence(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """Spellings of a run of letters and brackets, up to `|`, `]` or the end."""
    parts: list[tuple[str, ...]] = []
    start = at
    while at < len(text) and text[at] not in "|]":
        if text[at] == "[":
            parts.append((text[start:at],))
            choices, at = _choices(text, at + 1)
            parts.append(choices)
            start = at
        else:
            at += 1
    parts.append((text[start:at],))
    return tuple("".join(chosen) for chosen in product(*parts)), at


def _choices(text: str, at: int) -> tuple[tuple[str, ...], int]:
    found: list[str] = []
    while True:
        some, at = _sequence(text, at)
        found.extend(some)
        if at >= len(text):
            raise ValueError(f"a bracket is not closed in {text!r}")
        at += 1
        if text[at - 1] == "]":
            return tuple(found), at
