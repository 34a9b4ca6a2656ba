"""The readers of the alias table: each takes a present value and gives what it finds, or None."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.observe.dialects import COMPONENTS, FRAMEWORKS, OBJECT, OPS
from homeostat.observe.exact import chat
from homeostat.observe.exact.documents import documents
from homeostat.observe.exact.shapes import dump, parse

MAX_COUNT: Final = 0xFFFFFFFF
#: What the engine's `lower` does.
_SMALL: Final = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}

_ASKS: Final = ("messages", "input", "prompt")
_WORD: Final = re.compile("[A-Z][a-z]+")
_OBJECT: Final = re.compile(OBJECT)


def is_absent(value: Any) -> bool:
    """Nothing, white space, JSON null, what a scrubber left, or where in memory something lies."""
    if value is None:
        return True
    if isinstance(value, str):
        bare = value.strip()
        return not bare or bare == "null" or bare.startswith("[Scrubbed") or bool(_OBJECT.fullmatch(value))
    return False


def text(value: Any) -> str | None:
    if isinstance(value, str):
        return None if is_absent(value) else value
    if isinstance(value, bool | int | float):
        return dump(value)
    return None


def quoted(value: Any) -> str | None:
    return text(_unquote(value))


def first(value: Any) -> str | None:
    found = parse(value) if isinstance(value, str) else value
    if isinstance(found, list):
        return text(found[0]) if found else None
    return text(found)


def tail(value: Any) -> str | None:
    found = text(value)
    name = found.split(".", 1)[0].translate(_SMALL) if found else ""
    return name if name and name not in FRAMEWORKS else None


def decimal(value: Any) -> float | None:
    value = _unquote(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def integer(value: Any) -> int | None:
    number = decimal(value)
    return int(number) if number is not None and 0 <= number <= MAX_COUNT else None


def cost(value: Any) -> float | None:
    number = decimal(value)
    return number if number is not None and number > 0 else None


def total(value: Any) -> float | None:
    found = parse(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        return cost(found)
    if decimal(found.get("total")) is not None:
        return cost(found["total"])
    return cost(sum(number for number in map(decimal, found.values()) if number is not None))


def boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(_unquote(value)).strip().lower())


def when_true(value: Any) -> bool | None:
    return boolean(value) or None


def present(value: Any) -> bool | None:
    return True


def streams(value: Any) -> bool | None:
    found = text(value)
    return None if found is None else "stream" in found.lower()


def milliseconds(value: Any) -> float | None:
    number = decimal(value)
    return number if number is not None and number >= 0 else None


def seconds(value: Any) -> float | None:
    number = milliseconds(value)
    value = _unquote(value)
    whole_number = isinstance(value, int) or (isinstance(value, str) and value.strip().isdecimal())
    return number if number is None or whole_number else number * 1000


def instant(value: Any, start_ns: int) -> float | None:
    """Milliseconds from the start of the span to a time written as ISO 8601."""
    found = quoted(value)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    after = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 - start_ns / 1_000_000
    return round(after, 3) if after >= 0 else None


def strings(value: Any) -> list[str] | None:
    found = parse(value) if isinstance(value, str) else value
    parts = [text(item) or "" for item in found] if isinstance(found, list) else (text(found) or "").split(",")
    return [part.strip() for part in parts if part.strip()] or None


def op(value: Any) -> str | None:
    return OPS.get((quoted(value) or "").strip().lower())


def request(value: Any) -> str | None:
    """What a request to a provider asks for, when that is what the text is."""
    asked = parse(value) if isinstance(value, str) else None
    model = asked.get("model") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or not isinstance(model, str) or not any(asked.get(name) for name in _ASKS):
        return None
    return "embedding" if "embed" in model.lower() else "call"


def component(value: Any) -> str | None:
    """What a component of a pipeline does, by the last word of its class's name."""
    words = _WORD.findall(value) if isinstance(value, str) else ()
    return COMPONENTS.get(words[-1]) if words else None


def input_usage(value: Any) -> int | None:
    return _usage(value, ("prompt_tokens", "promptTokenCount", "prompt_token_count"), "input")


def output_usage(value: Any) -> int | None:
    usage = parse(value) if isinstance(value, str) else value
    if isinstance(usage, dict):
        for answer, thought in (
            ("candidatesTokenCount", "thoughtsTokenCount"),
            ("candidates_token_count", "thoughts_token_count"),
        ):
            if answer in usage:
                return _sum(usage, (answer, thought))
    return _usage(usage, ("completion_tokens",), "output")


def _usage(value: Any, whole: tuple[str, ...], side: str) -> int | None:
    usage = parse(value) if isinstance(value, str) else value
    if not isinstance(usage, dict):
        return None
    for name in whole:
        if integer(usage.get(name)) is not None:
            return integer(usage[name])
    if integer(usage.get(side)) is not None:
        names = {name for name in usage if name == side or name.startswith(f"{side}_")}
    elif integer(usage.get(f"{side}_tokens")) is not None:
        names = {f"{side}_tokens"}
    else:
        return None
    if side == "input":
        names |= {"cache_read_input_tokens", "cache_creation_input_tokens"}
    return _sum(usage, tuple(names))


def _sum(usage: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return integer(sum(number for number in (integer(usage.get(name)) for name in names) if number is not None))


def last_user(value: Any, told: chat.Told) -> str | None:
    """Empty, not None, when the value is messages without such a text: then no other place is asked."""
    found = text(chat.last_user(value, told))
    return found if found is not None or told is None else ""


def answer_text(value: Any, told: chat.Told) -> str | None:
    """Empty, not None, when the value is messages without such a text: then no other place is asked."""
    found = text(chat.answer_text(value, told))
    return found if found is not None or told is None else ""


def tool_calls(value: Any, told: chat.Told) -> str | None:
    found = chat.tool_calls(value, told)
    return dump(found) if found else None


def found_documents(value: Any) -> str | None:
    found = documents(value)
    return dump(found) if found else None


def result(value: Any, told: chat.Told) -> str | None:
    if told is None:
        return whole(value)
    return next((said for turn in reversed(told) for said in (turn.text, *map(_result, turn.results)) if said), None)


def _result(part: dict[str, Any]) -> str:
    inner = part.get("result")
    return "" if inner is None else whole(inner) or ""


def whole(value: Any) -> str | None:
    found = _unquote(value)
    return text(found) if isinstance(found, str | bool | int | float) else dump(found)


def _unquote(value: Any) -> Any:
    """A string that is a JSON string without its quotes."""
    if isinstance(value, str) and value[:1] == '"':
        found = parse(value)
        return found if isinstance(found, str) else value
    return value


#: Readers that need nothing but the value. `instant` and `since_start` also need the span: see mapping.py.
READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "text": text, "quoted": quoted, "first": first, "tail": tail, "integer": integer, "decimal": decimal, "cost": cost,
    "total": total, "boolean": boolean, "when_true": when_true, "present": present, "streams": streams,
    "milliseconds": milliseconds, "seconds": seconds, "strings": strings, "op": op,
    "request": request, "component": component,
    "input_usage": input_usage, "output_usage": output_usage, "documents": found_documents, "whole": whole,
}  # fmt: skip

#: Readers of conversations: they are also given the turns that the value tells, which several of them share.
CHAT_READERS: Final[dict[str, Callable[[Any, chat.Told], Any]]] = {
    "last_user": last_user, "answer_text": answer_text, "tool_calls": tool_calls, "result": result,
}  # fmt: skip
