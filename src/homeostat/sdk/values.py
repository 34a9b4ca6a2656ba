"""Values of the application as text, quickly, and never more than is bearable."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, Final

MOST_CHARS: Final = 1_000_000
_MOST_NODES: Final = 2_000
_DEEPEST: Final = 12
_SHORT: Final = 1_000
_PLAIN: Final = (bool, int, type(None))


def text_of(value: object) -> str:
    """A string as it is; anything else as JSON, cut where it is too much."""
    if type(value) is not str:
        value = json.dumps(_plain(value, [_MOST_NODES], 0), ensure_ascii=False)
    if len(value) > MOST_CHARS:
        value = value[:MOST_CHARS]
    return value if value.isascii() else _whole(value)


def attribute_of(value: object) -> Any:
    """A value as an attribute holds it: a number, a truth, a text, or a list of texts."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(each, str) for each in value):
        return [text_of(each) for each in value]
    return text_of(value)


def _whole(text: str) -> str:
    """Half a character (a lone surrogate) cannot be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """What JSON can hold, at most so many nodes of it."""
    if type(value) is str:
        if len(value) > _SHORT and value.startswith("data:"):  # a picture inside a message
            return f"{value[:40]}… <{len(value)} characters>"
        return value if len(value) <= MOST_CHARS else value[:MOST_CHARS]
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    left[0] -= 1
    if left[0] <= 0 or depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, left, depth + 1) for key, inner in _first(value.items(), left)}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, left, depth + 1) for inner in _first(value, left)]
    return _of_object(value, left, depth)


def _first(items: Any, left: list[int]) -> Any:
    """As many as there may still be."""
    for number, item in enumerate(items):
        left[0] -= 1
        if left[0] <= 0 or number >= _MOST_NODES:
            return
        yield item


def _of_object(value: Any, left: list[int], depth: int) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, str | int):
        return value.value if hasattr(value, "value") else str(value)
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return _plain(value.model_dump(), left, depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name, None) for each in dataclasses.fields(value)}
        return _plain(fields, left, depth + 1)
    return repr(value)[:_SHORT]
