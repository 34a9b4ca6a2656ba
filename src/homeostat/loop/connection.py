"""One client connection with bounds that the server does not have by itself: how large a head may be, and how slow."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 << 10
HEAD_SECONDS: Final = 30.0
_TOO_LARGE: Final = b"431 Request Header Fields Too Large"
_TOO_SLOW: Final = b"408 Request Timeout"


class Connection(HttpToolsProtocol):
    """Closes a connection whose request line and headers grow or stall without end."""

    head_bytes = HEAD_BYTES
    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head = 0
        self._heads = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        begins = self._in_head and not self._head
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head:
            if self._head > self.head_bytes:
                self._refuse(_TOO_LARGE)
            elif begins:
                self._expect_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head = 0
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._head = 0

    def _expect_head(self) -> None:
        """The head that begins now must be complete in time. Most are complete at once and need no timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.head_seconds, self._still_waiting, self._heads)

    def _still_waiting(self, heads: int) -> None:
        if self._heads == heads:
            self._refuse(_TOO_SLOW)

    def _refuse(self, status: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
