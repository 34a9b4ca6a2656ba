"""What a key may use of the gateway: a setting of its project, by the key's id; `*` is every key without its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: name -> seconds of the window that it counts in.
WINDOWS: Final = {"requests_per_minute": 60, "tokens_per_minute": 60, "tokens_per_day": 86_400, "usd_per_day": 86_400}
#: Counted by the core, which knows prices; the others by each edge.
MONEY: Final = "usd_per_day"
EVERY: Final = "*"
_EXAMPLE: Final = '{"*": {"requests_per_minute": 60, "tokens_per_day": 1000000}}'

Limits = Mapping[str, int | float]


class BadLimits(ValueError):
    """The limits of a project cannot be used; the message says which and why."""


def check(said: Any) -> None:
    """Raises `BadLimits` when these are no limits by key."""
    if not isinstance(said, dict) or not all(isinstance(limits, dict) for limits in said.values()):
        raise BadLimits(f"limits are a map of maps, such as {_EXAMPLE}.")
    for key, limits in said.items():
        for name, value in limits.items():
            if name not in WINDOWS:
                raise BadLimits(f"limits.{key}.{name} is not known; choose from {', '.join(WINDOWS)}.")
            kind, words = ((int, float), "number") if name == MONEY else (int, "whole number")
            if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value < 1 << 53:
                raise BadLimits(f"limits.{key}.{name} must be a {words} above 0.")


def of(said: Any, key: str) -> Limits:
    """The limits of one key; none when they are damaged: a setting must not shut everybody out."""
    try:
        check(said)
    except BadLimits:
        return {}
    found: Limits = said.get(key, said.get(EVERY, {}))
    return found
