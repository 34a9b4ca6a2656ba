"""Steps of time: `every=5m`, `1h`, `1d`, `1w`. Aligned to the epoch in UTC.

Days and weeks (from Monday) begin at midnight of `tz`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from homeostat.records.instant import as_datetime, micros
from homeostat.store.warehouse.questions.bound import Bound
from homeostat.store.warehouse.questions.refused import Refused

SECOND: Final = 1_000_000
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
MAX_BUCKETS: Final = 20_000
_STEP: Final = re.compile(r"([1-9]\d{0,4})(s|m|h|d|w)", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": HOUR, "d": DAY, "w": 7 * DAY}
_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-/]{1,64}", re.ASCII)
#: 1970-01-05 was a Monday.
_MONDAY: Final = 4


@dataclass(frozen=True, slots=True)
class Step:
    """How long a bucket is. Days are calendar days of the zone, so one of them may have 23 or 25 hours."""

    seconds: int
    zone: str = "UTC"
    length: int = 0
    """Windows that lie over each other: of so many seconds each, one up to every step. 0: bucket after bucket."""

    @property
    def days(self) -> int:
        """How many days, 0 for a step below one."""
        return self.seconds // DAY if self.seconds % DAY == 0 and not self.length else 0

    @property
    def hourly(self) -> bool:
        """Whether a bucket always holds whole hours of UTC (unless the zone forbids it, see `whole_hours`)."""
        return self.seconds % HOUR == 0

    def sql(self, at: str, bound: Bound) -> str:
        """The start of the bucket of a time, in seconds since 1970; of windows a row for each that it lies in."""
        if self.length:
            first, last = (f"intDiv(toUnixTimestamp({at}) + {on}, {self.seconds}) + 1" for on in (0, self.length))
            return f"arrayJoin(arrayMap(k -> toInt64(k * {self.seconds} - {self.length}), range({first}, {last})))"
        if not self.days:
            return f"toInt64(intDiv(toUnixTimestamp({at}), {self.seconds}) * {self.seconds})"
        offset = _MONDAY if self.days % 7 == 0 else 0
        day = f"toInt32(toDate({at}, {{zone:String}}))"
        first = f"intDiv({day} - {offset}, {self.days}) * {self.days} + {offset}"
        bound.values["zone"] = self.zone
        return f"toInt64(toUnixTimestamp(toDateTime(toDate(toInt32({first})), {{zone:String}})))"

    def starts(self, low: int, high: int) -> list[int]:
        """The starts, in seconds, of every bucket that touches [low, high) µs; of windows those that lie in it."""
        if high <= low:
            return []
        if self.length:
            first = -(-(low // SECOND + self.length) // self.seconds) * self.seconds
            return [end - self.length for end in range(first, high // SECOND + 1, self.seconds)]
        if not self.days:
            first = low // SECOND // self.seconds * self.seconds
            return list(range(first, -(-high // SECOND), self.seconds))
        zone = ZoneInfo(self.zone)
        local = as_datetime(low).astimezone(zone).date()
        offset = _MONDAY if self.days % 7 == 0 else 0
        number = (local - date(1970, 1, 1)).days
        number = (number - offset) // self.days * self.days + offset
        found: list[int] = []
        while True:
            midnight = datetime.combine(date(1970, 1, 1) + timedelta(days=number), time(), zone)
            start = micros(midnight.astimezone(UTC)) // SECOND
            if start * SECOND >= high:
                return found
            found.append(start)
            number += self.days

    def whole_hours(self, low: int, high: int) -> bool:
        """Whether rollups by hour of UTC can be added into these buckets."""
        if not self.hourly or self.length:
            return False
        if not self.days or self.zone == "UTC":
            return True
        return all(start % HOUR == 0 for start in self.starts(low, high))


def parse(every: str, zone: str, low: int, high: int) -> Step | None:
    """A step, or None for one bucket from start to end."""
    if zone and not _known(zone):
        raise Refused(
            f"There is no time zone {zone[:64]!r}.", hint="Name one as Europe/Berlin, or leave tz out for UTC."
        )
    if not every:
        return None
    match = _STEP.fullmatch(every.strip())
    if not match:
        raise Refused("every is a number and a unit: 30s, 5m, 1h, 1d, 1w.", code="bad_every")
    step = Step(int(match[1]) * _SECONDS[match[2]], zone or "UTC")
    if (high - low) // SECOND // step.seconds > MAX_BUCKETS:
        raise Refused(
            f"From {match[0]} to {match[0]} that would be more than {MAX_BUCKETS} points.",
            code="too_many_points",
            hint="Take a longer step or a shorter time.",
        )
    return step


def _known(zone: str) -> bool:
    if not _ZONE.fullmatch(zone):
        return False
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
