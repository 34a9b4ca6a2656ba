"""What it means: scorers, text metrics, drift and statistics. Works on plain records, knows no store."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeostat.analyze.metrics import (
        bleu,
        chrf,
        exact_match,
        fuzzy_match,
        rouge,
        rouge_1,
        rouge_2,
        rouge_l,
        rouge_lsum,
        token_f1,
    )
    from homeostat.analyze.scorers import Case, Scored, Scorer, Unscored, scorer, scorers

_WHERE = {
    "homeostat.analyze.metrics": (
        "bleu", "chrf", "exact_match", "fuzzy_match", "rouge", "rouge_1", "rouge_2", "rouge_l", "rouge_lsum", "token_f1"
    ),
    "homeostat.analyze.scorers": ("Case", "Scored", "Scorer", "Unscored", "scorer", "scorers"),
}  # fmt: skip

__all__ = [
    "Case",
    "Scored",
    "Scorer",
    "Unscored",
    "bleu",
    "chrf",
    "exact_match",
    "fuzzy_match",
    "rouge",
    "rouge_1",
    "rouge_2",
    "rouge_l",
    "rouge_lsum",
    "scorer",
    "scorers",
    "token_f1",
]


def __getattr__(name: str) -> Any:
    """Each name is imported when it is first used: whoever wants ROUGE pays for no scorer."""
    for place, names in _WHERE.items():
        if name in names:
            return getattr(import_module(place), name)
    raise AttributeError(name)
