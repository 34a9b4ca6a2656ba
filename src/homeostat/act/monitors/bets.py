"""What is bet on the rank of a value among those before it (a p-value, small where it is bad).

Three kinds: that the worst part of the past, from one in a thousand to six in ten, comes more often now; that the best
part comes less often; that ranks as a whole are worse. All are exact whatever the distribution, and a mixture of bets
is a bet. A quarter of wrong answers shows in the first kind after a dozen of them, something that stops shows in the
second, a general decline in the third.

Every bet is a step function of the rank, with mean 1: so a tick needs only to know how many ranks fell on each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.detector import State

#: The worst parts of the past that are bet on. Where a bad value is one of two (a share), its rank lies anywhere within
#: the share, so that some part must lie near every share.
_TAILS: Final = np.geomspace(0.0008, 0.6, 14)
#: How many times as often it comes; the next worse, up to three times the part, wins less than half as much.
_BOOSTS: Final = (1.5, 2.5, 5.0, 12.0, 40.0)
_NEXT: Final = 0.4
_WIDE: Final = 3.0
#: Of the parts beyond a quarter the next worse is half of everything: nothing is won there.
_LARGE: Final = 0.2
_LITTLE: Final = (1.25, 1.5, 2.0)
_HEADS: Final = (0.1, 0.2)
_FEWER: Final = (2.5, 15.0)
_SLOPES: Final = (0.2, 0.6)
#: A bet keeps so much of what is laid on it, whatever comes.
_KEPT: Final = 0.02
#: Steps on which slopes are laid, besides the edges of the other bets.
_STEPS: Final = np.geomspace(0.0004, 0.9, 24)
#: What is laid on each kind.
_PARTS: Final = (0.75, 0.12, 0.13)


def _stairs() -> tuple[Floats, Floats, Floats, Floats]:
    """Edges of the steps, log factor [steps, bets], what is laid on each bet, and the part that each wins in."""
    tails = [_tail(part, boost) for part in _TAILS for boost in (_LITTLE if part > _LARGE else _BOOSTS)]
    tails = [one for one in tails if one[-1][1] >= _KEPT]
    heads = [_head(part, fewer) for part in _HEADS for fewer in _FEWER]
    named = {edge for one in (*tails, *heads) for edge, _ in one[:-1]}
    edges = np.array(sorted(named | set(_STEPS.tolist())))
    low, high = np.r_[0.0, edges], np.r_[edges, 1.0]
    made = [_on(one, high) for one in (*tails, *heads)] + [1 + slope * (1 - low - high) for slope in _SLOPES]
    laid = [np.full(n, part / n) for n, part in zip((len(tails), len(heads), len(_SLOPES)), _PARTS, strict=True)]
    wins = [one[-2][0] for one in tails] + [1.0] * (len(heads) + len(_SLOPES))
    return edges, np.log(np.stack(made, axis=1)), np.concatenate(laid), np.array(wins)


#: (up to which rank, factor), ascending.
_Steps = list[tuple[float, float]]


def _tail(part: float, boost: float) -> _Steps:
    """The worst part comes so many times as often."""
    if part > _LARGE:
        return [(part, boost), (1.0, (1 - boost * part) / (1 - part))]
    wide = 1 + (_WIDE - 1) * _NEXT
    stake = (boost - 1) / (1 - wide * part)
    base = 1 - stake * wide * part
    return [(part, base + stake), (_WIDE * part, base + _NEXT * stake), (1.0, base)]


def _head(part: float, fewer: float) -> _Steps:
    """The best part comes so many times less often."""
    return [(1 - part, (1 - part / fewer) / (1 - part)), (1.0, 1 / fewer)]


def _on(steps: _Steps, high: Floats) -> Floats:
    edges = np.array([edge for edge, _ in steps[:-1]])
    result: Floats = np.array([factor for _, factor in steps])[np.searchsorted(edges, high, side="left")]
    return result


_EDGES, _GROWTH, WEIGHTS, _WINS = _stairs()
COLUMNS: Final = len(WEIGHTS)


def held(state: State) -> State:
    """As it is kept between ticks, in half the room: wealth that is rounded down raises no alarm that was not paid for.

    >>> kept = held(State(np.array([[0.1, 1e-9]]), *[np.zeros(0)] * 5)).wealth
    >>> str(kept.dtype), bool((kept <= [[0.1, 1e-9]]).all()), bool((kept > [[0.0999999, 0.999999e-9]]).all())
    ('float32', True, True)
    """
    near = state.wealth.astype(np.float32)
    return replace(state, wealth=np.where(near > state.wealth, np.nextafter(near, np.float32(0)), near))


def factors(p: Floats, row: Ints, streams: int, within: Floats | None = None, beyond: Floats | None = None) -> Floats:
    """Log factor [streams, COLUMNS] of one tick, of p-values by stream.

    `within`: of each stream, only the bets that win in so small a part of the ranks or in less are laid whole; of the
    others, the part `beyond`: to the power of a part of 1, what has mean 1 has a mean of at most 1.

    >>> one = factors(np.array([0.0005] * 3), np.zeros(3, int), 2)
    >>> one.shape == (2, COLUMNS), bool(one[0].max() > 10), bool((one[1] == 0).all())
    (True, True, True)
    """
    steps = len(_EDGES) + 1
    fell = np.searchsorted(_EDGES, p, side="left")
    count = np.bincount(row * steps + fell, minlength=streams * steps).reshape(streams, steps)
    grown: Floats = count @ _GROWTH
    if within is None:
        return grown
    less = 0.0 if beyond is None else grown * beyond[:, None]
    return np.where(within[:, None] + 1e-12 >= _WINS, grown, less)


def means() -> Sequence[float]:
    """The mean of every bet over ranks without a change: 1, or it would be no bet."""
    sizes = np.diff(np.r_[0.0, _EDGES, 1.0])
    found: list[float] = (sizes @ np.exp(_GROWTH)).tolist()
    return found
