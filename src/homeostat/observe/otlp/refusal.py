"""A request that is not accepted: the answer's status and what the sender can do about it."""

from __future__ import annotations

from typing import Final

#: google.rpc codes that fit our HTTP answers.
RPC_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 415: 3, 422: 3, 429: 8, 503: 14}


class Refused(Exception):
    """Not accepted; `message` says what is wrong and what to do."""

    def __init__(self, status: int, message: str, code: str = "", retry_after: int = 1) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES.get(status, "refused")
        self.retry_after = retry_after


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


class Gone(Exception):
    """The client left before its request was complete: there is nobody to answer."""
