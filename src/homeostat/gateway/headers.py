"""Which headers go on: the client's to the upstream, the upstream's to the client. Nothing here chooses an upstream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from homeostat.doors import keys
from homeostat.gateway.apis import Api
from homeostat.gateway.upstreams import Upstream
from homeostat.gateway.wire import Headers

#: Headers of one connection, not of the message.
_HOPS: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade", b"expect")
)  # fmt: skip
#: What we write ourselves, what is between the client and us, and what only a browser would mean.
_NOT_TO_UPSTREAM: Final = _HOPS | frozenset(
    (b"host", b"content-length", b"accept-encoding", b"authorization", b"x-api-key", b"api-key", b"cookie",
     b"traceparent", b"forwarded", b"via", b"x-real-ip", b"origin", b"referer")
)  # fmt: skip
_NOT_TO_CLIENT: Final = _HOPS | frozenset(
    (b"date", b"set-cookie", b"alt-svc", b"strict-transport-security", b"public-key-pins", b"traceparent")
)  # fmt: skip
_OURS: Final = (b"x-homeostat-", b"x-forwarded-", b"sec-fetch-")
_UNSAFE: Final = (b"\r", b"\n", b"\0")


def request_head(
    api: Api,
    path: str,
    upstream: Upstream,
    client: Headers,
    *,
    default: bool,
    traceparent: bytes,
    length: int,
    gzip: bool,
) -> bytes:
    """The head of the request to the upstream. `default`: the client's own key may go on to this one."""
    lines = [b"%b %b HTTP/1.1" % (api.method.encode(), upstream.target(path)), b"host: " + upstream.authority]
    lines += [
        b"%b: %b" % (name, value)
        for name, value in _kept(client, _NOT_TO_UPSTREAM)
        if not name.startswith(_OURS) and not any(bad in value for bad in _UNSAFE)
    ]
    credential = _credential(api, upstream, client if default else ())
    if credential:
        lines.append(credential)
    lines.append(b"traceparent: " + traceparent)
    lines.append(b"accept-encoding: gzip" if gzip else b"accept-encoding: identity")
    if api.method != "GET":
        lines.append(b"content-length: %d" % length)
    return b"\r\n".join((*lines, b"", b""))


def answer_headers(upstream: Headers) -> Headers:
    """The upstream's headers as the client gets them."""
    return [(name, value) for name, value in _kept(upstream, _NOT_TO_CLIENT) if not name.startswith(b"x-homeostat-")]


def accepts_gzip(client: Headers) -> bool:
    """Whether the client can read gzip. No other packing is asked for: we could not read it ourselves."""
    for name, value in client:
        if name == b"accept-encoding":
            for part in value.lower().split(b","):
                coding, _, weight = part.partition(b";")
                if coding.strip() == b"gzip" and weight.replace(b" ", b"").rstrip(b".0") != b"q=":
                    return True
    return False


def _credential(api: Api, upstream: Upstream, client: Iterable[tuple[bytes, bytes]]) -> bytes:
    if upstream.key:
        if upstream.kind == "anthropic" and api.name in ("messages", "count_tokens"):
            return b"x-api-key: " + upstream.key.encode()
        return b"authorization: Bearer " + upstream.key.encode()
    for name, value in client:
        if name in (b"authorization", b"x-api-key", b"api-key") and not _is_ours(value):
            return name + b": " + value
    return b""


def _is_ours(value: bytes) -> bool:
    """A Homeostat key opens this server and is never sent on."""
    return keys.PREFIX in value or value[:6].lower() == b"basic "


def _kept(headers: Iterable[tuple[bytes, bytes]], drop: frozenset[bytes]) -> Headers:
    """Without those that belong to the connection, and without those that `Connection` names."""
    headers = list(headers)
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")}
    away = drop | named - {b"content-length", b"content-type", b"content-encoding"} if named else drop
    return [(name, value) for name, value in headers if name not in away]
