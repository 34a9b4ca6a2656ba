"""Whom to ask for labels, and what a judge's alarm is worth once people were asked.

`allocation` spends labels where judge strata are large and people's answers vary (Neyman 1934), never only on what
looks suspicious. `confirmation` is the second half of trigger and verify: a judge's scores may raise an alarm, and only
fresh labels confirm it; else the judge has drifted.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.band import VERIFIED, Level
from homeostat.analyze.inference.ppi import strata

PILOT: Final = 50
FLOOR: Final = 10
#: Labels that one alarm may cost.
MOST_LABELS: Final = 400

Confirmation = Literal["confirmed", "asking", "judge-drift-suspected"]


def allocation(judged: ArrayLike, labelled: ArrayLike, positive: ArrayLike, budget: int) -> Ints:
    """How many labels to ask for next in each stratum, so that with `budget` labels in all the interval is narrowest.

    >>> allocation([9000, 1000], [45, 5], [45, 2], budget=300).tolist()
    [151, 99]
    """
    all_, n, k = strata(judged, labelled, positive)
    share = (k + 0.5) / (n + 1)
    room = all_ - n
    left = max(budget - int(n.sum()), 0)
    target = _spread(all_ * np.sqrt(share * (1 - share)), np.minimum(FLOOR, all_), all_, float(n.sum() + left))
    more = np.clip(target - n, 0, room)
    if more.sum() > left:  # where too many were asked already, the others share what is left
        more *= left / more.sum()
    result = np.floor(more)
    order = np.argsort(-(more - result), kind="stable")
    for place in order[: max(0, min(left, int(room.sum())) - int(result.sum()))]:
        result[place] += result[place] < room[place]
    return result.astype(np.int64)


def _spread(weight: Floats, floor: Floats, most: Floats, total: float) -> Floats:
    """`total` in proportion to the weights, within floor and most."""
    result = floor.copy()
    for _ in range(len(weight)):
        free = (result < most) & (weight > 0)
        left = total - result.sum()
        if left <= 0.5 or not free.any():
            break
        ideal = weight * (total - result[~free].sum()) / weight[free].sum()
        result[free] = np.clip(ideal[free], floor[free], most[free])
    return result


def confirmation(below: Level, asked: int, *, needed: float = VERIFIED, most: int = MOST_LABELS) -> Confirmation:
    """What fresh labels say so far. `below` started at the alarm, at the quality that is promised.

    >>> confirmation(Level.new([0.9], "below").seen([60], [42]), asked=60)
    'confirmed'
    """
    if float(below.evidence[0]) >= needed:
        return "confirmed"
    return "asking" if asked < most else "judge-drift-suspected"
