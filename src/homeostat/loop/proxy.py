"""The way to the core: whatever the edge does not answer itself is streamed over the core's unix socket and back.

One connection per request, closed at its end: a local socket costs nothing, and a core that died cannot leave half a
conversation behind. Bytes flow both ways as they come, so server-sent events arrive at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import httptools

from homeostat.doors.answers import Receive, Refused, Scope, Send, refused_plainly

Headers = list[tuple[bytes, bytes]]

#: Headers that belong to one connection, not to the message; and those that our own server writes.
_HOPS: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade", b"expect")
)  # fmt: skip
#: Who is asking: the credential, and the project where none is needed.
_WHO: Final = frozenset((b"authorization", b"x-api-key", b"x-homeostat-project"))
_OURS: Final = frozenset((b"date", b"server"))
_CONNECT_SECONDS: Final = 1.0
#: Longest wait for the first line of an answer: setting the world clock may load a month before it answers.
_PATIENCE_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 1.0
_SILENT_LOOKS: Final = 5
_PIECE: Final = 64 << 10


class _Answer:
    """What the core said so far; the parser calls it back."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.parts: list[bytes] = []
        self.headed = False
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read a piece of the answer."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.headed = True

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        self.complete = True

    def taken(self) -> bytes:
        """The part of the body that arrived since the last call."""
        body, self.parts = b"".join(self.parts), []
        return body


class Core:
    """The core as seen from the edge."""

    def __init__(self, path: Path, body_limit: int) -> None:
        self._socket = str(path)
        self._body_limit = body_limit
        self._looked = float("-inf")
        self._alive = False

    def alive(self) -> bool:
        """Does somebody listen there? Looked up once a second at most."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            with socket.socket(socket.AF_UNIX) as probe:
                probe.setblocking(False)
                self._alive = probe.connect_ex(self._socket) in (0, errno.EAGAIN)
        return self._alive

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Stream one request to the core and its answer back; returns the status that was sent."""
        try:
            length = _declared_length(scope["headers"])
            if length > self._body_limit:
                raise Refused(413, f"The body is larger than {self._body_limit} bytes.")
            reader, writer = await self._connect()
            try:
                writer.write(_head(scope, has_body=length >= 0))
                return await self._exchange(scope, receive, send, reader, writer)
            finally:
                writer.close()
        except Refused as refusal:
            hint = "homeostat doctor" if refusal.status == 503 else "Send less at once."
            await refused_plainly(send, refusal, hint=hint)
            return refusal.status

    async def fetch(self, path: str, seconds: float, headers: Iterable[tuple[bytes, bytes]] = ()) -> tuple[int, bytes]:
        """Ask the core something small, as whoever these headers come from; status 0: no answer in time."""
        return await self.ask("GET", path, seconds, headers=headers)

    async def ask(
        self, method: str, path: str, seconds: float, *, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
    ) -> tuple[int, bytes]:
        """The same with any method, and a JSON body. Without an answer it may have been done, or be done later."""
        answer = _Answer()
        said = b""
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await self._connect()
                try:
                    lines = [b"%b %b HTTP/1.1" % (method.encode(), path.encode("latin-1"))]
                    lines += [b"host: localhost", b"connection: close"]
                    lines += [name + b": " + value for name, value in headers if name.lower() in _WHO]
                    if body:
                        lines += [b"content-type: application/json", b"content-length: %d" % len(body)]
                    writer.write(b"\r\n".join((*lines, b"", body)))
                    while not answer.complete and (data := await reader.read(_PIECE)):
                        answer.feed(data)
                        said += answer.taken()
                finally:
                    writer.close()
        except (TimeoutError, OSError, Refused, httptools.HttpParserError):
            return 0, b""
        return answer.status, said

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_unix_connection(self._socket)
        except (OSError, TimeoutError) as error:
            raise _away("The core is not running; accepted data waits in the spool.") from error

    async def _exchange(
        self, scope: Scope, receive: Receive, send: Send, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> int:
        """Both directions at once. A client that leaves ends the core's work too."""
        upload = asyncio.create_task(self._upload(receive, writer, chunked=_is_chunked(scope["headers"])))
        headed = asyncio.Event()
        download = asyncio.create_task(_download(scope["method"], send, reader, headed))
        watch = asyncio.create_task(self._watch(headed))
        try:
            await asyncio.wait((upload, download, watch), return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and not headed.is_set() and not download.done():
                watch.result()
            if not download.done():
                upload.result()  # raises when the body was too large; else the client left
                return 0
            return download.result()
        finally:
            for task in (upload, download, watch):
                task.cancel()
            await asyncio.gather(upload, download, watch, return_exceptions=True)

    async def _watch(self, headed: asyncio.Event) -> None:
        """A question may take long, a core that hangs may not: ask it for a sign of life until the answer begins."""
        silent = 0
        while not headed.is_set() and silent < _SILENT_LOOKS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await headed.wait()
                    break
            status, _ = await self.fetch("/healthz", _LOOK_SECONDS)
            silent = silent + 1 if status == 0 else 0
        if headed.is_set():
            await asyncio.Event().wait()  # from here on the answer itself is the sign
        raise _away("The core hangs: it gives no sign of life.")

    async def _upload(self, receive: Receive, writer: asyncio.StreamWriter, *, chunked: bool) -> None:
        """Send the body on; returns when the client has left."""
        sent = 0
        while (message := await receive())["type"] == "http.request":
            part = message.get("body", b"")
            sent += len(part)
            if sent > self._body_limit:
                raise Refused(413, f"The body is larger than {self._body_limit} bytes.")
            try:
                if part:
                    writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
                if chunked and not message.get("more_body"):
                    writer.write(b"0\r\n\r\n")
                await writer.drain()
            except OSError:
                # The core closed its side: its answer, or the end of it, tells why.
                await asyncio.Event().wait()


async def _download(method: str, send: Send, reader: asyncio.StreamReader, headed: asyncio.Event) -> int:
    answer = _Answer()
    started = False
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS) as patience:
            while not answer.complete and (data := await reader.read(_PIECE)):
                answer.feed(data)
                if answer.headed and not started:
                    started = True
                    headed.set()
                    patience.reschedule(None)
                    headers = _kept(answer.headers, drop=_OURS)
                    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                    if method == "HEAD":
                        break
                body = answer.taken()
                if body and started:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
    except (OSError, TimeoutError, httptools.HttpParserError) as error:
        if not started:
            raise _away("The core did not answer; it may be starting again.") from error
        return answer.status  # cut off: an unfinished answer is closed by the server, so the client sees it
    if not started:
        raise _away("The core did not answer; it may be starting again.")
    if answer.complete or method == "HEAD" or not _has_length(answer.headers):
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    return answer.status


def _head(scope: Scope, *, has_body: bool) -> bytes:
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"")
    target = path + b"?" + query if query else path
    lines = [b"%b %b HTTP/1.1" % (scope["method"].encode(), target)]
    lines += [name + b": " + value for name, value in _kept(scope["headers"])]
    if has_body and _is_chunked(scope["headers"]):
        lines.append(b"transfer-encoding: chunked")
    lines.append(b"connection: close\r\n\r\n")
    return b"\r\n".join(lines)


def _kept(headers: Iterable[tuple[bytes, bytes]], drop: frozenset[bytes] = frozenset()) -> Headers:
    """Headers without those of the connection, and without those that `Connection` names."""
    headers = [(name.lower(), value) for name, value in headers]
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")}
    # What decides framing and identity is never a connection's own affair, whatever `Connection` says.
    away = (_HOPS | drop | named) - {b"content-length", b"host", b"authorization", b"x-api-key", b"cookie"}
    return [(name, value) for name, value in headers if name not in away]


def _declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Bytes of the body that come; 0 when unknown; -1 without a body."""
    length = -1
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            length = int(value[:20])
        elif name == b"transfer-encoding":
            return 0
    return length


def _is_chunked(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" for name, _ in headers)


def _has_length(headers: Headers) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


def _away(message: str) -> Refused:
    return Refused(503, message, "core_away")
