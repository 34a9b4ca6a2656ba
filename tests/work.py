"""How much work something is, told by other work of the same moment: the clock of no machine decides."""

from __future__ import annotations

import time
from collections.abc import Callable

Work = Callable[[], object]


def costs_at_most(work: Work, times: float, other: Work) -> bool:
    """Whether it takes at most so many times the processor time of the other, in the best of five turns of both."""
    least, measure = float("inf"), float("inf")
    for _ in range(5):
        least, measure = min(least, _seconds(work)), min(measure, _seconds(other))
        if least <= times * measure:
            return True
    return False


def _seconds(work: Work) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun
