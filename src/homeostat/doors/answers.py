"""What a request hears that is not accepted, and plain JSON answers: the same words whichever room refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import msgspec

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: The word that programs compare, per status.
CODES: Final = {
    400: "bad_request",
    405: "method_not_allowed",
    408: "body_timeout",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    503: "overloaded",
}


class Refused(Exception):
    """Not accepted; `message` says what is wrong and what to do."""

    def __init__(self, status: int, message: str, code: str = "", retry_after: int = 1) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES.get(status, "refused")
        self.retry_after = retry_after

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that belong to a refusal of this status."""
        if self.status in (429, 503):
            return [(b"retry-after", str(self.retry_after).encode())]
        if self.status == 408:
            return [(b"connection", b"close")]
        if self.status == 405:
            return [(b"allow", b"POST")]
        return []


class Gone(Exception):
    """The client left before its request was complete: there is nobody to answer."""


async def send_json(send: Send, status: int, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Any JSON answer."""
    body = msgspec.json.encode(value)
    kept = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    await send({"type": "http.response.body", "body": body})


async def refused_plainly(send: Send, refusal: Refused, **more: Any) -> None:
    """The refusal as everything but OTLP says it: `{"error": {"code", "message", ...}}`."""
    error = {"code": refusal.code, "message": refusal.message, **more}
    await send_json(send, refusal.status, {"error": error}, refusal.headers)
