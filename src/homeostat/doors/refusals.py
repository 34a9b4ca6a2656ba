"""How the door says no: each reason once, answered in the words that the client reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from homeostat.doors.routes import Family


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not pass. `grpc`: the code of google.rpc.Status for OTLP clients."""

    status: int
    code: str
    message: str
    hint: str = ""
    grpc: int = 2
    headers: tuple[tuple[bytes, bytes], ...] = ()


_ASK: Final = ((b"www-authenticate", b'Bearer realm="homeostat"'),)

NO_KEY: Final = Refusal(
    401,
    "no_key",
    "A key is needed here.",
    "Send 'Authorization: Bearer hs_...'. Make a key on the server with: homeostat key create",
    16,
    _ASK,
)
BAD_KEY: Final = Refusal(
    401, "bad_key", "This key is not valid here.", "List the keys on the server with: homeostat key ls", 16, _ASK
)
EXPIRED_KEY: Final = Refusal(
    401, "expired_key", "This key has expired.", "Make a new one on the server with: homeostat key create", 16, _ASK
)
REVOKED_KEY: Final = Refusal(
    401, "revoked_key", "This key was revoked.", "Make a new one on the server with: homeostat key create", 16, _ASK
)
CANNOT_TELL: Final = Refusal(
    503,
    "keys_unavailable",
    "This key cannot be checked at the moment.",
    "The core is starting or away; try again.",
    14,
    ((b"retry-after", b"1"),),
)
OTHER_PROJECT: Final = Refusal(
    403,
    "other_project",
    "This key belongs to another project.",
    "Leave x-homeostat-project out, or send that project's key.",
    7,
)
FOREIGN_PAGE: Final = Refusal(
    403,
    "foreign_page",
    "A page of another site may not ask this.",
    "Ask from the server, or through your own server.",
    7,
)
OPERATOR_ONLY: Final = Refusal(
    403,
    "operator_only",
    "Keys cannot do this; only the operator on the machine itself can.",
    "Run the command on the server, e.g.: homeostat key create",
    7,
)
WRONG_HOST: Final = Refusal(
    421,
    "wrong_host",
    "This server does not answer to that host name.",
    "Add the name to HOMEOSTAT_ALLOWED_HOSTS if it is yours.",
    7,
)
NOT_FOUND: Final = Refusal(
    404,
    "not_found",
    "There is no such route.",
    "All routes: /api/docs. A client of OpenAI takes the base URL with /v1",
    5,
)


def lacks(scope: str) -> Refusal:
    """The key is good, but not for this."""
    return Refusal(403, "missing_scope", f"This key lacks the scope '{scope}'.", "Use a key that was made with it.", 7)


def wrong_method(methods: list[str]) -> Refusal:
    """The path is there, with other methods."""
    allow = ", ".join(methods)
    return Refusal(405, "wrong_method", f"This path takes {allow}.", "", 12, ((b"allow", allow.encode()),))


def written(refusal: Refusal, family: Family, content_type: bytes) -> tuple[bytes, bytes]:
    """(content type, body) of the answer."""
    if family == "otlp":
        text = f"{refusal.message} {refusal.hint}".strip()
        if content_type.partition(b";")[0].strip().lower() == b"application/x-protobuf":
            return b"application/x-protobuf", _status(refusal.grpc, text)
        return b"application/json", _json({"code": refusal.grpc, "message": text})
    if family != "plain":
        return b"application/json", _json(_as_provider(refusal, family))
    error = {"code": refusal.code, "message": refusal.message} | ({"hint": refusal.hint} if refusal.hint else {})
    return b"application/json", _json({"error": error})


def _as_provider(refusal: Refusal, family: Family) -> dict[str, Any]:
    """As clients of OpenAI's or Anthropic's API read it."""
    kind = _PROVIDER_TYPES.get(refusal.status, "api_error")
    error = {"type": kind, "code": refusal.code, "message": f"{refusal.message} {refusal.hint}".strip()}
    return {"type": "error", "error": error} if family == "anthropic" else {"error": {"param": None, **error}}


_PROVIDER_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _status(code: int, message: str) -> bytes:
    """google.rpc.Status: two small fields do not need the library in a process that stays small."""
    text = message.encode()
    length = bytes((len(text),)) if len(text) < 128 else bytes((len(text) & 127 | 128, len(text) >> 7))
    return b"\x08" + bytes((code,)) + b"\x12" + length + text
