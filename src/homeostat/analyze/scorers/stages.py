"""Steps that stand where they cannot: what ends a job before what begins it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from homeostat.analyze.text.lexicon import marks
from homeostat.analyze.text.words import STOP, Word, words

#: Verbs that prepare, or open a job; and those that end one.
_BEGINS: Final = marks("begins")
_ENDS: Final = marks("ends")
#: Where an order may begin: a sentence, or what follows a comma, `and`, `then`.
_ORDERS: Final = re.compile(r"[;:,]\s+(?:and\s+|then\s+)?|\s(?:and|then)\s+")
_HEADS: Final = frozenset((
    "then", "next", "finally", "first", "firstly", "afterwards", "now", "lastly", "second", "third", "please", "just", "start", "by", "after", "that", "you", "can", "should", "to", "and", "simply", "carefully", "also", "last", "gently",
))  # fmt: skip
_SECOND: Final = re.compile(r"\bsecond (\w{3,20})", re.IGNORECASE)
_FEWEST: Final = 3


def stages(parts: Sequence[str]) -> dict[str, float]:
    """Orders that come too late or too early."""
    found: list[tuple[int, int]] = []
    orders = 0
    for at, part in enumerate(parts):
        for piece in _ORDERS.split(part):
            told = _order(words(piece))
            orders += told is not None
            if told:
                found.append((at, told))
    late = sum(a[1] > b[1] and b[0] > a[0] for a, b in pairwise(found))
    early = bool(found) and found[0][1] > 0 and found[0][0] == 0 and any(stage < 0 for _, stage in found)
    ended = bool(found) and found[-1][1] < 0 and found[-1][0] == len(parts) - 1 and any(stage > 0 for _, stage in found)
    many = len(parts) >= _FEWEST
    return {
        "late_stage": float(min(2, late)) * many,
        "stage_ends": float(early + ended) * many,
        "ordinals": _ordinals(parts),
    }


def _order(told: Sequence[Word]) -> int | None:
    """1 for an order that ends a job, -1 for one that begins it, 0 for another word, None for no order."""
    for at, word in enumerate(told[:5]):
        if word.low in _HEADS:
            continue
        if at and word.low in STOP:
            return None
        behind = told[at + 1].low if at + 1 < len(told) else ""
        both = f"{word.low}-{behind}"
        if both in _ENDS or both in _BEGINS:
            return 1 if both in _ENDS else -1
        return 1 if word.low in _ENDS else -1 if word.low in _BEGINS else None
    return None


def _ordinals(parts: Sequence[str]) -> float:
    """The second coat is told of in a sentence before the one that tells of the first."""
    for at, part in enumerate(parts[:-1]):
        for match in _SECOND.finditer(part):
            first = re.compile(rf"\bfirst {re.escape(match[1])}\b", re.IGNORECASE)
            if not any(first.search(one) for one in parts[:at]) and any(first.search(one) for one in parts[at + 1 :]):
                return 1.0
    return 0.0
