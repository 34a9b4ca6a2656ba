"""`POST /generate`: the plain shape, for scripts that know no provider: `{"prompt"}` in, `{"generated_text"}` out."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from homeostat.doors.answers import Refused
from homeostat.gateway.apis import BY_ROUTE, Api
from homeostat.gateway.upstreams import Kind

_CHAT: Final = BY_ROUTE["POST", "/v1/chat/completions"]
_MESSAGES: Final = BY_ROUTE["POST", "/v1/messages"]
#: Anthropic wants a limit; a script that names none gets this one.
_TOKENS: Final = 1024
_NOT_OURS: Final = ("prompt", "system_message", "stream")


def checked(body: bytes, model: str) -> bytes:
    """The request with its model filled in; raises `Refused` when it is none."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, 'The body must be JSON: {"prompt": "...", "temperature"?, "max_tokens"?}.') from None
    if not isinstance(said, dict) or not isinstance(said.get("prompt"), str):
        raise Refused(400, 'The body must be a JSON object with a text under "prompt".')
    if not said.get("model") and model:
        said["model"] = model
    return msgspec.json.encode(said)


def request(kind: Kind, body: bytes) -> tuple[Api, bytes]:
    """The same in the words of a provider."""
    said: dict[str, Any] = msgspec.json.decode(body)
    kept = {name: value for name, value in said.items() if name not in _NOT_OURS and value is not None}
    system, asked = said.get("system_message"), [{"role": "user", "content": said["prompt"]}]
    if kind == "anthropic":
        more = {"system": system} if system else {}
        return _MESSAGES, msgspec.json.encode({"max_tokens": _TOKENS, **kept, **more, "messages": asked})
    first = [{"role": "system", "content": system}] if system else []
    return _CHAT, msgspec.json.encode({**kept, "messages": first + asked})


def answer(body: bytes) -> bytes | None:
    """The text of a provider's answer in our shape; None: there is none."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    text = _text(said) if isinstance(said, dict) else None
    return None if text is None else msgspec.json.encode({"generated_text": text})


def error(body: bytes) -> str:
    """What a provider says went wrong."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    inner = said.get("error") if isinstance(said, dict) else None
    message = inner.get("message") if isinstance(inner, dict) else inner
    return message if isinstance(message, str) and message else "The upstream refused this."


def _text(said: dict[str, Any]) -> str | None:
    choices = said.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        message = choices[0].get("message")
        content = message.get("content") if isinstance(message, dict) else None
        return content if isinstance(content, str) else _joined(content)
    return _joined(said.get("content"))


def _joined(parts: Any) -> str | None:
    if not isinstance(parts, list):
        return None
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))
