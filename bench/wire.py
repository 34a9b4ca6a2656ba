"""A lean HTTP client for load: keep-alive connections, one request in flight on each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from bench.spans import Body


class Connection(asyncio.Protocol):
    """Sends a request, gives the status and body of its answer."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("connection lost"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) >= end + 4 + length and self.answer and not self.answer.done():
            self.answer.set_result((int(head[9:12]), bytes(self.buffer[end + 4 : end + 4 + length])))
            self.buffer.clear()

    async def send(self, data: bytes) -> tuple[int, bytes]:
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await self.answer


@dataclass
class Load:
    """What came of a load."""

    spans: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return self.spans / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def drive(port: int, bodies: list[Body], *, seconds: float, connections: int, rate: float | None = None) -> Load:
    """Send for so long over so many connections; `rate` limits spans a second."""
    load = Load()
    begun = time.perf_counter()
    head = b"POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-length: "

    async def client(number: int) -> None:
        _, wire = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        at = number * len(bodies) // connections
        while time.perf_counter() - begun < seconds:
            if rate is not None and load.spans > rate * (time.perf_counter() - begun):
                await asyncio.sleep(0.005)
                continue
            at = (at + 1) % len(bodies)
            raw = bodies[at].fresh()
            sent = time.perf_counter()
            status, _ = await wire.send(head + str(len(raw)).encode() + b"\r\n\r\n" + raw)
            load.latencies.append(time.perf_counter() - sent)
            load.statuses[status] += 1
            if status == 200:
                load.spans += bodies[at].spans
            else:
                await asyncio.sleep(0.1)
        assert wire.transport is not None
        wire.transport.close()

    await asyncio.gather(*(client(number) for number in range(connections)))
    load.seconds = time.perf_counter() - begun
    return load
