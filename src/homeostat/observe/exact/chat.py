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
        return plain(value)
    return next((m.text for m in reversed(trailing(told)) if m.text), "")


def tool_calls(value: Any, told: Told) -> list[dict[str, Any]]:
    """What the answer asks tools to do, each once: {id, name, arguments}."""
    if told is None:
        parsed = parse(value) if isinstance(value, str) else value
        bare = [call_of(item) for item in parsed if isinstance(item, dict)] if isinstance(parsed, list) else []
        return unique([call for call in bare if call is not None])
    return unique([call for m in trailing(told) for call in m.tool_calls])


def trailing(found: list[Message]) -> list[Message]:
    """The assistant's turns at the end."""
    out: list[Message] = []
    for message in reversed(found):
        if message.role != "assistant":
            break
        out.append(message)
    return out[::-1]


_PLAIN_KEYS: Final = (
    "question", "query", "input", "prompt", "text", "message", "content", "output", "answer", "result", "response",
    "completion", "generated_text", "inputs", "outputs", "return_value", "replies", "task",
)  # fmt: skip


def plain(value: Any, depth: int = 0) -> str:
    """The text of what is not messages: itself; the text that a map holds under a usual name; else its JSON."""
    parsed = parse(value) if isinstance(value, str) else value
    if isinstance(parsed, str):
        return parsed
    found = _inner_text(parsed, depth)
    if found:
        return found
    return value if isinstance(value, str) else "" if value is None else dump(value)


def _inner_text(value: Any, depth: int) -> str:
    if depth > 4:
        return ""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(text for text in (printed(item) or parse(item) for item in value) if isinstance(text, str))
    if not isinstance(value, dict):
        return ""
    for key in _PLAIN_KEYS:
        inner = value.get(key)
        if isinstance(inner, str) and inner.strip():
            return inner
        if isinstance(inner, dict | list) and (found := _inner_text(inner, depth + 1)):
            return found
    args = value.get("args")
    if isinstance(args, list) and args and isinstance(args[0], str):
        return args[0]
    kwargs = value.get("kwargs")
    if isinstance(kwargs, dict):
        return _inner_text(kwargs, depth + 1)
    # A pipeline's components by name: what all of those that hold a text agree on.
    held = [inner for inner in value.values() if inner is not None]
    texts = {_inner_text(inner, depth + 1) for inner in held if isinstance(inner, dict)} - {""}
    return texts.pop() if len(texts) == 1 and all(isinstance(inner, dict) for inner in held) else ""
