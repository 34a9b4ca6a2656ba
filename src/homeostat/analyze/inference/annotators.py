"""What several people meant together, and how reliable each is: Dawid and Skene's model, fitted by EM.

Annotators with fewer than 20 items get one number (how often right) instead of a whole table of confusions.

Reference: Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, Ints, same_length, whole

FEW_ITEMS: Final = 20
_ROUNDS: Final = 200


@dataclass(frozen=True, slots=True)
class Consensus:
    """Probability of every class for every item, and of every answer for every class and annotator."""

    items: Floats
    """[items, classes]."""
    confusion: Floats
    """[annotators, true class, answered class]."""
    prevalence: Floats

    @property
    def labels(self) -> Ints:
        """The likeliest class of every item."""
        return np.asarray(self.items.argmax(axis=1), dtype=np.int64)


def consensus(item: ArrayLike, annotator: ArrayLike, answer: ArrayLike, *, classes: int) -> Consensus:
    """Answers (class 0 to classes - 1) of annotators to items.

    >>> c = consensus([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [1, 1, 0, 0, 0, 0], classes=2)
    >>> c.labels.tolist()
    [1, 0]
    """
    i, a, x = whole("item", item, empty=False), whole("annotator", annotator), whole("answer", answer)
    same_length(item=i, annotator=a, answer=x)
    if x.max() >= classes or classes < 2:
        raise ValueError(f"answer: classes are 0 to {classes - 1}")
    people = int(a.max()) + 1
    few = np.bincount(a, minlength=people) < FEW_ITEMS
    votes = np.zeros((int(i.max()) + 1, classes))
    np.add.at(votes, (i, x), 1)
    if (votes.sum(axis=1) == 0).any():
        raise ValueError("item: every item needs an answer")
    belief = votes / votes.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        prevalence = (belief.sum(axis=0) + 1) / (len(belief) + classes)
        confusion = _confusion(belief, i, a, x, few)
        log = np.tile(np.log(prevalence), (len(belief), 1))
        np.add.at(log, i, np.log(confusion[a, :, x]))
        after = np.exp(log - log.max(axis=1, keepdims=True))
        after /= after.sum(axis=1, keepdims=True)
        still = np.abs(after - belief).max() < 1e-9
        belief = after
        if still:
            break
    return Consensus(belief, confusion, prevalence)


def _confusion(belief: Floats, i: Ints, a: Ints, x: Ints, few: Bools) -> Floats:
    """Smoothed by half an answer of every kind, and half an answer more where right: people are better than chance."""
    classes = belief.shape[1]
    table = np.full((len(few), classes, classes), 0.5) + 0.5 * np.eye(classes)
    np.add.at(table.transpose(0, 2, 1), (a, x), belief[i])
    full = table / table.sum(axis=2, keepdims=True)
    right = np.trace(table, axis1=1, axis2=2) / table.sum(axis=(1, 2))
    off = (1 - right) / (classes - 1)
    coin = off[:, None, None] + (right - off)[:, None, None] * np.eye(classes)
    return np.asarray(np.where(few[:, None, None], coin, full))
