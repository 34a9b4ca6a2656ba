"""A part of the false-alarm budget waits for changes of the application: there trouble is likelier to begin.

What a release brings begins at a known moment. A lump of the budget that is laid then finds it with a third less
evidence than budget that trickles in over a month, and the sum stays what it was: a false alarm is paid for by what was
laid, whenever that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from homeostat.analyze.inference.budget import MONTH
from homeostat.store.warehouse.questions.ticks import MINUTE

#: The part of the budget that waits.
RESERVE: Final = 0.25
#: What a change gets of what is left of it: so there is some for the next one.
_AT_ONCE: Final = 0.2
#: Changes that are known so late (µs) are answered no more; those so close to each other are one.
RECENT: Final = 7_200_000_000
_ONE_CHANGE: Final = 900_000_000
#: A change that was answered (µs), and the part of a month's budget that it got.
Lumps = list[tuple[int, float]]


def laid(known: Lumps, changes: Sequence[int], now: int) -> tuple[Lumps, float]:
    """With changes up to now (µs) answered, and the part of a month's budget that is laid for them.

    In no month is more laid than the reserve.

    >>> known, part = laid([], [1_000], 2_000)
    >>> known, part
    ([(1000, 0.05)], 0.05)
    >>> laid(known, [1_000], 3_000)[1]
    0.0
    """
    fresh = [
        at for at in changes
        if now - RECENT <= at < now and all(abs(at - one) > _ONE_CHANGE for one, _ in known)
    ]  # fmt: skip
    if not fresh:
        return known, 0.0
    kept = [(at, part) for at, part in known if at > now - RECENT - MONTH * MINUTE]
    part = _AT_ONCE * max(0.0, RESERVE - sum(part for _, part in kept))
    first, *others = sorted(fresh)
    return [*kept, (first, part), *((at, 0.0) for at in others)], part
