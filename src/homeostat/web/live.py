"""`/api/v1/live`: new exchanges, what changes about incidents, and verdicts, as server-sent events. The stores are
looked at only while somebody listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import anyio.to_thread
import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from homeostat.records import words
from homeostat.records.exchange import as_json
from homeostat.records.verdict import as_json as verdict_json
from homeostat.store.ledger import findings, incidents, verdicts
from homeostat.store.warehouse.questions import live
from homeostat.store.warehouse.questions.live import Mark
from homeostat.web.asked import Core, core_of, visitor_of
from homeostat.web.errors import error
from homeostat.web.incidents import told
from homeostat.web.openapi import answers

router: Final = APIRouter(tags=["live"])
EVERY: Final = 0.5
HEARTBEAT: Final = 15.0
#: So long after its first rows all rows of a load are visible.
SETTLES: Final = 0.1
MAX_LISTENERS: Final = 64
#: Events kept for a listener who is slow; then some are skipped and it is told.
MAX_WAITING: Final = 1000
_TYPES: Final = {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events."}


#: Up to which change of an incident, and which verdict.
Known = tuple[int, int]


@dataclass(eq=False)
class Listener:
    """Somebody who listens: events that wait, and whether some were skipped."""

    events: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))
    skipped: bool = False

    def put(self, event: bytes) -> None:
        """Hand over an event; a full queue loses its oldest."""
        if self.events.full():
            self.events.get_nowait()
            self.skipped = True
        self.events.put_nowait(event)


@dataclass
class Channel:
    """What is new in one project, for all who listen to it."""

    listeners: set[Listener] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Looks for news, once for all listeners of a project."""

    def __init__(self, core: Core, threads: anyio.CapacityLimiter) -> None:
        self._core = core
        self._threads = threads
        self._channels: dict[str, Channel] = {}

    @property
    def full(self) -> bool:
        """No more listeners now."""
        return sum(len(channel.listeners) for channel in self._channels.values()) >= MAX_LISTENERS

    async def join(self, project: str) -> Listener:
        """Begin to listen: what is loaded after this returns arrives."""
        channel = self._channels.setdefault(project, Channel())
        listener = Listener()
        channel.listeners.add(listener)
        if channel.task is None:
            channel.task = asyncio.create_task(self._look(project, channel))
        try:
            await channel.ready.wait()
        except asyncio.CancelledError:
            self.leave(project, listener)
            raise
        return listener

    def leave(self, project: str, listener: Listener) -> None:
        """Stop listening; the last one stops the looking."""
        channel = self._channels[project]
        channel.listeners.discard(listener)
        if not channel.listeners:
            del self._channels[project]
            if channel.task:
                channel.task.cancel()

    async def since(self, project: str, mark: Mark, looked: datetime | None = None) -> list[tuple[Mark, bytes]]:
        """Events after a mark."""

        def look() -> list[tuple[Mark, bytes]]:
            now = self._core.clock.now()
            found = live.since(self._core.warehouse, project, mark, now, looked)
            if any(at.version > mark.version for at, _ in found):
                time.sleep(SETTLES)
                newest = max(at.version for at, _ in found)
                found = live.since(self._core.warehouse, project, mark, now, looked, upto=newest)
            return [(at, written(str(at), as_json(exchange))) for at, exchange in found]

        return await anyio.to_thread.run_sync(look, limiter=self._threads)

    async def present(self, project: str) -> Mark:
        """Where somebody begins who has seen nothing."""
        return await anyio.to_thread.run_sync(
            lambda: live.newest(self._core.warehouse, project, self._core.clock.now()), limiter=self._threads
        )

    async def changed(self, project: str, mark: Known | None) -> tuple[Known, list[bytes]]:
        """The mark of what is known about incidents and verdicts then, and an event for each change since; None: the
        mark."""

        def look() -> tuple[Known, list[bytes]]:
            ledger = self._core.ledger
            if mark is None:
                last = verdicts.listed(ledger, project, limit=1)
                return (incidents.newest_change(ledger, project), last[0][0] if last else 0), []
            found = incidents.changed_since(ledger, project, mark[0])
            events = [
                happened("incident", told(each, findings.get(ledger, project, list(each.findings))))
                for _, each in found
            ]
            said = [each for each in verdicts.listed(ledger, project, limit=50) if each[0] > mark[1]]
            events += [
                happened("verdict", {"id": number, **verdict_json(each), "said": words.verdict(each)})
                for number, each in reversed(said)
            ]
            return (found[-1][0] if found else mark[0], said[0][0] if said else mark[1]), events

        return await anyio.to_thread.run_sync(look, limiter=self._threads)

    async def _look(self, project: str, channel: Channel) -> None:
        mark: Mark | None = None
        known: Known | None = None
        looked = self._core.clock.now()
        while True:
            # The warehouse may be away for a while; listeners stay and get what they missed.
            with suppress(Exception):
                if mark is None:
                    known, _ = await self.changed(project, None)
                    mark = await self.present(project)
                    channel.ready.set()
                known, changes = await self.changed(project, known)
                for event in changes:
                    for listener in channel.listeners:
                        listener.put(event)
                now = self._core.clock.now()
                found = await self.since(project, mark, looked)
                for at, event in found:
                    mark = max(mark, at)
                    for listener in channel.listeners:
                        listener.put(event)
                looked = now
                if len(found) >= live.MOST:
                    continue
            await asyncio.sleep(EVERY)


def written(id: str, item: dict[str, Any]) -> bytes:
    """One event as bytes. JSON has no line breaks, so nothing in it can begin another event."""
    return b"id: " + id.encode() + b"\nevent: exchange\ndata: " + msgspec.json.encode(item) + b"\n\n"


def happened(kind: str, item: dict[str, Any]) -> bytes:
    """An event without an id: whoever comes back asks the list what it missed."""
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(item) + b"\n\n"


@router.get("/api/v1/live", responses={200: _TYPES, **answers(503)})
async def listened(request: Request) -> Response:
    """New exchanges as they are loaded (an `exchange` event each), resumed after `Last-Event-ID`; and an `incident`
    event, as the list has it, whenever one is opened or changes; a `verdict` event for each verdict."""
    news: Live = request.app.state.live
    core_of(request)
    project = visitor_of(request).project
    if news.full:
        return error(503, "busy", "Too many are listening.", headers={"retry-after": "5"})
    mark = Mark.parse(request.headers.get("last-event-id", ""))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(news, project, mark), media_type="text/event-stream", headers=headers)


async def _events(news: Live, project: str, mark: Mark | None) -> AsyncIterator[bytes]:
    listener = await news.join(project)
    try:
        yield b"retry: 1000\n\n"
        while mark is not None:  # first what was missed; news wait in the queue meanwhile
            missed = await news.since(project, mark)
            for at, event in missed:
                mark = max(mark, at)
                yield event
            if len(missed) < live.MOST:
                break
        while True:
            try:
                event = await asyncio.wait_for(listener.events.get(), HEARTBEAT)
            except TimeoutError:
                event = b": alive\n\n"
            if listener.skipped:
                listener.skipped = False
                yield b"event: gap\ndata: {}\n\n"
            yield event
    finally:
        news.leave(project, listener)
