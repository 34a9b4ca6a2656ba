"""Group commit: many requests wait for one sync, and each is answered only after it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from homeostat.store.spool.envelope import Envelope
from homeostat.store.spool.journal import Clocks, Journal, SpoolHeld, Sync, Tape
from homeostat.store.spool.room import KEEP_FREE, Room
from homeostat.store.spool.segment import DISK, Recovery, Waiting
from homeostat.store.spool.storage import Storage

State = Literal["ok", "warn", "full", "broken"]
log = logging.getLogger(__name__)

_OVERHEAD: Final = 256  # a queued request costs this much more than its body
_LOOK_BUSY, _LOOK_IDLE = 0.25, 1.0  # seconds between looks at folder and disk
_BACKOFF_FIRST, _BACKOFF_LAST = 0.1, 1.0
_STRETCH_AFTER: Final = 16  # sealed segments that wait
_STRETCH_MOST: Final = 30.0


class SpoolRefused(Exception):
    """The request was not taken; the client may send it again after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class SpoolFull(SpoolRefused):
    """There is no room: budget, free disk or memory of the queue."""


class SpoolBroken(SpoolRefused):
    """The disk refuses."""


@dataclass(frozen=True, slots=True)
class _Entry:
    envelope: Envelope
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[None]
    cost: int


class SpoolWriter:
    """The edge's pen: `await append(envelope)` returns when the request is on disk.

    It starts also when the disk refuses (state `broken`, every append refused) and recovers by itself; only a spool
    that another process holds is an error at once (`SpoolHeld`).
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = 24 << 20,
        segment_seconds: float = 0.4,
        room: int | Callable[[], int] = 20_000_000_000,
        keep_free: int = KEEP_FREE,
        queue_bytes: int = 64 << 20,
        sync: Sync = "disk",
        storage: Storage = DISK,
        clocks: Clocks | None = None,
    ) -> None:
        self.recovered = Recovery((), 0, ())
        self._seconds = segment_seconds
        self._queue_limit = queue_bytes
        self._room = Room(folder, room, keep_free, storage)
        self._journal = Journal(
            folder,
            segment_bytes=segment_bytes,
            segment_seconds=segment_seconds,
            sync=sync,
            storage=storage,
            clocks=clocks,
        )
        self._held: tuple[Waiting, Tape | None] = self._room.sealed, None
        self._queue: deque[_Entry] = deque()
        self._queued = 0
        self._wake = threading.Condition(threading.Lock())
        self._asleep = False
        self._closing = False
        self._broken = ""
        self._backoff = _BACKOFF_FIRST
        self._look_at = 0.0
        try:
            self._start()
        except OSError as error:
            self._break(error)
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._thread.start()

    async def append(self, envelope: Envelope) -> None:
        """Returns when the request is on disk. Raises SpoolFull or SpoolBroken: then it was not accepted."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        cost = len(envelope.body) + _OVERHEAD
        self._refuse_if_no_room(cost)
        with self._wake:
            if self._closing:
                raise SpoolBroken("the spool is closing")
            self._queue.append(_Entry(envelope, loop, waiter, cost))
            self._queued += cost
            if self._asleep:
                self._asleep = False
                self._wake.notify()
        await waiter

    @property
    def state(self) -> State:
        """What the next request can expect."""
        return "broken" if self._broken else self._room.level(self._open_bytes(), self._queued)

    @property
    def reason(self) -> str:
        """Why the state is `broken`, else empty."""
        return self._broken

    def waiting(self) -> Waiting:
        """What waits for the loader, the segment being written included. Costs nothing, at most a second old."""
        sealed, tape = self._held
        if tape is None:
            return sealed
        oldest = sealed.oldest or tape.number >> 12
        return Waiting(sealed.bytes + tape.size, sealed.items + tape.items, oldest, sealed.segments + 1)

    def close(self) -> None:
        """Writes what is queued, seals, and lets the folder go. Later appends are refused."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    # What the appending side asks

    def _refuse_if_no_room(self, cost: int) -> None:
        if self._broken:
            raise SpoolBroken(self._broken)
        if self._queued and self._queued + cost > self._queue_limit:
            raise SpoolFull("too many requests wait for the disk", 1)
        if self._room.level(self._open_bytes(), self._queued + cost) == "full":
            self._look_soon()
            raise SpoolFull("the spool has no room; it empties as the loader catches up")

    def _open_bytes(self) -> int:
        _, tape = self._held
        return tape.size if tape else 0

    def _look_soon(self) -> None:
        self._look_at = min(self._look_at, time.monotonic() + _LOOK_BUSY)

    # The writer's thread

    def _run(self) -> None:
        while True:
            batch = self._take()
            try:
                if batch:
                    self._write(batch)
                self._keep_house()
            except OSError as error:
                self._break(error)
            except Exception:  # a bug must cost its batch, not every request after it
                log.exception("spool: unexpected failure")
                self._settle(batch, "internal error while writing the spool")
                self._look_at = time.monotonic() + _LOOK_IDLE
            if self._closing and not self._queue:
                break
        self._finish()

    def _take(self) -> list[_Entry]:
        """What is queued, up to the end of the segment; waits until there is something to do."""
        with self._wake:
            if not self._queue and not self._closing:
                self._asleep = True
                self._wake.wait(self._pause())
                self._asleep = False
            batch: list[_Entry] = []
            room = self._journal.room_in_segment()
            while self._queue and (room > 0 or not batch):
                entry = self._queue.popleft()
                room -= entry.cost
                batch.append(entry)
            return batch

    def _pause(self) -> float:
        pauses = [self._look_at - time.monotonic()]
        due = self._journal.due()
        if due is not None and not self._broken:
            pauses.append(due)
        return max(0.0, min(pauses))

    def _write(self, batch: list[_Entry]) -> None:
        if self._broken:
            self._settle(batch, self._broken)
            return
        before = self._journal.tape
        try:
            size = self._journal.commit([entry.envelope for entry in batch])
        except OSError as error:
            self._break(error)
            self._settle(batch, self._broken)
            return
        finally:
            self._count_sealed(before)
        self._room.wrote(size)
        self._settle(batch, "")

    def _keep_house(self) -> None:
        now = time.monotonic()
        look = now >= self._look_at
        if look and self._broken:
            self._mend()
        if not self._broken:
            self._journal.segment_seconds = self._stretched_age()
            before = self._journal.tape
            self._journal.tick()
            self._count_sealed(before)
        if look and self._journal.ready:
            self._room.measure()
            self._hold()
            calm = self.state == "ok" and not self._room.sealed.segments
            if not self._broken:
                took = time.monotonic() - now
                self._look_at = now + max(_LOOK_IDLE if calm else _LOOK_BUSY, 20 * took)

    def _count_sealed(self, before: Tape | None) -> None:
        if before and before.size and before is not self._journal.tape:
            self._room.sealed_one(before.number, before.size, before.items)
        self._hold()

    def _hold(self) -> None:
        """What is told from now on, in one piece: until it is counted as sealed, a segment is told as being written."""
        self._held = self._room.sealed, self._journal.tape

    def _stretched_age(self) -> float:
        """Nobody loads: then larger segments instead of a folder of a million small ones."""
        factor = 1 + self._room.sealed.segments // _STRETCH_AFTER
        return min(self._seconds * factor, max(self._seconds, _STRETCH_MOST))

    def _settle(self, batch: list[_Entry], refusal: str) -> None:
        """Answers a batch, waking each event loop once."""
        if not batch:
            return
        with self._wake:
            self._queued -= sum(entry.cost for entry in batch)
        loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for entry in batch:
            loops.setdefault(entry.loop, []).append(entry.waiter)
        batch.clear()
        for loop, waiters in loops.items():
            try:
                loop.call_soon_threadsafe(_resolve, waiters, refusal)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue

    # A disk that refuses, and comes back

    def _start(self) -> None:
        self.recovered = self._journal.start()
        self._room.measure()
        self._hold()

    def _break(self, error: OSError) -> None:
        if not self._broken:
            log.error("spool: the disk refuses: %s", error)
            self._backoff = _BACKOFF_FIRST
        self._broken = f"the disk refuses: {error.strerror or error}"
        self._look_at = time.monotonic() + self._backoff
        self._backoff = min(self._backoff * 2, _BACKOFF_LAST)

    def _mend(self) -> None:
        """Tries the disk with a file of our own, so that coming back needs no traffic."""
        try:
            if not self._journal.ready:
                self._start()
            self._journal.probe()
        except SpoolHeld as error:
            self._break(OSError(str(error)))
            return
        except OSError as error:
            self._break(error)
            return
        log.warning("spool: the disk takes data again")
        self._broken = ""

    def _finish(self) -> None:
        try:
            self._journal.close()
            self._room.measure()
            self._hold()
        except OSError as error:
            log.warning("spool: not closed cleanly, the next start recovers it: %s", error)


def _resolve(waiters: list[asyncio.Future[None]], refusal: str) -> None:
    for waiter in waiters:
        if waiter.done():  # its client left
            continue
        if refusal:
            waiter.set_exception(SpoolBroken(refusal))
        else:
            waiter.set_result(None)
