"""Did it help? Second rung: the action is switched on and off per block of time, in an order drawn at random.

Blocks must be longer than what carries over from one to the next. The test compares the order that was drawn with all
orders that could have been drawn, so it needs no assumption about days resembling each other. The interval assumes that
the action adds the same amount to every block.

References: Bojinov, Simchi-Levi, Zhao, "Design and analysis of switchback experiments", Management Science 2023; Fisher
1935.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, finite, same_length
from homeostat.analyze.inference.claims import Expected, Verdict, lacking, less, outcome

LEAST_BLOCKS: Final = 12
#: Up to this many orders all are tried; beyond it as many are drawn.
ORDERS: Final = 4000


def drawn(blocks: int, rng: Generator) -> Bools:
    """An order for the blocks: half of them on, every such order equally likely.

    >>> int(drawn(12, np.random.default_rng(0)).sum())
    6
    """
    if blocks < LEAST_BLOCKS or blocks % 2:
        raise ValueError(f"blocks: an even number, at least {LEAST_BLOCKS}")
    return np.asarray(rng.permutation(blocks) < blocks // 2)


def switchback(values: ArrayLike, on: ArrayLike, expected: Expected, *, rng: Generator) -> Verdict:
    """`values`: the mean of each block; `on`: the order that `drawn` gave."""
    y = finite("values", values, empty=True)
    a = np.asarray(on, dtype=bool)
    blocks = same_length(values=y, on=a)
    if blocks < LEAST_BLOCKS or not 0 < a.sum() < blocks:
        return lacking("switchback", blocks, "too-few-blocks")
    orders = _orders(blocks, int(a.sum()), rng)
    apart, moved = _difference(orders, y), _difference(orders, a.astype(np.float64))
    estimate = float(_difference(a[None, :], y)[0])
    reach = 4 * float(np.ptp(y)) + 1e-12
    low = _end(estimate, estimate - reach, apart, moved, expected.alpha)
    high = _end(estimate, estimate + reach, apart, moved, expected.alpha)
    said = outcome(low, high, expected)
    return Verdict(
        outcome=said,
        rung="switchback",
        claim="nothing" if said == "not-enough-data" else "caused-unless-carried-over",
        estimate=estimate,
        low=low,
        high=high,
        units=blocks,
        p=_p(0.0, estimate, apart, moved),
        notes=less(low, high, expected) if said == "worked" else (),
    )


def _orders(blocks: int, on: int, rng: Generator) -> Bools:
    """All orders, or many drawn ones and the one in use is then counted in by `_p`."""
    if comb(blocks, on) <= ORDERS:
        table = np.zeros((comb(blocks, on), blocks), dtype=bool)
        for row, places in enumerate(combinations(range(blocks), on)):
            table[row, list(places)] = True
        return table
    return np.asarray(rng.permuted(np.tile(np.arange(blocks) < on, (ORDERS, 1)), axis=1))


def _difference(orders: Bools, y: Floats) -> Floats:
    on = orders.sum(axis=1)
    sums = orders @ y
    return np.asarray(sums / on - (y.sum() - sums) / (orders.shape[1] - on))


def _p(effect: float, estimate: float, apart: Floats, moved: Floats) -> float:
    """How many orders would show a difference as large, if the effect were this."""
    as_large = np.abs(apart - effect * moved) >= abs(estimate - effect) * (1 - 1e-9) - 1e-12
    return float((1 + as_large.sum()) / (1 + len(apart)))


def _end(inside: float, outside: float, apart: Floats, moved: Floats, alpha: float) -> float:
    """The effect farthest from the estimate that the orders do not exclude."""
    estimate = inside
    if _p(outside, estimate, apart, moved) > alpha:
        return outside
    for _ in range(40):
        middle = (inside + outside) / 2
        if _p(middle, estimate, apart, moved) > alpha:
            inside = middle
        else:
            outside = middle
    return outside
