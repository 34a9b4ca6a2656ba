"""Seeded chance: every part of the world has its own numbers for everything it decides, so none shifts another's."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """The chance of one part of the world: the same throws for the same seed, part and number, whatever came before."""

    def __init__(self, seed: int, part: str) -> None:
        digest = hashlib.blake2b(f"{seed}/{part}".encode(), digest_size=8).digest()
        self._base = int.from_bytes(digest, "big") << 40
        self._random = Random()

    def at(self, number: int) -> Random:
        """The throws for the thing of this number. Valid until the next call."""
        self._random.seed(self._base + number)
        return self._random


def one_of(random: Random, things: Sequence[T]) -> T:
    """One of them, each as likely; `Random.choice` takes three times as long."""
    return things[int(random.random() * len(things))]


def lasts(random: Random, median: float, spread: float) -> float:
    """A duration: log-normal, as most waiting of people and machines is."""
    return median * math.exp(spread * random.gauss(0.0, 1.0))


def number_of(text: str) -> int:
    """A number for something that has a name instead, for `Dice.at`."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=5).digest(), "big")
