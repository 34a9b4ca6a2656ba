"""Reading a request's body: within its size, within its time, within the memory for all bodies at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from homeostat.doors.answers import Gone, Message, Receive, Refused
from homeostat.doors.inflate import TooLong, inflate

#: Bodies up to these sizes are worked on at once; larger ones in a thread, so that nobody waits behind them.
SMALL_COMPRESSED: Final = 64 << 10
SMALL: Final = 256 << 10
_ENCODINGS: Final = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


class Patience:
    """One timer for all bodies that are being read: a timeout for each would cost more than reading it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._look_every = min(0.25, seconds / 10)
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._looking = False

    def begin(self) -> asyncio.Task[Any]:
        """The current task starts to wait for its body."""
        task = asyncio.current_task()
        assert task is not None
        self._since[task] = time.monotonic()
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(self._look_every, self._look)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        """It waits no more."""
        self._since.pop(task, None)
        self._late.discard(task)

    def ran_out(self, task: asyncio.Task[Any]) -> bool:
        """Was it cancelled by us? Then it may go on and answer."""
        if task not in self._late:
            return False
        task.uncancel()
        return True

    def _look(self) -> None:
        begun_by = time.monotonic() - self._seconds
        for task, since in list(self._since.items()):
            if since > begun_by:
                break  # the others began later
            self._late.add(task)
            del self._since[task]
            task.cancel()
        self._looking = bool(self._since)
        if self._looking:
            asyncio.get_running_loop().call_later(self._look_every, self._look)


class Doorstep:
    """What is in flight: bounds the bodies of all requests together."""

    def __init__(self, *, body_limit: int, inflight_limit: int, body_timeout: float) -> None:
        self.body_limit = body_limit
        self.inflight_limit = inflight_limit
        self.body_timeout = body_timeout
        self.patience = Patience(body_timeout)
        self.bytes = 0
        self.requests = 0
        self.when_quiet: asyncio.Event | None = None
        self.threads = ThreadPoolExecutor(2, thread_name_prefix="bodies")

    async def quiet(self) -> None:
        """Returns when no request is in flight."""
        if self.requests:
            self.when_quiet = asyncio.Event()
            await self.when_quiet.wait()

    def too_large(self) -> Refused:
        """The refusal of a body beyond the limit."""
        return Refused(
            413, f"The body is larger than {self.body_limit} bytes after decompression. Send smaller batches."
        )


class Claim:
    """The bytes that one request holds. Use as a context: they are given back at its end."""

    __slots__ = ("_step", "bytes")

    def __init__(self, step: Doorstep) -> None:
        self._step = step
        self.bytes = 0

    def __enter__(self) -> Claim:
        self._step.requests += 1
        return self

    def __exit__(self, *_: object) -> None:
        step = self._step
        step.requests -= 1
        step.bytes -= self.bytes
        if step.when_quiet is not None and not step.requests:
            step.when_quiet.set()

    def take(self, count: int) -> None:
        """Hold `count` bytes more, or refuse for now."""
        if self._step.bytes + count > self._step.inflight_limit:
            raise Refused(503, "Too many requests are in flight. Send it again in a second.")
        self._step.bytes += count
        self.bytes += count


def read_encoding(value: bytes) -> str:
    """`gzip`, `deflate` or nothing; anything else, or several at once, is refused."""
    name = _ENCODINGS.get(value.decode("latin-1").strip().lower())
    if name is None:
        raise Refused(415, f"Content-Encoding {_shown(value)} is not understood. Send gzip, deflate or identity.")
    return name


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes, bytes]:
    """Content type, content encoding and content length as sent; several encoding headers count as stacked."""
    kind = encoding = length = b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"content-encoding":
            encoding = encoding + b", " + value if encoding else value
        elif name == b"content-length":
            length = value
    return kind, encoding, length


async def read_body(receive: Receive, claim: Claim, step: Doorstep, length: bytes) -> bytes:
    """The body as sent."""
    if length.isdigit() and int(length[:20]) > step.body_limit:
        raise step.too_large()
    task = step.patience.begin()
    try:
        message = await receive()
        if not message.get("more_body") and message["type"] == "http.request":
            body: bytes = message.get("body", b"")
            claim.take(len(body))
            return body
        return await _rest(message, receive, claim, step.body_limit)
    except asyncio.CancelledError:
        if step.patience.ran_out(task):
            raise Refused(408, f"The body did not arrive within {step.body_timeout:g} seconds.") from None
        raise
    except TooLong:
        raise step.too_large() from None
    finally:
        step.patience.end(task)


async def _rest(message: Message, receive: Receive, claim: Claim, limit: int) -> bytes:
    parts: list[bytes] = []
    while True:
        if message["type"] != "http.request":
            raise Gone
        part = message.get("body", b"")
        claim.take(len(part))
        if claim.bytes > limit:
            raise TooLong
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def plain_body(body: bytes, encoding: str, claim: Claim, step: Doorstep) -> bytes:
    """The body after decompression."""
    if not encoding:
        return body
    try:
        if len(body) <= SMALL_COMPRESSED:
            try:
                whole = inflate(body, encoding, min(SMALL, step.body_limit))
            except TooLong:
                whole = await _inflate_aside(body, encoding, step)
        else:
            whole = await _inflate_aside(body, encoding, step)
    except TooLong:
        raise step.too_large() from None
    claim.take(len(whole))
    return whole


async def _inflate_aside(body: bytes, encoding: str, step: Doorstep) -> bytes:
    return await asyncio.get_running_loop().run_in_executor(step.threads, inflate, body, encoding, step.body_limit)


def _shown(value: bytes) -> str:
    return repr(value.decode("latin-1")[:40])
