"""How much is claimed: all or some, only, under a condition, for sure or perhaps, a month or a year."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

from homeostat.analyze.scorers.entailment.reading import PAIRS, Read, read
from homeostat.analyze.text.lexicon import marks

_UNIVERSAL: Final = marks("universal")
_PARTIAL: Final = marks("partial")
_ONLY: Final = marks("only")
_CONDITION: Final = marks("condition")
_CERTAIN: Final = marks("certain")
_HEDGE: Final = marks("hedge")
_BINDS: Final = re.compile(
    r"\b(?:if|unless|when|provided(?: that)?|as long as|on condition that|except(?: for| in| on| when| with)?|once|until|in case of|subject to|only (?:for|with|in|on|by|at|after|from|to|when|if|where|as|during|through|via)|wenn|falls|außer|nur (?:für|mit|in)|si|sauf|cuando|salvo)\b"
    r"(?! (?:you|possible|needed|necessary|required)\W*$)([^,.;:]{3,120})",
    re.IGNORECASE,
)
_THERE: Final = 0.35
_RATE: Final = {
    "second": "s", "minute": "min", "hour": "h", "hourly": "h", "day": "d", "daily": "d", "week": "w", "weekly": "w", "month": "m", "monthly": "m", "quarter": "q",
    "quarterly": "q", "year": "y", "yearly": "y", "annual": "y", "annually": "y", "monat": "m", "jahr": "y", "mes": "m", "año": "y", "mois": "m", "an": "y",
}  # fmt: skip


def _rates(claim: Read) -> set[str]:
    """Per month, a year, daily."""
    found = set()
    for before, word in pairwise(claim.words):
        rate = _RATE.get(word.low)
        if rate and (before.low in ("per", "a", "each", "every", "pro", "por", "par") or word.low.endswith("ly")):
            found.add(rate)
    return found


@lru_cache(maxsize=PAIRS)
def condition(claim: Read, best: Read, asked: frozenset[str]) -> float:
    """Whether the claim repeats a sentence without what binds it; what the question supposes need not be said again."""
    conditions = [part for part in _bound(best.text) if part.matter]
    if not conditions:
        return 0.0
    own = frozenset(word.stem for part in conditions for word in part.matter)
    main = [word for word in best.matter if word.stem not in own]
    if not main or sum(claim.near(word) >= 0.7 for word in main) < 0.4 * len(main):
        return 0.0
    known = claim.stems | asked
    return float(min(part.covered(known) for part in conditions) < _THERE)


@lru_cache(maxsize=1024)
def _bound(text: str) -> tuple[Read, ...]:
    """What stands behind `if`, `unless`, `only for` …, to the end of the clause."""
    return tuple(read(match[1]) for match in _BINDS.finditer(text))


@lru_cache(maxsize=PAIRS)
def scope(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    mine, theirs = {word.low for word in claim.words}, {word.low for word in best.words}
    all_of = bool(mine & _UNIVERSAL - theirs) and not (theirs & _UNIVERSAL)
    widened = all_of and bool(theirs & (_PARTIAL | _CONDITION | _ONLY))
    remarks = ["claims more than the snippet: all, always, never"] if widened else []
    mine_rate, their_rate = _rates(claim), _rates(best)
    return {
        "rate_changed": float(bool(mine_rate and their_rate and not mine_rate & their_rate and claim.numbers)),
        "widened": float(widened),
        "widened_bare": float(all_of and not widened),
        "partial_dropped": float(bool(theirs & _PARTIAL) and not mine & _PARTIAL),
        "partial_added": float(bool(mine & _PARTIAL) and not theirs & _PARTIAL),
        "only_added": float(bool(mine & _ONLY) and not theirs & _ONLY),
        "only_dropped": float(bool(theirs & _ONLY) and not mine & _ONLY),
        "certain_added": float(bool(mine & _CERTAIN - theirs)),
        "hedge_dropped": float(bool(theirs & _HEDGE) and not mine & _HEDGE),
    }, remarks
