"""Conversations in every shape that senders write: what the user said last, what was answered, which tools were asked.

A value is *messages* when it is, as JSON, one of: a message; a list of messages (also nested once more); a map that
holds one of those under a name in _HOLDERS. A message is a map with a role (or a known type) and something said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.observe.dialects.marks import MESSAGE_EVENTS
from homeostat.observe.exact.shapes import dump, parse

_ROLES: Final = {
    "human": "user", "humanmessage": "user", "user": "user", "input": "user",
    "ai": "assistant", "aimessage": "assistant", "aimessagechunk": "assistant", "model": "assistant",
    "assistant": "assistant", "bot": "assistant", "chatbot": "assistant", "output": "assistant",
    "system": "system", "systemmessage": "system", "developer": "system",
    "tool": "tool", "toolmessage": "tool", "function": "tool", "functionmessage": "tool",
}  # fmt: skip
#: Where a map holds its messages; `prompt` and `input` also as plain text of the user.
_HOLDERS: Final = (
    "messages",
    "choices",
    "candidates",
    "generations",
    "contents",
    "output",
    "input",
    "prompt",
    "message",
)
_USER_TEXT: Final = ("prompt", "input")
_SYSTEM_TEXT: Final = ("system", "instructions", "system_prompt", "system_instruction")
_SAID: Final = ("content", "contents", "parts", "tool_calls", "function_call", "toolCalls", "text", "message")
_TEXT_PARTS: Final = ("text", "input_text", "output_text", "refusal")
_CALL_PARTS: Final = (
    "tool_call",
    "tool_use",
    "tool-call",
    "function_call",
    "server_tool_call",
    "mcp_call",
    "server_tool_use",
)
_RESULT_PARTS: Final = (
    "tool_call_response",
    "tool_result",
    "tool-result",
    "function_call_output",
    "server_tool_call_response",
)
_MAX_DEPTH: Final = 12


@dataclass(slots=True)
class Message:
    """One turn: who, what in words, which tools it asks for, what it brings back from a tool."""

    role: str
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    raw: Any = None


def messages(value: Any, depth: int = 0) -> list[Message] | None:
    """The turns that a value tells, or None when it is not messages."""
    if isinstance(value, str):
        parsed = parse(value)
        return None if isinstance(parsed, str) or depth > _MAX_DEPTH else messages(parsed, depth + 1)
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return _list(value, depth)
    if isinstance(value, dict):
        return _map(value, depth)
    return None


def last_user(value: Any) -> str:
    """Text of the last user message; of what is not messages, its plain text."""
    found = messages(value)
    if found is None:
        return plain(value)
    return next((m.text for m in reversed(found) if m.role == "user" and m.text), "")


def answer_text(value: Any) -> str:
    """Text of the last assistant message after the last question; of what is not messages, its plain text."""
    found = messages(value)
    if found is None:
        return plain(value)
    return next((m.text for m in reversed(trailing(found)) if m.text), "")


def tool_calls(value: Any) -> list[dict[str, Any]]:
    """What the answer asks tools to do, each once: {id, name, arguments}."""
    found = messages(value)
    if found is None:
        parsed = parse(value) if isinstance(value, str) else value
        bare = [_call(item) for item in parsed if isinstance(item, dict)] if isinstance(parsed, list) else []
        return _unique([call for call in bare if call is not None])
    return _unique([call for m in trailing(found) for call in m.tool_calls])


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
    "completion", "generated_text", "inputs", "outputs", "return_value",
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
        return "\n".join(text for text in (parse(item) for item in value) if isinstance(text, str))
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
    return _inner_text(kwargs, depth + 1) if isinstance(kwargs, dict) else ""


def _list(value: list[Any], depth: int) -> list[Message] | None:
    out: list[Message] = []
    known = False
    for item in value:
        found = messages(item, depth + 1) if isinstance(item, dict | list) or _looks_json(item) else None
        if found is not None:
            known = True
            out.extend(found)
    return out if known else None


def _looks_json(item: Any) -> bool:
    return isinstance(item, str) and item.lstrip()[:1] == "{"


def _map(value: dict[str, Any], depth: int) -> list[Message] | None:
    event = value.get("event.name") or value.get("event_name")
    if isinstance(event, str) and event in MESSAGE_EVENTS:
        return [event_message(event, value)]
    single = _message(value)
    if single is not None:
        return [single]
    for name in _HOLDERS:
        inner = value.get(name)
        if inner is None or (name in _USER_TEXT and not isinstance(inner, dict | list)):
            continue
        found = messages(inner, depth + 1)
        if found is not None:
            if name in ("choices", "candidates", "generations", "output"):
                for message in found:
                    message.role = message.role or "assistant"
            return _system(value) + found
    return _system(value) + _asked(value) if _asked(value) else None


def _asked(value: dict[str, Any]) -> list[Message]:
    """A request whose prompt is plain text: {"model", "input"} or {"system", "prompt"}."""
    if not any(name in value for name in ("model", "system", "instructions", "prompt")):
        return []
    for name in _USER_TEXT:
        inner = value.get(name)
        if isinstance(inner, str) and inner:
            return [Message("user", inner, raw=inner)]
        if isinstance(inner, list) and inner and all(isinstance(item, str) for item in inner):
            return [Message("user", "\n".join(inner), raw=inner)]
    return []


def _system(value: dict[str, Any]) -> list[Message]:
    for name in _SYSTEM_TEXT:
        inner = value.get(name)
        if inner and isinstance(inner, str | list | dict):
            said = Message("system", raw=inner)
            say(said, inner)
            return [said] if said.text else []
    return []


def _message(value: dict[str, Any]) -> Message | None:
    """The turn that a map tells, or None when it is none."""
    for wrapper in ("message", "delta", "content"):  # a choice, a generation, Google's candidate
        inner = value.get(wrapper)
        if isinstance(inner, dict) and "role" not in value and (found := _message(inner)) is not None:
            return found
    data = value.get("data")
    if isinstance(data, dict) and value.get("type") in ("human", "ai", "system", "tool"):  # LangChain's message dicts
        return _message({**data, "role": value["type"]})
    kwargs = value.get("kwargs")
    if isinstance(kwargs, dict) and isinstance(value.get("id"), list) and value["id"]:  # LangChain's serialised form
        return _message({**kwargs, "role": str(value["id"][-1])})
    kind = value.get("type")
    if kind in _CALL_PARTS or kind in _RESULT_PARTS:
        said = Message("assistant" if kind in _CALL_PARTS else "tool", raw=value)
        say(said, [value])
        return said
    if kind == "reasoning" and "role" not in value:
        return Message("assistant", raw=value)
    role = value.get("role")
    if not isinstance(role, str):
        role = kind if isinstance(kind, str) and kind.lower() in _ROLES else ""
        if not role and "tool_calls" in value and "content" in value:
            role = "assistant"
        if not role and kind == "message":
            role = "assistant"
        if not role and isinstance(value.get("text"), str) and ("finish_reason" in value or "generation_info" in value):
            role = "assistant"
        if not role and isinstance(value.get("parts"), list):
            role = "user"
    if not role or not any(name in value for name in _SAID):
        return None
    word = role.rsplit(".", 1)[-1].lower()
    said = Message(_ROLES.get(word, word), raw=value)
    for name in ("content", "parts", "contents", "text", "message"):
        say(said, value.get(name))
        if said.text and name in ("content", "parts", "contents"):
            break
    if not said.tool_calls or value.get("tool_calls") or value.get("contents"):
        for name in ("contents", "tool_calls", "toolCalls", "function_call"):
            _more_calls(said, value.get(name))
    said.tool_calls = _unique(said.tool_calls)
    return said


def event_message(name: str, attributes: dict[str, Any]) -> Message:
    """The turn that an event of the older conventions tells (its attributes and its body, together)."""
    inner = attributes.get("message")
    inner = parse(inner) if isinstance(inner, str) else inner
    if isinstance(inner, dict) and "content" not in attributes:
        found = _message({"role": MESSAGE_EVENTS[name], **inner})
    else:
        said = attributes.get("content", inner if inner is not None else attributes.get("body"))
        found = _message({**attributes, "role": attributes.get("role") or MESSAGE_EVENTS[name], "content": said})
    message = found or Message(MESSAGE_EVENTS[name])
    if name in ("gen_ai.choice", "gen_ai.assistant.message"):
        message.role = "assistant"
    message.tool_calls = _unique(message.tool_calls)
    return message


def _more_calls(said: Message, value: Any) -> None:
    value = parse(value) if isinstance(value, str) else value
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and (call := _call(_unwrap(item))) is not None:
            said.tool_calls.append(call)


def _unwrap(part: dict[str, Any]) -> dict[str, Any]:
    for name in ("message_content", "tool_call", "toolUse", "functionCall"):
        inner = part.get(name)
        if isinstance(inner, dict):
            return {"type": "tool_call", **inner} if name != "message_content" else _unwrap(inner)
    return part


def say(said: Message, content: Any) -> None:
    """Add the words, tool calls and tool results of a content."""
    if isinstance(content, str):
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
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            said.text = _join(said.text, part)
        elif isinstance(part, dict):
            _part(said, _unwrap(part))


def _is_part(part: dict[str, Any]) -> bool:
    return "type" in part or any(name in part for name in ("text", "toolUse", "toolResult", "functionCall"))


def _part(said: Message, part: dict[str, Any]) -> None:
    kind = part.get("type")
    call = _call(part) if kind in _CALL_PARTS else None
    if call is not None:
        said.tool_calls.append(call)
    elif kind in _RESULT_PARTS or "toolResult" in part or "functionResponse" in part:
        said.results.append(_result(part))
    elif kind in _TEXT_PARTS or kind is None:
        for name in ("text", "content", "refusal"):
            if isinstance(part.get(name), str):
                said.text = _join(said.text, part[name])
                return


def _result(part: dict[str, Any]) -> dict[str, Any]:
    inner = part.get("toolResult") or part.get("functionResponse") or part
    for name in ("response", "result", "output", "content"):
        if isinstance(inner, dict) and name in inner:
            return {
                "id": _first(inner, "id", "tool_use_id", "toolCallId", "call_id", "toolUseId"),
                "result": inner[name],
            }
    return {"id": "", "result": None}


def _call(part: dict[str, Any]) -> dict[str, Any] | None:
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
        "id": _first(inner, "call_id", "id", "toolCallId", "tool_call_id", "toolUseId"),
        "name": name,
        "arguments": arguments,
    }


def _first(value: dict[str, Any], *names: str) -> str:
    return next((value[name] for name in names if isinstance(value.get(name), str) and value[name]), "")


def _unique(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
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
