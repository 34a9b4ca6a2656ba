"""chrF (Popović 2015): shared runs of one to six characters, with the values of `sacrebleu.sentence_chrf`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

_ORDER: Final = 6
_BETA: Final = 4  # 2 squared: recall counts twice


def chrf(output: str, reference: str | Sequence[str]) -> float:
    """From 0 to 100, against the best of the references.

    >>> round(chrf("the cat sat", "the cat ran"), 4)
    52.0701
    """
    references = [reference] if isinstance(reference, str) else reference
    mine = _grams(output)
    return max((_score(mine, _grams(text)) for text in references), default=0.0)


def _grams(text: str) -> list[Counter[str]]:
    text = "".join(text.split())
    return [Counter([text[at : at + size] for at in range(len(text) - size + 1)]) for size in range(1, _ORDER + 1)]


def _score(mine: Sequence[Counter[str]], theirs: Sequence[Counter[str]]) -> float:
    precision = recall = 0.0
    orders = 0
    for one, other in zip(mine, theirs, strict=True):
        have, want = sum(one.values()), sum(other.values())
        if not have or not want:
            continue
        hits = sum(min(one[gram], other[gram]) for gram in one.keys() & other.keys())
        precision += hits / have
        recall += hits / want
        orders += 1
    if not orders or not precision + recall:
        return 0.0
    precision, recall = precision / orders, recall / orders
    return 100 * (1 + _BETA) * precision * recall / (_BETA * precision + recall)
