"""What is usual at each hour of a season is read from history: when a monitor is new, or its state was lost.

One stretch with each tick, oldest first, so that no tick takes long: a day, or of busy projects the first answers of
each hour. What was learnt up to where is kept with the detectors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from homeostat.act.monitors import counting, plan, ticking
from homeostat.act.monitors.plan import Watched
from homeostat.act.monitors.spans import DAY, span
from homeostat.act.monitors.watch import Watch
from homeostat.loop.watching.context import Context
from homeostat.store.warehouse.questions import feed, ticks
from homeostat.store.warehouse.questions.feed import Place
from homeostat.store.warehouse.questions.ticks import Piece

#: So much history is read where the window says nothing shorter.
_LONGEST: Final = 28 * DAY
_HOUR: Final = 3_600_000_000
#: Answers that are read with one tick.
_MOST: Final = 20_000

log: Final = logging.getLogger("homeostat.watching")

Left = dict[str, list[int]]
"""By the head of a monitor: from where to where (µs) its history is still to be read."""


def learn(context: Context, project: str, watch: Watch, chosen: Iterable[Watched], left: Left, begin: int) -> Left:
    """One stretch more; `begin`: since when the watch itself learns. What is left after that."""
    seasonal = {one.head: one for one in chosen if one.method == "seasonal"}
    left = {head: left.get(head) or [begin - _window(one), begin] for head, one in seasonal.items()}
    starts = [place for place, end in left.values() if place < end]
    if not starts:
        return left
    start = min(starts)
    mine = [seasonal[head] for head, (place, end) in left.items() if place == start < end]
    until = min((start // DAY + 1) * DAY, *(left[one.head][1] for one in mine))
    edge = min(until, feed.edge(context.warehouse, project, Place(start), until, limit=_MOST) + 1)
    try:
        _read(context, project, watch, mine, (start, edge))
    except Exception:  # what is usual can be learnt without this stretch; the watch itself must go on
        log.exception("history of %s cannot be read for its monitors with seasons", project)
    after = until if edge >= until else min(until, (edge // _HOUR + 1) * _HOUR)
    return left | {one.head: [after, left[one.head][1]] for one in mine}


def _read(context: Context, project: str, watch: Watch, mine: list[Watched], stretch: tuple[int, int]) -> None:
    start, end = stretch
    found = []
    for group in plan.groups(mine):
        piece = Piece(start if group.family == "signal" else 0, end if group.family == "signal" else end + DAY, start)
        rows = ticks.rows(
            context.warehouse, project, group.family, group.columns, piece, by=group.by, unit=group.unit, since=start,
            before=end, each=group.family != "signal",
        )  # fmt: skip
        found.append((group, rows))
    history = Watch(streams=dict(watch.streams), sampled=watch.sampled, seasonal=watch.seasonal)
    values = counting.values(history, found)
    watch.streams = history.streams
    ticking.learn(watch, values, {one.head for one in mine})


def _window(watched: Watched) -> int:
    window = watched.monitor.against["reference"]
    return _LONGEST if window == "all" else min(_LONGEST, span(window))
