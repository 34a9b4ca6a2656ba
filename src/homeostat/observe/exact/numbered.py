"""Numbered attributes (`llm.input_messages.0.message.role`): families, gathered into lists."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from homeostat.observe.exact.shapes import step_into

_NUMBERED: Final = re.compile(r"^(.*?\.)(\d{1,6})((?:\..*)?)$", re.DOTALL)
_MAX_STEPS: Final = 16


def families(attributes: dict[str, Any], prefixes: tuple[str, ...]) -> dict[str, list[Any]]:
    """Prefix -> list of what stands under each number, in the order of the numbers. `prefixes`: of these families."""
    gathered: dict[str, dict[int, Any]] = {}
    for key, value in attributes.items():
        if not key.startswith(prefixes) or (split := _split(key)) is None:
            continue
        prefix, number, steps = split
        by_number = gathered.setdefault(prefix, {})
        if not steps:
            by_number[number] = value
            continue
        inner = by_number.setdefault(number, {})
        if isinstance(inner, dict):
            _put(inner, steps, value)
    return {prefix: [_lists(by[number]) for number in sorted(by)] for prefix, by in gathered.items()}


@lru_cache(maxsize=16_384)
def _split(key: str) -> tuple[str, int, tuple[str, ...]] | None:
    """(prefix, number, the steps after it): senders use the same few keys again and again."""
    match = _NUMBERED.match(key)
    if match is None:
        return None
    prefix, number, rest = match.groups()
    return prefix, int(number), tuple(rest[1:].split(".", _MAX_STEPS)) if rest else ()


def _put(into: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    for step in steps[:-1]:
        inner = into.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        into = inner
    into.setdefault(steps[-1], value)


def _lists(value: Any) -> Any:
    """Maps whose keys are all numbers become lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(inner) for key, inner in value.items()}


def texts_at(items: list[Any], suffixes: tuple[str, ...]) -> str | None:
    """The texts of a family that is no conversation (prompts, texts to embed), one per line."""
    found = (
        next((text for s in suffixes if isinstance(text := step_into(item, tuple(s[1:].split("."))), str)), "")
        for item in items
    )
    return "\n".join(text for text in found if text) or None
