"""The file work of the spool, without threads: a batch is written and synced whole, or refused whole.

What the disk refuses is never tried again on the same file: after a failed sync the kernel forgets what it could not
write, and a second sync that succeeds proves nothing. The file is cut back to its last acknowledged byte first, then
the batch goes to a new one; in this order, so that no crash can leave the batch in both.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import getpid
from pathlib import Path
from typing import Final, Literal

from homeostat.store.spool import segment as files
from homeostat.store.spool.envelope import Envelope, encode
from homeostat.store.spool.storage import Storage

Sync = Literal["disk", "os"]
LOCK: Final = "writer.lock"
RETRY: Final = 1.0
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999: what a calendar can show
_PROBE: Final = "probe.tmp"
_PROBE_BYTES: Final = 64 * 1024


class SpoolHeld(Exception):
    """Another process writes this spool."""


@dataclass(slots=True)
class Clocks:
    """The machine's clocks: `unix_us` names segments, `monotonic` ages them."""

    unix_us: Callable[[], int] = field(default=lambda: time.time_ns() // 1000)
    monotonic: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class Tape:
    """The segment being written. `size` and `items` count what is acknowledged, nothing else."""

    number: int
    path: Path
    fd: int
    begun: float
    size: int = 0
    items: int = 0


class Journal:
    """The one writer of a spool folder."""

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int,
        segment_seconds: float,
        sync: Sync = "disk",
        storage: Storage = files.DISK,
        clocks: Clocks | None = None,
    ) -> None:
        self.folder = folder
        self.segment_seconds = segment_seconds
        self.tape: Tape | None = None
        self._segment_bytes = segment_bytes
        self._durable = sync == "disk"
        self._storage = storage
        self._clocks = clocks or Clocks()
        self._last = 0
        self._since = _readable(self._clocks.unix_us())
        self._uncut: list[Tape] = []
        self._unsealed: list[Tape] = []
        self._dead: tuple[Path, ...] = ()
        self._retry_at = 0.0
        self._lock: int | None = None

    @property
    def ready(self) -> bool:
        """Whether `start` has succeeded."""
        return self._lock is not None

    def start(self) -> files.Recovery:
        """Takes the lock and seals what dead writers left. Raises SpoolHeld, or OSError when the disk refuses."""
        self._storage.make_folder(self.folder)
        fd = self._storage.lock(self.folder / LOCK)
        if fd is None:
            raise SpoolHeld(self._holder())
        try:
            self._last = max(self._number_in_lock(), files.last_number(self.folder, storage=self._storage))
            self._sign(fd)
            self._storage.sync_folder(self.folder)
            recovery = files.recover(self.folder, storage=self._storage)
        except OSError:
            self._storage.close(fd)
            raise
        self._lock = fd
        self._dead = recovery.unfinished
        self._retry_at = self._clocks.monotonic() + RETRY
        return recovery

    def commit(self, batch: Sequence[Envelope]) -> int:
        """Writes and syncs the batch; returns its bytes. After OSError nothing of it counts as accepted."""
        for attempt in (1, 2):
            try:
                return self._write(batch)
            except Exception as error:  # whatever it was, nothing may be appended after a half-written batch
                clean = self._abandon()
                if not clean or attempt == 2 or not isinstance(error, OSError):
                    raise
        raise AssertionError("unreachable")

    def room_in_segment(self) -> int:
        """Bytes until the segment is sealed by size."""
        return max(0, self._segment_bytes - (self.tape.size if self.tape else 0))

    def due(self) -> float | None:
        """Seconds until `tick` has something to do; None: nothing."""
        now = self._clocks.monotonic()
        times = [self._retry_at] if self._uncut or self._unsealed or self._dead else []
        if self.tape:
            times.append(now if not self.room_in_segment() else self.tape.begun + self.segment_seconds)
        return max(0.0, min(times) - now) if times else None

    def tick(self) -> None:
        """Seals what is large or old enough and finishes files that an earlier failure left."""
        now = self._clocks.monotonic()
        tape = self.tape
        if tape and (not self.room_in_segment() or not 0 <= now - tape.begun < self.segment_seconds):
            self.seal()
        if now >= self._retry_at:
            self._finish_leftovers()

    def seal(self) -> None:
        """Hands the segment to the loader. What fails is tried again later, by the rules of recovery."""
        tape, self.tape = self.tape, None
        if tape is None:
            return
        try:
            self._storage.sync_whole(tape.fd)
        except OSError:
            self._close(tape)
            self._later(self._uncut, tape)
            return
        self._close(tape)
        self._seal_closed(tape)

    def probe(self) -> None:
        """Raises OSError while the disk takes nothing."""
        path = self.folder / _PROBE
        self._storage.unlink(path)
        fd = self._storage.create(path)
        try:
            self._storage.write(fd, [bytes(_PROBE_BYTES)])
            self._storage.sync(fd)
        finally:
            self._storage.close(fd)
            self._storage.unlink(path)

    def close(self) -> None:
        """Seals and lets the lock go."""
        try:
            self.seal()
            self._finish_leftovers()
        finally:
            if self._lock is not None:
                self._storage.close(self._lock)
                self._lock = None

    def _write(self, batch: Sequence[Envelope]) -> int:
        tape = self.tape or self._begin()
        pieces: list[bytes] = []
        items = tape.items
        for envelope in batch:
            pieces += encode(envelope, items)
            items += envelope.items
        size = sum(map(len, pieces))
        self._storage.write(tape.fd, pieces)
        if self._durable:
            self._storage.sync(tape.fd)
        tape.size += size
        tape.items = items
        return size

    def _begin(self) -> Tape:
        """A new segment whose number and name are on disk before anything in it can be acknowledged."""
        number = self._clocks.unix_us() << 12 | secrets.randbits(12)
        if not self._last < number < 1 << 63:
            number = self._last + 1
        self._last = number
        if self._lock is None:
            raise OSError("the spool is not open")
        self._sign(self._lock)
        path = self.folder / files.open_name(number)
        self.tape = Tape(number, path, self._storage.create(path), self._clocks.monotonic())
        self._storage.sync_folder(self.folder)
        return self.tape

    def _abandon(self) -> bool:
        """Leaves the current file after a failure. True: what was not acknowledged is gone from it for good."""
        tape, self.tape = self.tape, None
        if tape is None:
            return True
        self._close(tape)
        try:
            files.cut(tape.path, tape.size, storage=self._storage)
        except OSError:
            self._later(self._uncut, tape)
            return False
        self._seal_closed(tape)
        return True

    def _finish_leftovers(self) -> None:
        uncut, self._uncut = self._uncut, []
        unsealed, self._unsealed = self._unsealed, []
        for tape in uncut:
            try:
                files.cut(tape.path, tape.size, storage=self._storage)
            except OSError:
                self._later(self._uncut, tape)
                continue
            unsealed.append(tape)
        for tape in unsealed:
            self._seal_closed(tape)
        if self._dead:
            alive = {tape.path for tape in (*self._uncut, *self._unsealed, *([self.tape] if self.tape else ()))}
            self._dead = files.recover(self.folder, alive=alive, storage=self._storage).unfinished
            self._retry_at = self._clocks.monotonic() + RETRY

    def _seal_closed(self, tape: Tape) -> None:
        try:
            if tape.size:
                sealed = self.folder / files.sealed_name(tape.number, tape.items)
                if tape.path.name in self._storage.names(self.folder):
                    self._storage.rename(tape.path, sealed)
            else:
                self._storage.unlink(tape.path)
            self._storage.sync_folder(self.folder)
        except OSError:
            self._later(self._unsealed, tape)

    def _later(self, kind: list[Tape], tape: Tape) -> None:
        kind.append(tape)
        self._retry_at = self._clocks.monotonic() + RETRY

    def _close(self, tape: Tape) -> None:
        with suppress(OSError):  # the descriptor is gone either way, and what matters was synced or will be cut
            self._storage.close(tape.fd)

    def _sign(self, fd: int) -> None:
        """Last number and holder, in one sector, on disk."""
        self._storage.write_start(fd, f"{self._last:020d} pid {getpid()} since {self._since}\n".encode())
        self._storage.sync(fd)

    def _number_in_lock(self) -> int:
        text = self._storage.read(self.folder / LOCK)[:20]
        return int(text) if len(text) == 20 and text.isdigit() else 0

    def _holder(self) -> str:
        text = self._storage.read(self.folder / LOCK)[21:].decode(errors="replace").strip() or "an unknown process"
        return f"{self.folder} is written by another process ({text}). Stop that one, or choose another data directory."


def _readable(unix_us: int) -> str:
    seconds = min(max(unix_us // 1_000_000, 0), _LAST_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
