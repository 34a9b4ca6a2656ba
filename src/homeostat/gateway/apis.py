"""The APIs that clients may speak to the gateway, and how each of them says that something failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

Family = Literal["openai", "anthropic", "plain"]


@dataclass(frozen=True, slots=True)
class Api:
    """One route of the gateway. `captured`: a call of it is an exchange."""

    name: str
    method: str
    path: str
    family: Family
    captured: bool = True
    operation: str = "chat"


APIS: Final = (
    Api("chat", "POST", "/v1/chat/completions", "openai"),
    Api("responses", "POST", "/v1/responses", "openai"),
    Api("embeddings", "POST", "/v1/embeddings", "openai", operation="embeddings"),
    Api("messages", "POST", "/v1/messages", "anthropic"),
    Api("count_tokens", "POST", "/v1/messages/count_tokens", "anthropic", captured=False),
    Api("models", "GET", "/v1/models", "openai", captured=False),
    Api("generate", "POST", "/generate", "plain"),
)
BY_ROUTE: Final = {(api.method, api.path): api for api in APIS}
MODELS: Final = BY_ROUTE["GET", "/v1/models"]

_OPENAI_TYPES: Final = {
    400: "invalid_request_error",
    404: "invalid_request_error",
    408: "timeout_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES: Final = {
    400: "invalid_request_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def failure(family: Family, status: int, code: str, message: str) -> bytes:
    """The body of an error as clients of this API read it."""
    if family == "openai":
        kind = _OPENAI_TYPES.get(status, "server_error")
        return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})
    if family == "anthropic":
        kind = _ANTHROPIC_TYPES.get(status, "api_error")
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message, "code": code}})
    return msgspec.json.encode({"error": {"code": code, "message": message}})


def failure_event(api: Api, code: str, message: str) -> bytes:
    """The same inside a stream that has begun."""
    if api.name == "responses":
        inner = {"message": message, "type": "server_error", "code": code}
        said = {"type": "error", "code": code, "message": message, "param": None, "sequence_number": 0, "error": inner}
        return b"event: error\ndata: " + msgspec.json.encode(said) + b"\n\n"
    data = failure(api.family, 502, code, message)
    if api.family == "anthropic":
        return b"event: error\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
