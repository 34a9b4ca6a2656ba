"""Which language a text is written in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language(text: str) -> tuple[str, float]:
    """The ISO 639-1 code and how sure it is; an empty code for a text without letters.

    >>> language("Where is the nearest station, please?")[0]
    'en'
    """
    text = text[:5000]
    if not any(char.isalpha() for char in text):
        return "", 0.0
    code, sure = _identifier().classify(text)
    return str(code), float(sure)
