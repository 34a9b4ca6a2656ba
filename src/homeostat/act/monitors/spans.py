"""Spans of time as people write them: `10m`, `24h`, `7d`."""

from __future__ import annotations

import re
from typing import Final

SPAN: Final = re.compile(r"(\d{1,5})([smhdw])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MINUTE: Final = 60_000_000
DAY: Final = 86_400_000_000


def span(text: str) -> int:
    """Microseconds of `10m`.

    >>> span("10m")
    600000000
    """
    match = SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time such as 10m, 24h, 7d.")
    return int(match[1]) * _SECONDS[match[2]] * 1_000_000
