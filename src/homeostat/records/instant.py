"""Points in time: microseconds since 1970 inside, ISO 8601 in UTC outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_AGO: Final = re.compile(r"(\d{1,6})(s|m|h|d|w)", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: What the engine's time type can hold without surprises.
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class BadTime(ValueError):
    """A text that is not a point in time."""


def micros(when: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (when - EPOCH) // _MICROSECOND


def as_datetime(at: int) -> datetime:
    """The moment of so many microseconds since 1970, in UTC.

    >>> as_datetime(micros(datetime(2026, 11, 20, 12, tzinfo=UTC))).isoformat()
    '2026-11-20T12:00:00+00:00'
    """
    return EPOCH + timedelta(microseconds=at)


def iso(at: int) -> str:
    """`2026-11-20T12:00:00.000000Z`: always six digits, always UTC, so that texts sort as times do."""
    return as_datetime(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """A time as people write it: ISO 8601 (UTC without an offset), or how long before `now`: `30m`, `24h`, `7d`.

    `ahead`: how long from now on.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            span = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            when = now + span if ahead else now - span
        else:
            when = datetime.fromisoformat(text.strip().replace(" ", "+") if " " in text.strip()[19:] else text.strip())
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        side = "from now on" if ahead else "before now"
        raise BadTime(f"Times are ISO 8601 (2026-11-20T12:00:00Z) or a span {side} (30m, 24h, 7d).") from None
    return min(max(when, _FIRST), _LAST)
