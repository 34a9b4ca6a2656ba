"""Turns of a conversation, found in whatever holds them.

A value is *messages* when it is, as JSON, one of: a message; a list of messages (also nested once more); a map that
holds one of those under a name in _HOLDERS. A message is a map with a role (or a known type) and something said.
"""

from __future__ import annotations

from typing import Any, Final

from homeostat.observe.dialects.marks import MESSAGE_EVENTS
from homeostat.observe.exact.parts import CALL_PARTS, RESULT_PARTS, Message, add_calls, say, unique
from homeostat.observe.exact.shapes import parse

_ROLES: Final = {
    "human": "user", "humanmessage": "user", "user": "user", "usermessage": "user", "input": "user",
    "ai": "assistant", "aimessage": "assistant", "aimessagechunk": "assistant", "model": "assistant",
    "assistant": "assistant", "assistantmessage": "assistant", "bot": "assistant", "chatbot": "assistant",
    "output": "assistant",
    "system": "system", "systemmessage": "system", "developer": "system",
    "tool": "tool", "toolmessage": "tool", "function": "tool", "functionmessage": "tool", "unknown": "",
}  # fmt: skip
#: Where a map holds its messages; `prompt` and `input` also as plain text of the user.
_HOLDERS: Final = (
    "messages",
    "choices",
    "candidates",
    "generations",
    "replies",
    "contents",
    "output",
    "input",
    "prompt",
    "message",
    "update",
    "inputs",
    "outputs",
)
_USER_TEXT: Final = ("prompt", "input")
_SYSTEM_TEXT: Final = ("system", "instructions", "system_prompt", "system_instruction")
_SAID: Final = ("content", "contents", "parts", "tool_calls", "function_call", "toolCalls", "text", "message")
_MAX_DEPTH: Final = 12


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


def _list(value: list[Any], depth: int) -> list[Message] | None:
    out: list[Message] = []
    known = False
    for item in value:
        found = _pair(item) or (
            messages(item, depth + 1) if isinstance(item, dict | list) or _looks_json(item) else None
        )
        if found is not None:
            known = True
            out.extend(found)
    return out if known else None


def _pair(item: Any) -> list[Message] | None:
    """LangChain's short form: ["user", "what was said"]."""
    if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item) and item[0] in _ROLES:
        return [Message(_ROLES[item[0]], item[1])]
    return None


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
            if name in ("choices", "candidates", "generations", "replies", "output", "outputs"):
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
            return [Message("user", inner)]
        if isinstance(inner, list) and inner and all(isinstance(item, str) for item in inner):
            return [Message("user", "\n".join(inner))]
    return []


def _system(value: dict[str, Any]) -> list[Message]:
    for name in _SYSTEM_TEXT:
        inner = value.get(name)
        if inner and isinstance(inner, str | list | dict):
            said = Message("system")
            say(said, inner)
            return [said] if said.text else []
    return []


def _message(value: dict[str, Any], depth: int = 0) -> Message | None:
    """The turn that a map tells, or None when it is none."""
    if depth > _MAX_DEPTH:
        return None
    for wrapper in ("message", "delta", "content"):  # a choice, a generation, Google's candidate
        inner = value.get(wrapper)
        if isinstance(inner, dict) and "role" not in value and (found := _message(inner, depth + 1)) is not None:
            return found
    data = value.get("data")
    if isinstance(data, dict) and value.get("type") in ("human", "ai", "system", "tool"):  # LangChain's message dicts
        return _message({**data, "role": value["type"]}, depth + 1)
    kwargs = value.get("kwargs")
    if isinstance(kwargs, dict) and isinstance(value.get("id"), list) and value["id"]:  # LangChain's serialised form
        return _message({**kwargs, "role": str(value["id"][-1])}, depth + 1)
    kind = value.get("type")
    if kind in CALL_PARTS or kind in RESULT_PARTS:
        said = Message("assistant" if kind in CALL_PARTS else "tool")
        say(said, [value])
        return said
    if kind == "reasoning" and "role" not in value:
        return Message("assistant")
    role = _role(value)
    if not role or not any(name in value for name in _SAID):
        return None
    word = role.rsplit(".", 1)[-1].lower()
    said = Message(_ROLES.get(word, word))
    if said.role == "user" and value.get("tool_call_id"):  # Anthropic's way to bring back what a tool said
        said.role = "tool"
    for name in ("content", "parts", "contents", "text", "message"):
        say(said, value.get(name))
        if said.text and name in ("content", "parts", "contents"):
            break
    if not said.tool_calls or value.get("tool_calls") or value.get("contents"):
        for name in ("contents", "tool_calls", "toolCalls", "function_call"):
            add_calls(said, value.get(name))
    said.tool_calls = unique(said.tool_calls)
    return said


def _role(value: dict[str, Any]) -> str:
    """Who speaks: as told, else as the rest of the map lets us know; empty: it is no turn."""
    role, kind = value.get("role"), value.get("type")
    if isinstance(role, str):
        return role
    if isinstance(kind, str) and kind.lower() in _ROLES:
        return kind
    if isinstance(kind, str) and kind.endswith("Message") and isinstance(value.get("source"), str):  # AutoGen's
        return "user" if value["source"] == "user" else "assistant"
    if (
        kind == "message"
        or ("tool_calls" in value and "content" in value)
        or ("toolCalls" in value and "text" in value)
    ):
        return "assistant"
    if isinstance(value.get("text"), str) and ("finish_reason" in value or "generation_info" in value):
        return "assistant"
    return "user" if isinstance(value.get("parts"), list) else ""


def event_message(name: str, attributes: dict[str, Any]) -> Message:
    """The turn that an event of the older conventions tells (its attributes and its body, together)."""
    inner = attributes.get("message")
    inner = parse(inner) if isinstance(inner, str) else inner
    if isinstance(inner, dict) and "content" not in attributes:
        beside = {"tool_calls": attributes["tool_calls"]} if "tool_calls" in attributes else {}  # some put them here
        found = _message({"role": MESSAGE_EVENTS[name], **beside, **inner})
    else:
        said = attributes.get("content", inner if inner is not None else attributes.get("body"))
        found = _message({**attributes, "role": attributes.get("role") or MESSAGE_EVENTS[name], "content": said})
    message = found or Message(MESSAGE_EVENTS[name])
    if name in ("gen_ai.choice", "gen_ai.assistant.message"):
        message.role = "assistant"
    message.tool_calls = unique(message.tool_calls)
    return message
