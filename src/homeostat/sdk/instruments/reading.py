"""Requests and answers of the providers' APIs, as attributes. They may be maps or the clients' own objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Attributes = dict[str, Any]
_INPUT: Final = "gen_ai.input.messages"
_OUTPUT: Final = "gen_ai.output.messages"
_PARAMETERS: Final = (
    "temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty", "seed",
)  # fmt: skip
_LIMITS: Final = ("max_completion_tokens", "max_output_tokens")


def of(thing: Any, *names: str | int) -> Any:
    """What stands there, through maps, lists and objects; None when nothing does."""
    for name in names:
        if thing is None:
            return None
        if isinstance(name, int):
            thing = thing[name] if isinstance(thing, list | tuple) and len(thing) > name else None
        else:
            thing = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
    return thing


def plain(thing: Any) -> Any:
    """A client's object as a map."""
    dump = getattr(thing, "model_dump", None)
    return dump(exclude_none=True, warnings=False) if dump is not None else thing


def known(attributes: Attributes) -> Attributes:
    """Without what is not known."""
    return {key: value for key, value in attributes.items() if value not in (None, "", [])}


def asked(body: Mapping[str, Any]) -> Attributes:
    """What every request says alike."""
    found = {f"gen_ai.request.{name}": body.get(name) for name in _PARAMETERS if _is_number(body.get(name))}
    for name in _LIMITS:
        if _is_number(body.get(name)):
            found.setdefault("gen_ai.request.max_tokens", body[name])
    if body.get("stream"):
        found["gen_ai.request.stream"] = True
    model = body.get("model")
    found["gen_ai.request.model"] = model if isinstance(model, str) else None
    return known(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Chat:
    """OpenAI's chat completions."""

    operation = "chat"

    def request(self, body: Mapping[str, Any]) -> Attributes:
        return {_INPUT: body.get("messages"), "gen_ai.tool.definitions": body.get("tools")}

    def answer(self, answer: Any) -> tuple[Attributes, Attributes]:
        """What is told always, and what only when texts are."""
        choices = of(answer, "choices") or []
        reasons = [of(choice, "finish_reason") for choice in choices]
        usage = of(answer, "usage")
        told = {
            "gen_ai.response.id": of(answer, "id"),
            "gen_ai.response.model": of(answer, "model"),
            "gen_ai.response.finish_reasons": [reason for reason in reasons if reason],
            "gen_ai.usage.input_tokens": of(usage, "prompt_tokens"),
            "gen_ai.usage.output_tokens": of(usage, "completion_tokens"),
            "gen_ai.usage.cache_read.input_tokens": of(usage, "prompt_tokens_details", "cached_tokens"),
            "gen_ai.usage.reasoning.output_tokens": of(usage, "completion_tokens_details", "reasoning_tokens"),
        }
        return known(told), {_OUTPUT: [plain(of(choice, "message")) for choice in choices]}

    def parts(self) -> ChatParts:
        return ChatParts(self)


class ChatParts:
    """Chunks of a chat completion put together again."""

    def __init__(self, reading: Chat) -> None:
        self._reading = reading
        self._top: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Any) -> bool:
        """One more; True when it holds a piece of the answer."""
        for name in ("id", "model", "usage"):
            value = of(chunk, name)
            if value:
                self._top[name] = value
        told = [self._choice(choice) for choice in of(chunk, "choices") or []]
        return any(told)

    def _choice(self, choice: Any) -> bool:
        held = self._choices.setdefault(of(choice, "index") or 0, {"content": [], "calls": {}, "finish_reason": None})
        held["finish_reason"] = of(choice, "finish_reason") or held["finish_reason"]
        delta = of(choice, "delta")
        text = of(delta, "content") or of(delta, "refusal")
        if text:
            held["content"].append(text)
        calls = of(delta, "tool_calls") or []
        for call in calls:
            kept = held["calls"].setdefault(of(call, "index") or 0, {"id": "", "name": "", "arguments": ""})
            kept["id"] = of(call, "id") or kept["id"]
            kept["name"] += of(call, "function", "name") or ""
            kept["arguments"] += of(call, "function", "arguments") or ""
        return bool(text or calls)

    def answer(self) -> tuple[Attributes, Attributes]:
        choices = [self._whole(held) for _, held in sorted(self._choices.items())]
        return self._reading.answer({**self._top, "choices": choices})

    def _whole(self, held: dict[str, Any]) -> dict[str, Any]:
        calls = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in held["calls"].values()
        ]
        message = {"role": "assistant", "content": "".join(held["content"]), **({"tool_calls": calls} if calls else {})}
        return {"message": message, "finish_reason": held["finish_reason"]}


class Responses:
    """OpenAI's responses."""

    operation = "chat"

    def request(self, body: Mapping[str, Any]) -> Attributes:
        said = body.get("input")
        return {
            _INPUT: [{"role": "user", "content": said}] if isinstance(said, str) else said,
            "gen_ai.system_instructions": body.get("instructions"),
            "gen_ai.tool.definitions": body.get("tools"),
        }

    def answer(self, answer: Any) -> tuple[Attributes, Attributes]:
        usage = of(answer, "usage")
        reason = of(answer, "incomplete_details", "reason") or of(answer, "status")
        told = {
            "gen_ai.response.id": of(answer, "id"),
            "gen_ai.response.model": of(answer, "model"),
            "gen_ai.response.finish_reasons": [reason] if isinstance(reason, str) else None,
            "gen_ai.usage.input_tokens": of(usage, "input_tokens"),
            "gen_ai.usage.output_tokens": of(usage, "output_tokens"),
            "gen_ai.usage.cache_read.input_tokens": of(usage, "input_tokens_details", "cached_tokens"),
            "gen_ai.usage.reasoning.output_tokens": of(usage, "output_tokens_details", "reasoning_tokens"),
        }
        message = _message(of(answer, "output") or [])
        return known(told), {_OUTPUT: [message] if message else None}

    def parts(self) -> ResponseParts:
        return ResponseParts(self)


def _message(items: Iterable[Any]) -> dict[str, Any] | None:
    """The items of a response as one message of an assistant."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for item in items:
        if of(item, "type") == "message":
            texts += [of(part, "text") or of(part, "refusal") or "" for part in of(item, "content") or []]
        elif of(item, "type") == "function_call":
            function = {"name": of(item, "name"), "arguments": of(item, "arguments")}
            calls.append({"id": of(item, "call_id"), "type": "function", "function": function})
    if not texts and not calls:
        return None
    return {"role": "assistant", "content": "".join(texts), **({"tool_calls": calls} if calls else {})}


class ResponseParts:
    """Events of a response; the last one holds it whole."""

    def __init__(self, reading: Responses) -> None:
        self._reading = reading
        self._last: Any = None
        self._texts: list[str] = []

    def add(self, event: Any) -> bool:
        response = of(event, "response")
        if response is not None:
            self._last = response
        delta = of(event, "delta")
        if of(event, "type") == "response.output_text.delta" and isinstance(delta, str):
            self._texts.append(delta)
        return delta is not None

    def answer(self) -> tuple[Attributes, Attributes]:
        told, texts = self._reading.answer(self._last)
        if not texts[_OUTPUT] and self._texts:  # it was cut before its end
            texts = {_OUTPUT: [{"role": "assistant", "content": "".join(self._texts)}]}
        return told, texts


class Embeddings:
    """OpenAI's embeddings."""

    operation = "embeddings"

    def request(self, body: Mapping[str, Any]) -> Attributes:
        return {"input.value": body.get("input")}

    def answer(self, answer: Any) -> tuple[Attributes, Attributes]:
        told = {
            "gen_ai.response.model": of(answer, "model"),
            "gen_ai.usage.input_tokens": of(answer, "usage", "prompt_tokens"),
        }
        return known(told), {}

    def parts(self) -> None:
        return None


class Messages:
    """Anthropic's messages."""

    operation = "chat"

    def request(self, body: Mapping[str, Any]) -> Attributes:
        return {
            _INPUT: body.get("messages"),
            "gen_ai.system_instructions": body.get("system"),
            "gen_ai.tool.definitions": body.get("tools"),
        }

    def answer(self, answer: Any) -> tuple[Attributes, Attributes]:
        usage, reason = of(answer, "usage"), of(answer, "stop_reason")
        read, written = of(usage, "cache_read_input_tokens") or 0, of(usage, "cache_creation_input_tokens") or 0
        fresh = of(usage, "input_tokens")
        told = {
            "gen_ai.response.id": of(answer, "id"),
            "gen_ai.response.model": of(answer, "model"),
            "gen_ai.response.finish_reasons": [reason] if reason else None,
            # Anthropic counts cached tokens beside the input, everybody else as a part of it.
            "gen_ai.usage.input_tokens": None if fresh is None else fresh + read + written,
            "gen_ai.usage.output_tokens": of(usage, "output_tokens"),
            "gen_ai.usage.cache_read.input_tokens": read or None,
            "gen_ai.usage.cache_creation.input_tokens": written or None,
        }
        content = [plain(block) for block in of(answer, "content") or []]
        return known(told), {_OUTPUT: [{"role": "assistant", "content": content}] if content else None}

    def parts(self) -> MessageParts:
        return MessageParts(self)


class MessageParts:
    """Events of a message put together again."""

    def __init__(self, reading: Messages) -> None:
        self._reading = reading
        self._top: dict[str, Any] = {"usage": {}}
        self._blocks: dict[int, dict[str, Any]] = {}

    def add(self, event: Any) -> bool:
        kind = of(event, "type")
        if kind == "message_start":
            start = of(event, "message")
            self._top |= {"id": of(start, "id"), "model": of(start, "model")}
            self._used(of(start, "usage"))
        elif kind == "content_block_start":
            block = plain(of(event, "content_block")) or {}
            self._blocks[of(event, "index") or 0] = {**block, "text": block.get("text") or "", "json": ""}
        elif kind == "content_block_delta":
            self._delta(
                self._blocks.setdefault(of(event, "index") or 0, {"type": "text", "text": "", "json": ""}), event
            )
            return True
        elif kind == "message_delta":
            self._top["stop_reason"] = of(event, "delta", "stop_reason")
            self._used(of(event, "usage"))
        return False

    def _used(self, usage: Any) -> None:
        for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
            value = of(usage, name)
            if value is not None:
                self._top["usage"][name] = value

    def _delta(self, block: dict[str, Any], event: Any) -> None:
        block["text"] += of(event, "delta", "text") or ""
        block["json"] += of(event, "delta", "partial_json") or ""

    def answer(self) -> tuple[Attributes, Attributes]:
        content = [self._whole(block) for _, block in sorted(self._blocks.items())]
        return self._reading.answer({**self._top, "content": content})

    def _whole(self, block: dict[str, Any]) -> dict[str, Any]:
        if block.get("type") == "tool_use":
            return {"type": "tool_use", "id": block.get("id"), "name": block.get("name"), "input": block["json"] or {}}
        return {"type": block.get("type", "text"), "text": block["text"]}
