"""One connection to an upstream: a request goes out, the bytes of its answer come back as they arrive."""

from __future__ import annotations

import asyncio
import time
from typing import Final, cast

import httptools

Headers = list[tuple[bytes, bytes]]

#: Bytes of an answer that may wait for their reader before the upstream is told to pause.
_ENOUGH: Final = 256 << 10
_HEAD_LIMIT: Final = 64 << 10


class Broken(Exception):
    """The connection gave up. `before_answer`: not one byte of the answer had come."""

    def __init__(self, why: str, *, before_answer: bool) -> None:
        super().__init__(why)
        self.before_answer = before_answer


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1, one request at a time."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.idle_since = 0.0
        self.used = 0
        self.lost = False
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._parts: list[bytes] = []
        self._waiting_bytes = 0
        self._paused = False
        self._problem = ""
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.headers = []
        self._headed = self._complete = self._keep = False
        self._answered = 0
        self._parser = httptools.HttpResponseParser(self)

    # What the gateway asks of it

    def ask(self, head: bytes, body: bytes) -> None:
        """Send a request."""
        assert self._transport is not None
        if self.used:
            self._begin()
        self.used += 1
        self._transport.write(head + body if len(body) < _HEAD_LIMIT else head)
        if len(body) >= _HEAD_LIMIT:
            self._transport.write(body)

    async def head(self) -> None:
        """Return when status and headers are here."""
        while not self._headed:
            self._raise_if_broken()
            await self._wait()

    async def piece(self) -> bytes:
        """The next bytes of the body; empty at its end."""
        while not self._parts:
            if self._complete:
                return b""
            self._raise_if_broken()
            await self._wait()
        data = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
        self._parts.clear()
        self._waiting_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    @property
    def complete(self) -> bool:
        """Everything that the upstream sends has arrived."""
        return self._complete

    @property
    def whole(self) -> bool:
        """The answer was read to its end and taken."""
        return self._complete and not self._parts

    @property
    def reusable(self) -> bool:
        return self._keep and self.whole and not self.lost

    def leave(self) -> None:
        """Forget the answer that was read, wait for the next request."""
        self.idle_since = time.monotonic()

    def close(self) -> None:
        """Let the upstream know at once that nobody reads on."""
        if self._transport is not None:
            self._transport.abort()

    def _raise_if_broken(self) -> None:
        if self.lost or self._problem:
            raise Broken(self._problem or "the upstream closed the connection", before_answer=not self._answered)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the event loop tells it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class, but in all it does

    def data_received(self, data: bytes) -> None:
        if self._complete or not self.used:
            # Nobody asked: what else it would say on this connection cannot be trusted.
            self._keep = False
            self.lost = True
            self.close()
            return
        self._answered += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._problem = "the upstream does not speak HTTP"
            self.close()
        if not self._headed and self._answered > _HEAD_LIMIT:
            self._problem = "the upstream's headers have no end"
            self.close()
        if self._waiting_bytes > _ENOUGH and not self._complete and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._headed and not self._complete and exc is None and not self._problem and self._ends_by_closing():
            self._complete = True
        self._wake()

    def _ends_by_closing(self) -> bool:
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    # What the parser tells it

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            self._headed = True
        else:  # 100, 103: the real answer follows
            self.headers = []

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        if self._headed:
            self._keep = self._parser.should_keep_alive()
            self._complete = True
