"""From calls to exchanges in the spool: off the hot path, many at once, within bounds; what is lost is counted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

from homeostat.config import Settings
from homeostat.gateway import span
from homeostat.gateway.call import Call
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.spool.writer import SpoolRefused

log: Final = logging.getLogger("homeostat.gateway")

#: Bytes of calls that may wait; one more is dropped and counted.
WAITING_BYTES: Final = 32 << 20
#: A moment for more calls to come, so that one envelope and one sync serve them all.
_GATHER_SECONDS: Final = 0.02
_BATCH: Final = 256
_BATCH_BYTES: Final = 4 << 20
_AGAIN_SECONDS: Final = 1.0
#: Calls up to this size are read between requests; larger ones in a thread.
_SMALL: Final = 128 << 10
_DAY_NS: Final = 86_400 * 10**9


class Spool(Protocol):
    """What capture needs of the spool."""

    async def append(self, envelope: Envelope) -> object:
        """Return when the envelope is durable."""


class Capture:
    """Takes finished calls, stores them as spans."""

    def __init__(
        self, spool: Spool, *, now_ns: Callable[[], int], settings: Settings, spent: Callable[[str, int], None]
    ) -> None:
        """`spent`: told the key and the tokens of each call."""
        self.dropped = 0
        self.waiting = 0
        self._spool = spool
        self._now_ns = now_ns
        self._keep_ns = settings.retention_days * _DAY_NS
        self._content: span.Content = settings.content
        self._spent = spent
        self._queue: deque[Call] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def put(self, call: Call) -> None:
        """A call is over. Costs microseconds; when too much waits already, it is dropped and counted."""
        call.ended = call.ended or time.monotonic()
        weight = call.weight()
        if self.waiting and self.waiting + weight > WAITING_BYTES:
            self.dropped += 1
            return
        self.waiting += weight
        self._queue.append(call)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Store what waits, once; what the spool refuses now is lost and counted. Also from another event loop."""
        self._closing = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
        while self._queue:
            await self._batch()

    async def _work(self) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        while self._queue:
            await self._batch()

    async def _batch(self) -> None:
        """The oldest calls, an envelope for each project; a call that cannot be told costs itself only."""
        calls = self._oldest()
        gathered: dict[str, ResourceSpans] = {}
        for call in calls:
            into = gathered.setdefault(call.project, span.resource())
            await self._tell(call, into)
        for project, told in gathered.items():
            items = len(told.scope_spans[0].spans)
            if items:
                await self._store(project, items, TracesData(resource_spans=[told]).SerializeToString())
        for call in calls:
            self.waiting -= call.weight()
            self._queue.popleft()

    def _oldest(self) -> list[Call]:
        calls: list[Call] = []
        size = 0
        for call in self._queue:
            if len(calls) >= _BATCH or (calls and size + call.weight() > _BATCH_BYTES):
                break
            calls.append(call)
            size += call.weight()
        return calls

    async def _tell(self, call: Call, into: ResourceSpans) -> None:
        spans = into.scope_spans[0].spans
        try:
            if call.weight() <= _SMALL:
                tokens = span.write(call, spans.add(), content=self._content)
                await asyncio.sleep(0)  # requests go first
            else:
                loop = asyncio.get_running_loop()
                tokens = await loop.run_in_executor(None, lambda: span.write(call, spans.add(), content=self._content))
            if not call.shadow_of:  # nobody asked for that one
                self._spent(call.key, tokens)
        except Exception:
            log.exception("a call could not be told")
            self.dropped += 1
            del spans[-1]

    async def _store(self, project: str, items: int, body: bytes) -> None:
        while True:
            received = self._now_ns()
            try:
                envelope = Envelope(received, project, items, Part.TRACES, body, max(0, received - self._keep_ns))
                await self._spool.append(envelope)
            except SpoolRefused as error:
                if self._closing:
                    self.dropped += items
                    log.warning("%d exchanges are lost: %s", items, error)
                    return
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return
