"""Simple thresholds are asked for after every tick; one that cannot be asked for holds up nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from homeostat.act.monitors import thresholds
from homeostat.act.monitors.plan import Watched
from homeostat.act.monitors.watch import Watch
from homeostat.loop.watching.context import Context
from homeostat.records.finding import Finding
from homeostat.store.warehouse.questions.measures.ask import ask
from homeostat.store.warehouse.questions.refused import Refused

log: Final = logging.getLogger("homeostat.watching")


def crossed(context: Context, watch: Watch, chosen: Iterable[Watched], at: int) -> tuple[list[Finding], dict[str, str]]:
    """Thresholds that were crossed, for long enough, at `at`; and which could not be asked for, and why."""
    found, problems = [], {}
    for watched in chosen:
        if watched.monitor.kind != "threshold":
            continue
        try:
            points = ask(context.warehouse, thresholds.question(watched.monitor, at), None)
        except Refused as refused:
            problems[watched.monitor.name] = refused.message
        except Exception as error:  # too much for the engine, say: the others are watched all the same
            log.debug("the threshold %s failed", watched.monitor.name, exc_info=True)
            problems[watched.monitor.name] = str(error)[:200] or type(error).__name__
        else:
            found += thresholds.crossed(watch, watched, points, at)
    return found, problems
