"""What was asked, as messages in the words of OpenTelemetry's GenAI conventions, whichever API carried it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from homeostat.gateway.apis import Api

Message = dict[str, Any]

#: Parameters of a request by the names that providers give them, and the attribute that tells each.
PARAMETERS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "reasoning_effort": "gen_ai.request.reasoning.effort",
    "service_tier": "openai.request.service_tier",
}
_ROLES: Final = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}


def read(body: bytes) -> dict[str, Any]:
    """The request as a map; empty when it is none."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def messages(api: Api, said: dict[str, Any]) -> list[Message]:
    """The conversation, system prompt first."""
    if api.name == "embeddings":
        return _said("user", _inputs(said.get("input")))
    if api.name == "responses":
        return [*_said("system", said.get("instructions")), *_items(said.get("input"))]
    system = _said("system", said.get("system")) if api.family == "anthropic" else []
    turns = said.get("messages")
    found = [_turn(turn) for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    return [*system, *found]


def parts(content: Any) -> list[dict[str, Any]]:
    """The parts of a content: a text, or a list of typed parts in any provider's words."""
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    return [_part(part) for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def tool_call(id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """A tool that the model wants called."""
    return {"type": "tool_call", "id": id, "name": name, "arguments": arguments}


def _said(role: str, content: Any) -> list[Message]:
    found = parts(content)
    return [{"role": role, "parts": found}] if found else []


def _turn(turn: dict[str, Any]) -> Message:
    role = str(turn.get("role") or "user")
    if role == "tool":
        return {"role": "tool", "parts": [_result(turn.get("tool_call_id"), turn.get("content"))]}
    found = parts(turn.get("content"))
    calls = turn.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            found.append(tool_call(call.get("id"), function.get("name"), function.get("arguments")))
    if found and all(part["type"] == "tool_call_response" for part in found):
        role = "tool"  # Anthropic's way to bring back what a tool said
    return {"role": role, "parts": found}


def _items(said: Any) -> list[Message]:
    """The input of the Responses API: a text, or items."""
    if not isinstance(said, list):
        return _said("user", said)
    found: list[Message] = []
    for item in said:
        if not isinstance(item, dict):
            continue
        kind = item.get("type")
        if kind == "function_call":
            call = tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))
            found.append({"role": "assistant", "parts": [call]})
        elif kind == "function_call_output":
            found.append({"role": "tool", "parts": [_result(item.get("call_id"), item.get("output"))]})
        elif item.get("role"):
            found.append({"role": str(item["role"]), "parts": parts(item.get("content"))})
    return found


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = str(part.get("type") or "text")
    if isinstance(part.get("text"), str) and kind in ("text", "input_text", "output_text"):
        return {"type": "text", "content": part["text"]}
    if kind == "refusal":
        return {"type": "text", "content": str(part.get("refusal") or "")}
    if kind == "tool_use":
        return tool_call(part.get("id"), part.get("name"), part.get("input"))
    if kind == "tool_result":
        return _result(part.get("tool_use_id"), part.get("content"))
    if kind == "thinking":
        return {"type": "reasoning", "content": str(part.get("thinking") or "")}
    return {"type": kind}  # images, sound, files: that they were there, never their bytes


def _result(id: Any, content: Any) -> dict[str, Any]:
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if isinstance(part, dict) and part.get("type") == "text")
    return {"type": "tool_call_response", "id": id, "response": content}


def _inputs(said: Any) -> Any:
    """What is embedded: one text, several, or token numbers, which say nothing to a reader."""
    if isinstance(said, list):
        return "\n".join(text for text in said if isinstance(text, str))
    return said
