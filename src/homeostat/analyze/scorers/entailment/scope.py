"""How much is claimed: all or some, only, under a condition, for sure or perhaps, a month or a year."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from homeostat.analyze.scorers.entailment.reading import Read
from homeostat.analyze.text.lexicon import marks

_UNIVERSAL: Final = marks("universal")
_PARTIAL: Final = marks("partial")
_ONLY: Final = marks("only")
_CONDITION: Final = marks("condition")
_CERTAIN: Final = marks("certain")
_HEDGE: Final = marks("hedge")
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


def scope(claim: Read, best: Read) -> tuple[dict[str, float], list[str]]:
    mine, theirs = {word.low for word in claim.words}, {word.low for word in best.words}
    all_of = bool(mine & _UNIVERSAL - theirs) and not (theirs & _UNIVERSAL)
    widened = all_of and bool(theirs & (_PARTIAL | _CONDITION | _ONLY))
    dropped = bool(theirs & _CONDITION) and not (mine & _CONDITION)
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
        "condition_dropped": float(dropped),
        "certain_added": float(bool(mine & _CERTAIN - theirs)),
        "hedge_dropped": float(bool(theirs & _HEDGE) and not mine & _HEDGE),
    }, remarks
