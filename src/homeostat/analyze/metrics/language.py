"""Which language a text is written in."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Any, Final

import numpy as np


class _Table:
    """A large table that lies in a file without a name; a row is read when it is first asked for.

    The model knows 142 languages, and takes 76 MB; who writes in two or three of them touches a tenth of it.
    """

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (it is read as long as there is a model)
        self._file.write(np.ascontiguousarray(values).data)
        self._file.flush()
        self._type, self._wide = values.dtype, values.shape[1]
        self._known: dict[int, Any] = {}

    def _read(self, number: int) -> bytes:
        size = self._wide * self._type.itemsize
        return os.pread(self._file.fileno(), size, number * size)


class _Weights(_Table):
    """What each feature says of each language."""

    def __getitem__(self, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        known, wanted = self._known, numbers.tolist()
        for number in wanted:
            if number not in known:
                known[number] = self._read(number)
        return np.frombuffer(b"".join([known[number] for number in wanted]), self._type).reshape(-1, self._wide)


class _Moves(_Table):
    """Where a byte leads from a state; 256 bytes to a row."""

    def __getitem__(self, place: int) -> Any:
        row = self._known.get(place >> 8)
        if row is None:
            row = self._known[place >> 8] = memoryview(self._read(place >> 8)).cast("I")
        return row[place & 255]


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    whole = LanguageIdentifier.from_model_file(MODEL_FILE)
    moves = _Moves(np.frombuffer(whole.tk_nextmove, whole.tk_nextmove.typecode).reshape(-1, 256))
    found, weights = array("i", whole.tk_output), _Weights(whole.nb_ptc)
    return LanguageIdentifier(
        weights, whole.nb_pc, whole.nb_classes, moves, found, norm_probs=True, tk_row=array("I", whole.tk_row)
    )


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
