"""Since when, and by how much: asked once, after an alarm, of everything that the stream was ticked with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.proportions import wilson

#: Before and after a change there must be so many units.
_LEAST: Final = 8
#: Twice the fall in log-likelihood that bounds the interval of the onset.
_DROP: Final = 3.0


@dataclass(frozen=True, slots=True)
class Change:
    """When it began, and the mean before and since. Minutes since 1970."""

    minute: int
    low: int
    high: int
    before: float
    since: float
    since_low: float | None
    since_high: float | None
    n: int
    clear: float = 0.0
    """By how much more likely the values are with the change than without (log)."""


def change(minute: Ints, value: Floats, bounded: bool, worse: str) -> Change | None:
    """The most likely moment at which the mean began to be worse; None: too few values to say.

    >>> one = change(np.arange(200), np.r_[np.ones(150), np.zeros(50)], True, "down")
    >>> one.minute, one.low <= 150 <= one.high, one.before, one.since
    (150, True, 1.0, 0.0)
    """
    order = np.argsort(minute, kind="stable")
    when, x = minute[order], value[order].astype(np.float64)
    n = len(x)
    if n < 2 * _LEAST:
        return None
    scaled = x if bounded else np.log(np.maximum(x, 1e-9)) if (x >= 0).all() else np.arctan(x)
    at, likelihood = _split(when, scaled, worse)
    best = int(at[np.argmax(likelihood)])
    near = at[likelihood >= likelihood.max() - _DROP]
    before, since = x[:best], x[best:]
    low, high = _interval(since, bounded)
    return Change(
        int(when[best]), int(when[near.min()]), int(when[near.max()]), float(before.mean()), float(since.mean()), low,
        high, len(since), float(likelihood.max()),
    )  # fmt: skip


def _split(when: Ints, x: Floats, worse: str) -> tuple[Ints, Floats]:
    """The log-likelihood ratio of a change of the mean at each place, for changes to the worse.

    Places are where a minute ends: within one, values stand in no order.
    """
    n = len(x)
    every = np.arange(_LEAST, n - _LEAST + 1)
    edges = every[when[every - 1] != when[np.minimum(every, n - 1)]]
    at = edges if len(edges) else every
    total = np.cumsum(x)
    left, right = total[at - 1] / at, (total[-1] - total[at - 1]) / (n - at)
    spread = max(float(x.var()), 1e-6)
    ratio = at * (n - at) / n * (right - left) ** 2 / (2 * spread)
    return at, np.where((right > left) == (worse == "up"), ratio, 0.0)


def _interval(since: Floats, bounded: bool) -> tuple[float | None, float | None]:
    """95 %, of the mean since the onset: what it is now. That it changed is the detector's claim, not this one's."""
    n, mean = len(since), float(since.mean())
    if bounded and np.isin(since, (0.0, 1.0)).all():
        found = wilson([since.sum()], [n])
        return float(found.low[0]), float(found.high[0])
    half = 1.96 * float(since.std(ddof=1)) / n**0.5 if n > 1 else 0.0
    return (max(0.0, mean - half), min(1.0, mean + half)) if bounded else (mean - half, mean + half)
