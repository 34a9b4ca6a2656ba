"""When people come: more by day than by night, less at weekends, one after the other by chance."""

from __future__ import annotations

from random import Random
from typing import Final

from homeostat.sim.people import facts

HOUR_NS: Final = 3600 * 10**9
_MONDAY: Final = 4 * 24  # 1970-01-05 was a Monday


def rate(at_ns: int, per_day: float) -> float:
    """Conversations a nanosecond at this moment, where `per_day` is the mean over a week."""
    rhythm = facts()["rhythm"]
    hour = at_ns // HOUR_NS
    day: list[float] = rhythm["day"]
    week: list[float] = rhythm["week"]
    weekday = (hour - _MONDAY) // 24 % 7
    return per_day / (24 * HOUR_NS) * day[hour % 24] / (sum(day) / 24) * week[weekday]


def next_arrival(after_ns: int, per_day: float, random: Random) -> int:
    """The moment of the next conversation: a Poisson process whose rate changes by the hour."""
    waits, now = random.expovariate(1.0), after_ns
    while True:
        here = rate(now, per_day)
        until = (now // HOUR_NS + 1) * HOUR_NS
        if waits <= here * (until - now):
            return now + int(waits / here) + 1
        waits -= here * (until - now)
        now = until
