"""ROUGE-1, -2, -L and -Lsum (Lin 2004), with the values of `rouge-score` without a stemmer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

_TOKEN: Final = re.compile(r"[a-z0-9]+")


class Overlap(NamedTuple):
    """Which part of the output is in the reference, which part of the reference is in the output, and their harmonic mean."""

    precision: float
    recall: float
    fmeasure: float


def rouge_1(output: str, reference: str) -> float:
    """Shared words.

    >>> rouge_1("the cat sat", "the cat ran")
    0.6666666666666666
    """
    return _ngrams(_tokens(output), _tokens(reference), 1).fmeasure


def rouge_2(output: str, reference: str) -> float:
    """Shared pairs of words."""
    return _ngrams(_tokens(output), _tokens(reference), 2).fmeasure


def rouge_l(output: str, reference: str) -> float:
    """The longest common subsequence of words.

    >>> rouge_l("police kill the gunman", "police killed the gunman")
    0.75
    """
    return _longest(_tokens(output), _tokens(reference)).fmeasure


def rouge_lsum(output: str, reference: str) -> float:
    """ROUGE-L over lines: for each line of the reference, the union of what it shares with the lines of the output."""
    return _summary(output, reference).fmeasure


def rouge(output: str, reference: str) -> dict[str, Overlap]:
    """All four, with precision and recall."""
    mine, theirs = _tokens(output), _tokens(reference)
    return {
        "rouge1": _ngrams(mine, theirs, 1),
        "rouge2": _ngrams(mine, theirs, 2),
        "rougeL": _longest(mine, theirs),
        "rougeLsum": _summary(output, reference),
    }


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _overlap(hits: int, output: int, reference: int) -> Overlap:
    if not output or not reference:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = hits / output, hits / reference
    both = precision + recall
    return Overlap(precision, recall, 2 * precision * recall / both if both > 0 else 0.0)


def _ngrams(output: Sequence[str], reference: Sequence[str], size: int) -> Overlap:
    mine = Counter(zip(*(output[at:] for at in range(size)), strict=False))
    theirs = Counter(zip(*(reference[at:] for at in range(size)), strict=False))
    hits = sum(min(count, mine[gram]) for gram, count in theirs.items() if gram in mine)
    return _overlap(hits, max(0, len(output) - size + 1), max(0, len(reference) - size + 1))


def _longest(output: Sequence[str], reference: Sequence[str]) -> Overlap:
    return _overlap(LCSseq.similarity(output, reference), len(output), len(reference))


def _summary(output: str, reference: str) -> Overlap:
    mine = [_tokens(line) for line in output.split("\n") if line]
    theirs = [_tokens(line) for line in reference.split("\n") if line]
    left_mine = Counter(token for line in mine for token in line)
    left_theirs = Counter(token for line in theirs for token in line)
    hits = 0
    # A line that comes again shares the same places again.
    different = [list(line) for line in dict.fromkeys(map(tuple, mine))]
    for line in theirs:
        own = set(line)
        shared = sorted({at for other in different if not own.isdisjoint(other) for at in _places(line, other)})
        for token in (line[at] for at in shared):
            if left_mine[token] > 0 and left_theirs[token] > 0:
                hits += 1
                left_mine[token] -= 1
                left_theirs[token] -= 1
    return _overlap(hits, sum(map(len, mine)), sum(map(len, theirs)))


def _places(reference: Sequence[str], output: Sequence[str]) -> list[int]:
    """Where the longest common subsequence stands in the reference; of several, the one that `rouge-score` reads out."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(output))}
    told = np.array([numbers[word] for word in output], np.int32)
    above = np.zeros(len(output) + 1, np.int32)
    back = []
    for word in reference:
        row = np.zeros_like(above)
        np.maximum.accumulate(np.maximum(above[1:], above[:-1] + (told == numbers.get(word, -1))), out=row[1:])
        # All that the way back asks of a pair is one bit: is it longer without the output's word than without this one?
        back.append(np.packbits(row[:-1] > above[1:]))
        above = row
    return _way_back(reference, output, back)


def _way_back(reference: Sequence[str], output: Sequence[str], back: Sequence[NDArray[np.uint8]]) -> list[int]:
    found = []
    i, j = len(reference), len(output)
    while i > 0 and j > 0:
        if reference[i - 1] == output[j - 1]:
            found.append(i - 1)
            i, j = i - 1, j - 1
        elif back[i - 1][(j - 1) >> 3] >> (7 - (j - 1) % 8) & 1:
            j -= 1
        else:
            i -= 1
    return found
