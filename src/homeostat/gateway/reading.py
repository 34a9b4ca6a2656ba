"""What was answered: whole or streamed, in any of the APIs, as far as it came."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from homeostat.gateway.apis import Api
from homeostat.gateway.asking import parts, tool_call

_MOST_INFLATED: Final = 32 << 20
_DONE: Final = b"[DONE]"


@dataclass(slots=True)
class Turn:
    """One answer of several that a call may ask for, piece by piece."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    finish: str = ""

    def message(self) -> dict[str, Any]:
        """As a message of the GenAI conventions."""
        said: list[dict[str, Any]] = []
        if self.reasoning:
            said.append({"type": "reasoning", "content": "".join(self.reasoning)})
        if self.text:
            said.append({"type": "text", "content": "".join(self.text)})
        said += (tool_call(call["id"], call["name"], "".join(call["arguments"])) for call in self.calls.values())
        found: dict[str, Any] = {"role": "assistant", "parts": said}
        return found | {"finish_reason": self.finish} if self.finish else found

    def call(self, index: Any) -> dict[str, Any]:
        """The tool call under a number, begun when it is new."""
        number = index if isinstance(index, int) else len(self.calls)
        return self.calls.setdefault(number, {"id": None, "name": None, "arguments": []})


@dataclass(slots=True)
class Said:
    """What an answer says, beside its turns."""

    id: str = ""
    model: str = ""
    turns: dict[int, Turn] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)
    error: str = ""
    readable: bool = False

    def turn(self, index: Any = 0) -> Turn:
        return self.turns.setdefault(index if isinstance(index, int) else 0, Turn())

    def about(self, value: dict[str, Any]) -> None:
        """Id, model and error, which every API tells under the same names."""
        self.readable = True
        self.id = _text(value.get("id")) or self.id
        self.model = _text(value.get("model")) or self.model
        if value.get("error"):
            self.error = _error(value["error"])


def read(api: Api, pieces: Iterable[bytes], *, packed: bool, streaming: bool) -> Said:
    """Read an answer."""
    data = b"".join(pieces)
    if packed:
        data = _inflated(data)
    said = Said()
    try:
        if streaming:
            for event in events(data):
                _STREAMED[api.name](said, event)
        else:
            value = msgspec.json.decode(data)
            if isinstance(value, dict):
                _WHOLE[api.name](said, value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return said
    return said


def events(data: bytes) -> Iterator[dict[str, Any]]:
    """The JSON maps in the data of server-sent events; what is no JSON is passed over."""
    for line in data.split(b"\n"):
        if not line.startswith(b"data:"):
            continue
        text = line[5:].strip()
        if text == _DONE:
            continue
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


# OpenAI, chat


def _chat(said: Said, value: dict[str, Any]) -> None:
    said.about(value)
    _usage(said, value.get("usage"))
    for choice in _maps(value.get("choices")):
        turn = said.turn(choice.get("index"))
        turn.finish = _text(choice.get("finish_reason")) or turn.finish
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            _delta(turn, delta)


def _delta(turn: Turn, delta: dict[str, Any]) -> None:
    for name in ("content", "refusal"):
        content = delta.get(name)
        if isinstance(content, str) and content:
            turn.text.append(content)
        elif isinstance(content, list):
            turn.text += [part["content"] for part in parts(content) if part["type"] == "text"]
    for name in ("reasoning_content", "reasoning"):
        if isinstance(delta.get(name), str) and delta[name]:
            turn.reasoning.append(delta[name])
            break
    for at, call in enumerate(_maps(delta.get("tool_calls"))):
        known = turn.call(call.get("index", at))
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        known["id"] = call.get("id") or known["id"]
        known["name"] = function.get("name") or known["name"]
        known["arguments"].append(_text(function.get("arguments")))


# OpenAI, embeddings


def _embeddings(said: Said, value: dict[str, Any]) -> None:
    said.about(value)
    _usage(said, value.get("usage"))


# OpenAI, responses


def _responses(said: Said, value: dict[str, Any]) -> None:
    said.about(value)
    _usage(said, value.get("usage"))
    turn = said.turn()
    details = value.get("incomplete_details")
    status = _text(details.get("reason")) if isinstance(details, dict) else ""
    turn.finish = status or _text(value.get("status")) or turn.finish
    items = _maps(value.get("output"))
    if items:
        turn.text, turn.reasoning, turn.calls = [], [], {}
    for item in items:
        _item(turn, item)


def _item(turn: Turn, item: dict[str, Any]) -> None:
    kind = item.get("type")
    if kind == "message":
        turn.text += [part["content"] for part in parts(item.get("content")) if part["type"] == "text"]
    elif kind == "reasoning":
        turn.reasoning += [_text(part.get("text")) for part in _maps(item.get("summary"))]
    elif kind == "function_call":
        known = turn.call(None)
        known |= {"id": item.get("call_id"), "name": item.get("name"), "arguments": [_text(item.get("arguments"))]}


def _responses_event(said: Said, event: dict[str, Any]) -> None:
    kind = _text(event.get("type"))
    whole = event.get("response")
    if isinstance(whole, dict):
        _responses(said, whole)
    elif kind in ("response.output_text.delta", "response.refusal.delta"):
        said.turn().text.append(_text(event.get("delta")))
    elif kind == "response.output_item.done":
        item = event.get("item")
        if isinstance(item, dict) and item.get("type") != "message":
            _item(said.turn(), item)
    elif kind == "error":
        said.error = _error(event.get("error") or event)
        said.readable = True


# Anthropic


def _messages(said: Said, value: dict[str, Any]) -> None:
    said.about(value)
    _usage(said, value.get("usage"))
    turn = said.turn()
    turn.finish = _text(value.get("stop_reason")) or turn.finish
    for at, block in enumerate(_maps(value.get("content"))):
        _block(turn, at, block)


def _block(turn: Turn, at: Any, block: dict[str, Any]) -> None:
    kind = block.get("type")
    if kind == "text" and block.get("text"):
        turn.text.append(_text(block["text"]))
    elif kind == "thinking" and block.get("thinking"):
        turn.reasoning.append(_text(block["thinking"]))
    elif kind == "tool_use":
        known = turn.call(at)
        known |= {"id": block.get("id"), "name": block.get("name")}
        if block.get("input"):
            known["arguments"] = [msgspec.json.encode(block["input"]).decode()]


def _messages_event(said: Said, event: dict[str, Any]) -> None:
    kind = event.get("type")
    if kind == "message_start" and isinstance(event.get("message"), dict):
        _messages(said, event["message"])
    elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
        _block(said.turn(), event.get("index"), event["content_block"])
    elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
        delta = event["delta"]
        turn = said.turn()
        if isinstance(delta.get("text"), str):
            turn.text.append(delta["text"])
        elif isinstance(delta.get("thinking"), str):
            turn.reasoning.append(delta["thinking"])
        elif isinstance(delta.get("partial_json"), str):
            turn.call(event.get("index"))["arguments"].append(delta["partial_json"])
    elif kind == "message_delta":
        _usage(said, event.get("usage"))
        delta = event.get("delta")
        if isinstance(delta, dict):
            said.turn().finish = _text(delta.get("stop_reason")) or said.turn().finish
    elif kind == "error":
        said.readable = True
        said.error = _error(event.get("error"))


# What all of them share

#: Where a usage tells what, whoever wrote it.
_COUNTS: Final = (
    ("input", ("prompt_tokens",)),
    ("input", ("input_tokens",)),
    ("output", ("completion_tokens",)),
    ("output", ("output_tokens",)),
    ("cached", ("prompt_tokens_details", "cached_tokens")),
    ("cached", ("input_tokens_details", "cached_tokens")),
    ("cached", ("cache_read_input_tokens",)),
    ("written", ("cache_creation_input_tokens",)),
    ("reasoning", ("completion_tokens_details", "reasoning_tokens")),
    ("reasoning", ("output_tokens_details", "reasoning_tokens")),
)


def _usage(said: Said, usage: Any) -> None:
    if not isinstance(usage, dict):
        return
    for name, path in _COUNTS:
        value: Any = usage
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32:
            said.usage[name] = value
    if "cache_read_input_tokens" in usage and isinstance(usage.get("input_tokens"), int):
        # Anthropic counts what its cache gave apart from the input; here it is part of it.
        said.usage["input"] += said.usage.get("cached", 0) + said.usage.get("written", 0)


def _error(value: Any) -> str:
    if isinstance(value, dict):
        kind, message = _text(value.get("type") or value.get("code")), _text(value.get("message"))
        return f"{kind}: {message}" if kind and message else kind or message or "error"
    return _text(value) or "error"


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, _MOST_INFLATED)
    except zlib.error:
        return b""


_WHOLE: Final = {"chat": _chat, "responses": _responses, "embeddings": _embeddings, "messages": _messages}
_STREAMED: Final = {
    "chat": _chat,
    "responses": _responses_event,
    "embeddings": _embeddings,
    "messages": _messages_event,
}
