"""Trying again: when, how often, and when an upstream is better left alone for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: Answers that say that the upstream itself is unwell (529 is Anthropic's word for busy).
UNWELL: Final = frozenset((500, 502, 503, 504, 520, 521, 522, 523, 524, 529))
#: Answers that may be different a moment later.
RETRIED: Final = UNWELL | {408, 429}
#: Retries may be a tenth of the requests, and a few at the start.
_SHARE: Final = 0.1
_MOST: Final = 10.0
_FIRST: Final = 2.0
_LONGEST_OPEN: Final = 60.0


class Budget:
    """Retries are paid from what requests earn: a dying upstream is not buried under them."""

    def __init__(self) -> None:
        self._credit = _FIRST

    def earn(self) -> None:
        """A request came."""
        self._credit = min(_MOST, self._credit + _SHARE)

    def spend(self) -> bool:
        """Pay for a retry, if there is enough."""
        if self._credit < 1:
            return False
        self._credit -= 1
        return True


class Breaker:
    """Opens after failures in a row; then one call at a time may try whether the upstream is back."""

    def __init__(self, failures: int, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._first = self._pause = seconds
        self._monotonic = monotonic
        self._failures = 0
        self._open_until = 0.0
        self._probing = False

    def allows(self) -> bool:
        """May a call go through? In the half-open state the first that asks is the probe."""
        if self._failures < self._limit:
            return True
        if self._probing or self._monotonic() < self._open_until:
            return False
        self._probing = True
        return True

    def worked(self) -> None:
        """A call went through."""
        self._failures = 0
        self._probing = False
        self._pause = self._first

    def failed(self) -> None:
        """A call failed by the upstream's fault."""
        self._failures += 1
        if self._failures >= self._limit:
            self._open_until = self._monotonic() + self._pause
            if self._probing:
                self._pause = min(self._pause * 2, _LONGEST_OPEN)
        self._probing = False

    def forgot(self) -> None:
        """A call ended without telling anything about the upstream."""
        self._probing = False

    @property
    def seconds_left(self) -> int:
        """Until the next probe, whole seconds, at least one."""
        return max(1, round(self._open_until - self._monotonic()))


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before an attempt; None: not worth waiting."""

    longest_told: float

    def seconds(self, attempt: int, retry_after: bytes) -> float | None:
        """Before attempt number `attempt` (the first retry is 1)."""
        told = _told(retry_after)
        if told is not None:
            return told if told <= self.longest_told else None
        return float(min(8.0, 0.25 * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25))


def _told(value: bytes) -> float | None:
    """`Retry-After`: seconds or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value.decode("latin-1"))
    except (ValueError, TypeError):
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
