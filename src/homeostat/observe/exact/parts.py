"""What one turn of a conversation is made of: words, tool calls, tool results, in every shape that senders write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.observe.exact.shapes import dump, parse

_TEXT_PARTS: Final = ("text", "input_text", "output_text", "refusal")
CALL_PARTS: Final = (
    "tool_call",
    "tool_use",
    "tool-call",
    "function_call",
    "server_tool_call",
    "mcp_call",
    "server_tool_use",
)
RESULT_PARTS: Final = (
    "tool_call_response",
    "tool_result",
    "tool-result",
    "function_call_output",
    "server_tool_call_response",
)
#: Names under which a part holds what a tool said.
_RESULTS: Final = ("toolResult", "functionResponse", "toolResponse")


@dataclass(slots=True)
class Message:
    """One turn: who, what in words, which tools it asks for, what it brings back from a tool."""

    role: str
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)


def add_calls(said: Message, value: Any) -> None:
    value = parse(value) if isinstance(value, str) else value
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and (call := call_of(_unwrap(item))) is not None:
            said.tool_calls.append(call)


def _unwrap(part: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    for name in ("message_content", "tool_call", "toolUse", "functionCall", "function_call", "toolRequest"):
        inner = part.get(name)
        if isinstance(inner, dict) and depth < 3:
            return {"type": "tool_call", **inner} if name != "message_content" else _unwrap(inner, depth + 1)
    return part


def say(said: Message, content: Any) -> None:
    """Add the words, tool calls and tool results of a content."""
    if isinstance(content, str):
        if content.strip() == "[]":  # no parts of a kind that the sender can tell
            return
        parsed = parse(content) if content.lstrip()[:2] in ("[{", "[\n") else content
        if not (isinstance(parsed, list) and all(isinstance(part, dict) and _is_part(part) for part in parsed)):
            said.text = _join(said.text, content)
            return
        inner = Message(said.role)
        say(inner, parsed)
        if not (inner.text or inner.tool_calls or inner.results):  # the words themselves happen to be JSON
            said.text = _join(said.text, content)
            return
        content = parsed
    if isinstance(content, dict) and isinstance(content.get("parts"), list):  # Google's content
        content = content["parts"]
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            said.text = _join(said.text, part)
        elif isinstance(part, dict):
            _part(said, _unwrap(part))


def _is_part(part: dict[str, Any]) -> bool:
    return "type" in part or any(
        name in part for name in ("text", "toolUse", "toolResult", "functionCall", "toolRequest")
    )


def _part(said: Message, part: dict[str, Any]) -> None:
    kind = part.get("type")
    call = call_of(part) if kind in CALL_PARTS or _asked(part) else None
    if call is not None:
        said.tool_calls.append(call)
    elif kind in RESULT_PARTS or any(name in part for name in _RESULTS):
        said.results.append(_result(part))
    elif kind in _TEXT_PARTS or kind is None:
        for name in ("text", "content", "refusal"):
            if isinstance(part.get(name), str):
                said.text = _join(said.text, part[name])
                return


def _asked(part: dict[str, Any]) -> bool:
    """OpenAI's tool call (not the definition of a tool) where parts stand."""
    function = part.get("function")
    return isinstance(function, dict) and "arguments" in function


def _result(part: dict[str, Any]) -> dict[str, Any]:
    inner = next((part[name] for name in _RESULTS if part.get(name)), part)
    for name in ("response", "result", "output", "content"):
        if isinstance(inner, dict) and name in inner:
            return {
                "id": _first(inner, "id", "tool_use_id", "toolCallId", "call_id", "toolUseId", "ref"),
                "result": inner[name],
            }
    return {"id": "", "result": None}


def call_of(part: dict[str, Any]) -> dict[str, Any] | None:
    part = _unwrap(part)
    function = part.get("function")
    inner = {**part, **function} if isinstance(function, dict) else part
    if isinstance(inner.get("function.name"), str):
        inner = {**inner, "name": inner["function.name"], "arguments": inner.get("function.arguments")}
    name = _first(inner, "name", "toolName", "tool_name")
    if not name:
        return None
    arguments: Any = next((inner[k] for k in ("arguments", "args", "input") if inner.get(k) is not None), None)
    if isinstance(arguments, str):
        arguments = parse(arguments)
    return {
        "id": _first(inner, "call_id", "id", "toolCallId", "tool_call_id", "toolUseId", "ref"),
        "name": name,
        "arguments": arguments,
    }


def _first(value: dict[str, Any], *names: str) -> str:
    return next((value[name] for name in names if isinstance(value.get(name), str) and value[name]), "")


def unique(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: set[str] = set()
    out = []
    for call in calls:
        mark = call["id"] or dump(call)
        if mark not in seen:
            seen.add(mark)
            out.append(call)
    return out


def _join(one: str, other: str) -> str:
    return f"{one}\n{other}" if one and other else one or other
