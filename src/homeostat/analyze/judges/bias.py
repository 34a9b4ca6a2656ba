"""What sways a judge that should not: the order of two answers, and their length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.analyze.inference.proportions import wilson
from homeostat.analyze.judges.reading import Unreadable, Verdict


@dataclass(frozen=True, slots=True)
class Sway:
    """How much, with its 95 % interval; NaN: too little was seen."""

    n: int
    value: float
    low: float
    high: float


def by_position(pairs: Sequence[tuple[Verdict | Unreadable, Verdict | Unreadable]]) -> Sway:
    """Of the verdicts that changed with the order, the share that went to whatever stood first: 0.5 is a coin.

    Each pair of answers was asked about in both orders; `value` of a verdict is 1 for the one that stood first.
    """
    first = second = 0
    for forward, swapped in pairs:
        if isinstance(forward, Verdict) and isinstance(swapped, Verdict):
            first += forward.value == 1 and swapped.value == 1
            second += forward.value == 0 and swapped.value == 0
    return _share(first, first + second)


def by_length(judged: Sequence[float], truth: Sequence[float], characters: Sequence[int]) -> Sway:
    """How much more the judge's verdict exceeds people's on the longer half than on the shorter half: 0 is fair.

    People's labels take the quality out of it: long answers may be better ones.
    """
    if len(judged) < 20:
        return Sway(len(judged), math.nan, math.nan, math.nan)
    excess = np.asarray(judged, dtype=float) - np.asarray(truth, dtype=float)
    lengths = np.asarray(characters)
    longer = lengths > np.median(lengths)
    a, b = excess[longer], excess[~longer]
    if len(a) < 5 or len(b) < 5:
        return Sway(len(judged), math.nan, math.nan, math.nan)
    value = float(a.mean() - b.mean())
    half = 1.96 * math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return Sway(len(judged), value, value - half, value + half)


def evidence_of_change(before: Sequence[float], after: Sequence[float]) -> float:
    """E-value against "the same judge judged the same cases twice": chance turns as many verdicts up as down.

    Of u verdicts that rose and d that fell: the mixture over p of (2p)^u (2 - 2p)^d, which is 2^(u+d) B(u+1, d+1).

    >>> round(evidence_of_change([0] * 10, [1] * 10), 1)
    93.1
    """
    up = sum(new > old for old, new in zip(before, after, strict=True))
    down = sum(new < old for old, new in zip(before, after, strict=True))
    logarithm = (up + down) * math.log(2) + math.lgamma(up + 1) + math.lgamma(down + 1) - math.lgamma(up + down + 2)
    return math.exp(min(logarithm, 700.0))


def _share(hits: int, n: int) -> Sway:
    if not n:
        return Sway(0, math.nan, math.nan, math.nan)
    interval = wilson([hits], [n])
    return Sway(n, hits / n, float(interval.low[0]), float(interval.high[0]))
