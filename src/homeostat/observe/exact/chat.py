"""What a conversation comes down to: what the user said last, what was answered, which tools were asked."""

from __future__ import annotations

from typing import Any, Final

from homeostat.observe.exact.parts import Message, call_of, unique
from homeostat.observe.exact.shapes import dump, parse, printed

#: The turns that a value tells (`turns.messages`); None: it is not messages.
Told = list[Message] | None


def last_user(value: Any, told: Told) -> str:
    """Text of the last user message; of what is not messages, its plain text."""
    if told is None:
        return "" if value in ("[]", "{}", [], {}) else plain(value)  # no messages are no question
    return next((m.text for m in reversed(told) if m.role == "user" and m.text), "")


def answer_text(value: Any, told: Told) -> str:
    """Text of the last assistant message after the last question; of what is not messages, its plain text."""
    if told is None:
        return plain(value, answered=True)
    return next((m.text for m in reversed(trailing(told)) if m.text), "")


def tool_calls(value: Any, told: Told) -> list[dict[str, Any]]:
    """What the answer asks tools to do, each once: {id, name, arguments}."""
    if told is None:
        parsed = parse(value) if isinstance(value, str) else value
        bare = [call_of(item) for item in parsed if isinstance(item, dict)] if isinstance(parsed, list) else []
        return unique([call for call in bare if call is not None])
    return unique([call for m in trailing(told) for call in m.tool_calls])


def trailing(found: list[Message]) -> list[Message]:
    """The assistant's turns at the end, and those of whom nobody knows."""
    out: list[Message] = []
    for message in reversed(found):
        if message.role not in ("assistant", ""):
            break
        out.append(message)
    return out[::-1]


#: Names under which a map holds what was asked, and what was said; a state often holds both.
_ASKED: Final = ("question", "query", "input", "prompt", "inputs", "task")
_SAID: Final = (
    "raw", "text", "message", "content", "output", "answer", "result", "response", "completion", "generation",
    "generated_text", "outputs", "return_value", "replies",
)  # fmt: skip


def plain(value: Any, *, answered: bool = False) -> str:
    """The text of what is not messages: itself; the text that a map holds under a usual name; else its JSON."""
    parsed = parse(value) if isinstance(value, str) else value
    if isinstance(parsed, dict) and "kwargs" in parsed and not parsed.keys().isdisjoint(("inputs", "outputs")):
        parsed = value = _enclosed(parsed.get("outputs", parsed.get("inputs")))
    if isinstance(parsed, str):
        return parsed
    found = _inner_text(parsed, answered)
    if found:
        return found
    if _tells_of_nothing(parsed):
        return ""
    return value if isinstance(value, str) else "" if value is None else dump(value)


def _tells_of_nothing(value: Any) -> bool:
    """Empty texts alone, or a map with one under a usual name in which nothing else is said either."""
    if isinstance(value, list):
        return bool(value) and all(item == "" for item in value)
    return isinstance(value, dict) and not any(value.values()) and any(value.get(name) == "" for name in _SAID)


def _enclosed(value: Any) -> Any:
    """What a callback was told: the variables of a chain, whatever they are called. Empty ones are nothing."""
    if not isinstance(value, dict):
        return value
    if not any(value.values()):
        return ""
    only = next(iter(value.values()))
    return only if len(value) == 1 and isinstance(only, str) else value


def _inner_text(value: Any, answered: bool, depth: int = 0) -> str:
    if depth > 4:
        return ""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(text for text in (printed(item) or parse(item) for item in value) if isinstance(text, str))
    if not isinstance(value, dict):
        return ""
    for key in (*_SAID, *_ASKED) if answered else (*_ASKED, *_SAID):
        inner = value.get(key)
        if isinstance(inner, str) and inner.strip():
            return inner
        if isinstance(inner, dict | list) and (found := _inner_text(inner, answered, depth + 1)):
            return found
    args = value.get("args")
    if isinstance(args, list) and args and isinstance(args[0], str):
        return args[0]
    kwargs = value.get("kwargs")
    if isinstance(kwargs, dict):
        return _inner_text(kwargs, answered, depth + 1)
    # A pipeline's components by name: what all of those that hold a text agree on.
    held = [inner for inner in value.values() if inner is not None]
    texts = {_inner_text(inner, answered, depth + 1) for inner in held if isinstance(inner, dict)} - {""}
    return texts.pop() if len(texts) == 1 and all(isinstance(inner, dict) for inner in held) else ""
