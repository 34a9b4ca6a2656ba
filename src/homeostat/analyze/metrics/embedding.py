"""The embedding that needs no model: hashed words and runs of characters, words of one meaning in one place.

It sees spelling and our small lexicon, not the world; an endpoint or a local model knows more.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from homeostat.analyze.text.lexicon import groups
from homeostat.analyze.text.words import bounded, content, plain, words

SIZE: Final = 512


def embed(text: str) -> NDArray[np.float32]:
    """A vector of length one; zeros for a text without words."""
    vector = np.zeros(SIZE, dtype=np.float32)
    for stem, count in Counter(word.stem for word in content(words(bounded(plain(text))))).items():
        weight = 1 + math.log(count)
        for place, share in _places(stem):
            vector[place] += weight * share
    norm = float(np.linalg.norm(vector))
    return vector / norm if norm else vector


def similarity(one: str, other: str) -> float:
    """The cosine of two texts, 0 to 1.

    >>> similarity("How do I get a refund?", "refunds") > similarity("How do I get a refund?", "weather")
    True
    """
    return max(0.0, float(embed(one) @ embed(other)))


@lru_cache(maxsize=50_000)
def _places(stem: str) -> tuple[tuple[int, float], ...]:
    """Where a stem adds, and how much: itself, the groups of its meaning, its runs of three characters."""
    found = [(f"w{stem}", 1.0)]
    found += [(f"g{number}", 0.8) for number in groups(stem)]
    padded = f"<{stem}>"
    runs = [padded[at : at + 3] for at in range(len(padded) - 2)]
    found += [(f"c{run}", 0.6 / math.sqrt(len(runs))) for run in runs]
    placed = []
    for key, share in found:
        hashed = crc32(key.encode())
        placed.append((hashed % SIZE, share if hashed & 0x10000 else -share))
    return tuple(placed)
