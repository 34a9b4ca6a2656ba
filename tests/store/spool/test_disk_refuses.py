"""T2: the disk refuses one call, or all from one on: nothing acknowledged is lost, nothing crashes, it comes back."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import uvloop

from homeostat.store.spool.envelope import Envelope, Part, decode
from homeostat.store.spool.journal import RETRY, Clocks, Journal
from homeostat.store.spool.segment import Sound, sealed, verify
from homeostat.store.spool.storage import Storage
from homeostat.store.spool.writer import SpoolBroken, SpoolFull, SpoolWriter

KINDS = ("create", "write", "sync", "rename", "truncate")
ROUNDS, CLIENTS = 12, 4


class Refusing(Storage):
    """Refuses calls `first` to `last` of one kind. A refused write may still leave some of its bytes.

    Power is not lost here, so a sync that is not refused need not reach the real disk.
    """

    def __init__(self, kind: str, first: int, last: int, code: int) -> None:
        self.kind, self.first, self.last, self.code = kind, first, last, code
        self.count = 0
        self.refused = 0
        self.synced_again = 0
        self._failed: set[int] = set()

    def _check(self, kind: str) -> None:
        if kind != self.kind:
            return
        self.count += 1
        if self.first <= self.count <= self.last:
            self.refused += 1
            raise OSError(self.code, os.strerror(self.code))

    def create(self, path: Path) -> int:
        self._check("create")
        fd = super().create(path)
        self._failed.discard(fd)
        return fd

    def write(self, fd: int, pieces: Sequence[bytes]) -> None:
        try:
            self._check("write")
        except OSError:
            whole = b"".join(pieces)
            super().write(fd, [whole[: len(whole) * (self.count % 4) // 3]])
            raise
        super().write(fd, pieces)

    def write_start(self, fd: int, text: bytes) -> None:
        self._check("write")
        super().write_start(fd, text)
        self._failed.discard(fd)  # all that this file must hold is written anew: a sync of it promises nothing old

    def sync(self, fd: int) -> None:
        self.synced_again += fd in self._failed
        try:
            self._check("sync")
        except OSError:
            self._failed.add(fd)
            raise

    def sync_whole(self, fd: int) -> None:
        self._check("sync")

    def sync_folder(self, folder: Path) -> None:
        self._check("sync")

    def rename(self, source: Path, target: Path) -> None:
        self._check("rename")
        super().rename(source, target)

    def truncate(self, fd: int, size: int) -> None:
        self._check("truncate")
        super().truncate(fd, size)

    def close(self, fd: int) -> None:
        self._failed.discard(fd)
        super().close(fd)


def records(folder: Path) -> list[bytes]:
    out: list[bytes] = []
    for segment in sealed(folder):
        assert isinstance(verify(segment), Sound)
        out += [record.envelope.body for record in decode(segment.path.read_bytes())]
    return out


async def clients(writer: SpoolWriter, name: str, rounds: int = ROUNDS) -> tuple[set[bytes], set[bytes]]:
    """A few clients at once; what was accepted, and what was refused."""
    accepted: set[bytes] = set()
    refused: set[bytes] = set()

    async def one(client: int) -> None:
        for n in range(rounds):
            body = f"{name}-{client}-{n}".encode().ljust(700, b".")
            try:
                await writer.append(Envelope(n, "p", 1, Part.TRACES, body))
                accepted.add(body)
            except (SpoolBroken, SpoolFull):
                refused.add(body)
                await asyncio.sleep(0)

    await asyncio.gather(*(one(client) for client in range(CLIENTS)))
    return accepted, refused


async def until_well(writer: SpoolWriter, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while writer.state != "ok":
        assert time.monotonic() < deadline, f"still {writer.state}: {writer.reason}"
        await asyncio.sleep(0.005)


async def one_case(folder: Path, storage: Refusing) -> None:
    writer = SpoolWriter(folder, segment_bytes=6000, segment_seconds=0.02, storage=storage)
    accepted, refused = await clients(writer, "during")
    storage.last = 0  # space returns
    await until_well(writer)
    after, refused_after = await clients(writer, "after", 2)
    await asyncio.to_thread(writer.close)
    assert not refused_after and len(accepted) + len(refused) == ROUNDS * CLIENTS
    assert storage.synced_again == 0, "a failed sync was tried again on the same file"
    found = records(folder)
    assert accepted | after <= set(found), "an acknowledged record is lost"
    assert len(found) == len(set(found)), "a record is there twice"
    assert set(found) <= accepted | after | refused
    assert not [name for name in storage.names(folder) if name.endswith(".open")]


def cases(limit: int, steps: Sequence[int]) -> Iterator[tuple[str, int, int, int]]:
    for kind in KINDS:
        for nth in [n for n in steps if n <= limit]:
            yield kind, nth, nth, errno.EIO
            yield kind, nth, 1 << 30, errno.ENOSPC


def run_cases(folder: Path, limit: int, steps: Sequence[int]) -> None:
    hit = 0
    for kind, first, last, code in cases(limit, steps):
        storage = Refusing(kind, first, last, code)
        case = folder / f"{kind}-{first}-{code}"
        try:
            uvloop.run(asyncio.wait_for(one_case(case, storage), 120))
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(
                f"{kind} refused from {first} to {last} with {errno.errorcode[code]}: {error}"
            ) from error
        hit += storage.refused > 0
    assert hit >= 20


def test_the_first_calls_refused(tmp_path: Path) -> None:
    run_cases(tmp_path, 60, [*range(1, 15), 20, 30, 45, 60])


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_each_of_the_first_300_calls_refused(tmp_path: Path) -> None:
    run_cases(tmp_path, 300, range(1, 301))


def test_a_failed_sync_costs_nothing_when_a_new_segment_works(tmp_path: Path) -> None:
    async def work() -> None:
        storage = Refusing("sync", 0, -1, errno.EIO)
        writer = SpoolWriter(tmp_path, segment_seconds=30, storage=storage)
        first, _ = await clients(writer, "a", 1)
        storage.count, storage.first, storage.last = 0, 1, 1
        second, refused = await clients(writer, "b", 1)
        assert storage.refused == 1 and not refused and writer.state == "ok"
        await asyncio.to_thread(writer.close)
        assert sorted(records(tmp_path)) == sorted(first | second)
        assert len(sealed(tmp_path)) == 2

    uvloop.run(work())


def test_what_was_not_acknowledged_is_cut_before_the_file_is_sealed(tmp_path: Path) -> None:
    now = [0.0]
    storage = Refusing("truncate", 1, 2, errno.EIO)
    clocks = Clocks(monotonic=lambda: now[0])
    journal = Journal(tmp_path, segment_bytes=1 << 20, segment_seconds=60, storage=storage, clocks=clocks)
    journal.start()
    journal.commit([Envelope(1, "p", 1, Part.TRACES, b"kept")])

    def fails(fd: int, pieces: Sequence[bytes]) -> None:
        Storage.write(storage, fd, pieces)
        raise OSError(errno.EIO, "injected")

    storage.write = fails  # type: ignore[method-assign]
    with pytest.raises(OSError):
        journal.commit([Envelope(2, "p", 1, Part.TRACES, b"refused")])
    del storage.write
    for calls in (2, 3):
        assert not sealed(tmp_path) and journal.due() == RETRY
        now[0] += RETRY
        journal.tick()
        assert storage.count == calls
    assert journal.due() is None
    assert records(tmp_path) == [b"kept"]
    journal.close()


def test_refused_while_the_disk_is_bad_and_the_reason_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        storage = Refusing("write", 0, -1, errno.ENOSPC)
        writer = SpoolWriter(tmp_path, storage=storage)
        storage.count, storage.first, storage.last = 0, 1, 1 << 30
        with pytest.raises(SpoolBroken, match="No space left on device") as refusal:
            await writer.append(Envelope(1, "p", 1, Part.TRACES, b"x"))
        assert refusal.value.retry_after == 2
        assert writer.state == "broken" and "No space left" in writer.reason
        storage.last = 0
        await until_well(writer)
        await writer.append(Envelope(1, "p", 1, Part.TRACES, b"y"))
        await asyncio.to_thread(writer.close)
        assert records(tmp_path) == [b"y"]

    uvloop.run(work())


@pytest.mark.parametrize("kind", ["write", "sync", "create"])
def test_a_bad_disk_at_start_is_not_a_crash(tmp_path: Path, kind: str) -> None:
    async def work() -> None:
        storage = Refusing(kind, 1, 1 << 30, errno.EROFS)
        writer = SpoolWriter(tmp_path, storage=storage)
        accepted, refused = await clients(writer, "early", 1)
        assert not accepted and len(refused) == CLIENTS and writer.state == "broken"
        storage.last = 0
        await until_well(writer)
        accepted, refused = await clients(writer, "later", 1)
        await asyncio.to_thread(writer.close)
        assert not refused and set(records(tmp_path)) == accepted

    uvloop.run(work())


def test_a_leftover_that_could_not_be_sealed_at_start_is_sealed_later(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=30)
        first, _ = await clients(writer, "first", 1)
        await asyncio.to_thread(writer.close)
        (segment,) = sealed(tmp_path)
        segment.path.rename(tmp_path / f"{segment.number:020d}.open")
        storage = Refusing("rename", 1, 1, errno.EIO)
        writer = SpoolWriter(tmp_path, segment_seconds=30, storage=storage)
        assert len(writer.recovered.unfinished) == 1
        second, _ = await clients(writer, "second", 1)
        deadline = time.monotonic() + 60
        while not sealed(tmp_path):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await asyncio.to_thread(writer.close)
        assert sorted(records(tmp_path)) == sorted(first | second)

    uvloop.run(work())


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MB."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = tmp_path / "disk"
    folder.mkdir()
    if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=2m"):
        pytest.skip(f"cannot mount a tmpfs here: {os.strerror(ctypes.get_errno())}")
    yield folder
    libc.umount2(bytes(folder), 2)


def test_a_real_disk_runs_full_and_is_emptied(tiny_disk: Path) -> None:
    async def work() -> None:
        spool = tiny_disk / "spool"
        writer = SpoolWriter(spool, segment_bytes=200_000, segment_seconds=0.05, keep_free=0)
        accepted: set[bytes] = set()
        with pytest.raises(SpoolBroken, match="No space left"):
            for n in range(1000):
                body = str(n).encode().ljust(9000, b".")
                await writer.append(Envelope(n, "p", 1, Part.TRACES, body))
                accepted.add(body)
        assert len(accepted) > 150
        for segment in sealed(spool)[:3]:  # the loader frees some
            assert isinstance(verify(segment), Sound)
            accepted -= {record.envelope.body for record in decode(segment.path.read_bytes())}
            segment.path.unlink()
        await until_well(writer)
        await writer.append(Envelope(1, "p", 1, Part.TRACES, b"after"))
        await asyncio.to_thread(writer.close)
        assert set(records(spool)) == accepted | {b"after"}

    uvloop.run(asyncio.wait_for(work(), 120))
