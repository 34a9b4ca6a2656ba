"""Which language a text is written in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language(text: str) -> tuple[str, float]:
    """The ISO 639-1 code and how sure it is; an empty code for a text without letters.

    >>> language("Where is the nearest station, please?")[0]
    'en'
    """
    return _read(text[:5000])


@lru_cache(maxsize=512)
def _read(text: str) -> tuple[str, float]:
    """Several scorers ask about one text."""
    if not any(char.isalpha() for char in text):
        return "", 0.0
    code, sure = _identifier().classify(text)
    return str(code), float(sure)


_ENGLISH: Final = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "is",
        "are",
        "it",
        "you",
        "your",
        "that",
        "for",
        "with",
        "this",
        "be",
        "have",
        "not",
        "if",
        "can",
        "we",
        "they",
        "what",
        "how",
        "my",
        "does",
        "which",
        "when",
    ]
)


def surely_english(low: Sequence[str]) -> bool:
    """So many of the commonest English words that no model need be asked: it costs a hundredth of `language`."""
    return sum(word in _ENGLISH for word in low) >= max(2, 0.15 * len(low))
