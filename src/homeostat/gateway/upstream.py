"""The one outbound door of the edge: our own small HTTP/1.1 client. Pooled, bounded, no redirects, no proxies.

A general client costs about a millisecond a request; this one a tenth of that. Names are looked up for every new
connection; an idle connection that the upstream closed meanwhile is replaced by a new one, once.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import Final

from homeostat.gateway.upstreams import Upstream
from homeostat.gateway.wire import Broken, Connection, Headers

_IDLE_SECONDS: Final = 15.0
_MOST_IDLE: Final = 64
_MOST_OPEN: Final = 1024


class Unreachable(Exception):
    """No connection: refused, no such name, TLS failed, too slow; `why` is a word for programs."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


class Answer:
    """An upstream's answer: its head is here, its body comes."""

    __slots__ = ("_pool", "connection", "headers", "status")

    def __init__(self, connection: Connection, pool: _Pool) -> None:
        self.connection = connection
        self.status = connection.status
        self.headers: Headers = connection.headers
        self._pool = pool

    async def piece(self) -> bytes:
        """The next bytes of the body; empty at its end. Raises `Broken` when it is cut off."""
        return await self.connection.piece()

    def close(self) -> None:
        """Give the connection back; one whose answer was not read to its end is closed at once."""
        self._pool.give_back(self.connection)


class Client:
    """Sends requests to upstreams."""

    def __init__(self, connect_seconds: float) -> None:
        self._seconds = connect_seconds
        self._pools: dict[Upstream, _Pool] = {}
        self._tls: ssl.SSLContext | None = None

    async def ask(self, upstream: Upstream, head: bytes, body: bytes) -> Answer:
        """The answer's head; its body can be read from it. Raises `Unreachable` or `Broken`."""
        pool = self._pools.get(upstream)
        if pool is None:
            pool = self._pools[upstream] = _Pool(upstream, self._seconds, self._context() if upstream.tls else None)
        connection = await pool.take()
        while True:
            kept = connection.used > 0
            try:
                connection.ask(head, body)
                await connection.head()
                return Answer(connection, pool)
            except Broken as error:
                pool.give_back(connection)
                if not (kept and error.before_answer):
                    raise
                # It was closed while it waited for us, as upstreams do with idle connections: it never read this.
                connection = await pool.fresh()
            except BaseException:
                pool.give_back(connection)
                raise

    def open_connections(self) -> int:
        """Connections that are open now, the idle ones included."""
        return sum(pool.open for pool in self._pools.values())

    def close(self) -> None:
        """Close every idle connection."""
        for pool in self._pools.values():
            pool.close()

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._tls


class _Pool:
    """Connections to one upstream."""

    def __init__(self, upstream: Upstream, connect_seconds: float, tls: ssl.SSLContext | None) -> None:
        self.open = 0
        self._upstream = upstream
        self._seconds = connect_seconds
        self._tls = tls
        self._idle: deque[Connection] = deque()

    async def take(self) -> Connection:
        """An idle connection that is still good, else a new one."""
        begun_by = time.monotonic() - _IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since > begun_by:
                return connection
            self._drop(connection)
        return await self.fresh()

    async def fresh(self) -> Connection:
        """A new connection."""
        if self.open >= _MOST_OPEN:
            raise Unreachable("overloaded", f"{_MOST_OPEN} calls to this upstream are open already.")
        self.open += 1
        try:
            return await self._connect()
        except BaseException:
            self.open -= 1
            raise

    async def _connect(self) -> Connection:
        there = self._upstream
        try:
            async with asyncio.timeout(self._seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, there.host, there.port, ssl=self._tls, server_hostname=there.host if there.tls else None
                )
                return connection
        except TimeoutError:
            raise Unreachable("connect_timeout", "The upstream could not be connected to in time.") from None
        except ssl.SSLError as error:
            raise Unreachable("tls", f"TLS with the upstream failed: {error.reason or 'handshake'}.") from None
        except OSError as error:
            raise _unreachable(error, tls=there.tls) from None

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next request, or close it."""
        if connection.reusable and len(self._idle) < _MOST_IDLE:
            connection.leave()
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self.open -= 1
        connection.close()

    def close(self) -> None:
        while self._idle:
            self._drop(self._idle.pop())


def _unreachable(error: OSError, *, tls: bool) -> Unreachable:
    """Never with the address in it: an error message goes to clients."""
    name = type(error).__name__
    if name == "gaierror":
        return Unreachable("dns", "The upstream's name could not be looked up.")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable("connect_refused", "The upstream refused the connection.")
    if tls and isinstance(error, ConnectionError):
        return Unreachable("tls", "TLS with the upstream failed: it ended the handshake.")
    return Unreachable("connect", "The upstream could not be connected to.")
