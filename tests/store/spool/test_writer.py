"""The writer: an answer only after the sync, sealed in time, full and held said clearly, numbers that only grow."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.store.spool.envelope import Envelope, Part, decode
from homeostat.store.spool.journal import Clocks, Journal, SpoolHeld
from homeostat.store.spool.room import Room
from homeostat.store.spool.segment import QUARANTINE, Sound, sealed, verify
from homeostat.store.spool.storage import Storage
from homeostat.store.spool.writer import SpoolBroken, SpoolFull, SpoolWriter

MIB = 1 << 20


def envelope(n: int, size: int = 100, items: int = 1) -> Envelope:
    return Envelope(n, "p", items, Part.TRACES, f"{n:010d}".encode().ljust(size, b"."))


def found(folder: Path) -> list[int]:
    """The ids of all records in sealed segments, in order; every segment must be sound."""
    out: list[int] = []
    for segment in sealed(folder):
        assert isinstance(verify(segment), Sound)
        out += [int(record.envelope.body[:10]) for record in decode(segment.path.read_bytes())]
    return out


def run(work: Coroutine[Any, Any, None]) -> None:
    uvloop.run(asyncio.wait_for(work, 250))


async def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def all_of(appends: list[Awaitable[None]]) -> list[BaseException | None]:
    return await asyncio.gather(*appends, return_exceptions=True)


class Watched(Storage):
    """Counts syncs, and can hold them."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.gate: Callable[[], None] = lambda: None

    def write(self, fd: int, pieces: Any) -> None:
        self.calls.append("write")
        super().write(fd, pieces)

    def sync(self, fd: int) -> None:
        self.gate()
        super().sync(fd)
        self.calls.append("sync")

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.calls.append("sync_folder")


def test_many_requests_share_one_sync_and_are_answered_after_it(tmp_path: Path) -> None:
    storage = Watched()

    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=30, storage=storage)
        await writer.append(envelope(0))
        held = asyncio.Event()
        loop = asyncio.get_running_loop()
        release = False

        def gate() -> None:
            loop.call_soon_threadsafe(held.set)
            deadline = time.monotonic() + 60
            while not release and time.monotonic() < deadline:
                time.sleep(0.001)

        storage.gate = gate
        storage.calls.clear()
        first = asyncio.create_task(writer.append(envelope(1)))
        await held.wait()
        others = [asyncio.create_task(writer.append(envelope(n))) for n in range(2, 200)]
        await asyncio.sleep(0.05)
        assert not first.done() and not any(task.done() for task in others)
        release = True
        await asyncio.gather(first, *others)
        assert storage.calls == ["write", "sync", "write", "sync"]
        await asyncio.to_thread(writer.close)

    run(work())
    assert found(tmp_path) == list(range(200))


def test_the_folder_is_synced_before_the_first_answer(tmp_path: Path) -> None:
    storage = Watched()

    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=30, storage=storage)
        storage.calls.clear()
        await writer.append(envelope(0))
        assert storage.calls == ["sync", "sync_folder", "write", "sync"]  # the number, the name, the record
        await asyncio.to_thread(writer.close)

    run(work())


def test_sync_os_answers_without_a_sync(tmp_path: Path) -> None:
    storage = Watched()

    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=30, storage=storage, sync="os")
        await writer.append(envelope(0))
        storage.calls.clear()
        await writer.append(envelope(1))
        assert storage.calls == ["write"]
        await asyncio.to_thread(writer.close)

    run(work())
    assert found(tmp_path) == [0, 1]


def test_sealed_at_size_at_age_when_idle_and_at_close(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_bytes=10_000, segment_seconds=30)
        await all_of([writer.append(envelope(n, 1000, 2)) for n in range(25)])
        await until(lambda: len(sealed(tmp_path)) == 2)
        assert writer.waiting().items == 50 and writer.waiting().segments == 3
        await asyncio.to_thread(writer.close)
        assert sum(segment.items for segment in sealed(tmp_path)) == 50

        begun = time.monotonic()
        writer = SpoolWriter(tmp_path, segment_seconds=0.2)
        await writer.append(envelope(25))
        await until(lambda: len(sealed(tmp_path)) == 4)
        assert time.monotonic() - begun > 0.15
        await until(lambda: writer.waiting().segments == 4)
        await asyncio.to_thread(writer.close)

    run(work())
    assert found(tmp_path) == list(range(26))
    assert not list(tmp_path.glob("*.open"))


def test_waiting_tells_bytes_items_and_oldest(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=0.05)
        assert writer.waiting().bytes == writer.waiting().items == writer.waiting().oldest == 0
        before = time.time_ns() // 1000
        await writer.append(envelope(0, items=7))
        assert writer.waiting().items == 7 and before <= writer.waiting().oldest <= time.time_ns() // 1000
        await until(lambda: len(sealed(tmp_path)) == 1)
        (segment,) = sealed(tmp_path)
        await until(lambda: writer.waiting().bytes == segment.path.stat().st_size)
        segment.path.unlink()  # the loader is done with it
        await until(lambda: writer.waiting().items == 0)
        await asyncio.to_thread(writer.close)

    run(work())


def test_what_is_being_sealed_waits_too(tmp_path: Path) -> None:
    """A disk may take its time for it: meanwhile it is told, once."""
    sealing, go_on = threading.Event(), threading.Event()

    class Slow(Storage):
        def sync_whole(self, fd: int) -> None:
            sealing.set()
            go_on.wait(60)
            super().sync_whole(fd)

    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=0.05, storage=Slow())
        await writer.append(envelope(0, items=7))
        assert await asyncio.to_thread(sealing.wait, 60)
        meanwhile = writer.waiting()
        go_on.set()
        await until(lambda: len(sealed(tmp_path)) == 1)
        (segment,) = sealed(tmp_path)
        assert writer.waiting() == meanwhile
        assert (meanwhile.items, meanwhile.segments, meanwhile.oldest) == (7, 1, segment.number >> 12)
        await asyncio.to_thread(writer.close)

    run(work())


def test_nobody_loads_then_segments_grow_older(tmp_path: Path) -> None:
    for n in range(64):
        (tmp_path / f"{n + 1:020d}-1.seg").write_bytes(b"")

    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=0.1)
        await until(lambda: writer.waiting().segments == 64)
        begun = time.monotonic()
        await writer.append(envelope(1))
        await until(lambda: len(sealed(tmp_path)) == 65)
        assert time.monotonic() - begun > 0.4
        await asyncio.to_thread(writer.close)

    run(work())


def test_warn_full_and_room_again(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_bytes=20_000, segment_seconds=0.05, room=100_000, keep_free=0)
        states = []
        taken = 0
        with pytest.raises(SpoolFull) as refused:
            while True:
                await writer.append(envelope(taken, 1000))
                taken += 1
                states.append(writer.state)
        assert refused.value.retry_after == 2
        assert states[0] == "ok" and states[-1] in ("warn", "full") and "warn" in states
        assert 85 <= taken <= 95
        await until(lambda: len(found(tmp_path)) == taken)
        for segment in sealed(tmp_path):
            segment.path.unlink()
        await until(lambda: writer.state == "ok")
        await writer.append(envelope(0))
        await asyncio.to_thread(writer.close)

    run(work())
    assert found(tmp_path) == [0]


def test_full_while_the_disk_has_less_than_it_must_keep(tmp_path: Path) -> None:
    class Small(Storage):
        left = 511 * MIB

        def free(self, folder: Path) -> int:
            return self.left

    async def work() -> None:
        storage = Small()
        writer = SpoolWriter(tmp_path, room=lambda: 10**12, storage=storage)
        assert writer.state == "full"
        with pytest.raises(SpoolFull):
            await writer.append(envelope(0))
        storage.left = 600 * MIB
        await until(lambda: writer.state == "ok")
        await writer.append(envelope(0))
        await asyncio.to_thread(writer.close)

    run(work())


def test_between_looks_at_the_disk_what_is_written_counts(tmp_path: Path) -> None:
    class Disk(Storage):
        def free(self, folder: Path) -> int:
            return 513 * MIB

    room = Room(tmp_path, 10**12, 512 * MIB, Disk())
    room.measure()
    assert room.level(0, MIB) == "ok" and room.level(0, MIB + 1) == "full"
    room.wrote(MIB // 2)
    assert room.level(0, MIB // 2) == "ok" and room.level(0, MIB // 2 + 1) == "full"


def test_the_writer_counts_what_it_wrote_since_it_last_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("_LOOK_BUSY", "_LOOK_IDLE"):  # however long the disk takes, it looks once
        monkeypatch.setattr(f"homeostat.store.spool.writer.{pause}", 1e6)

    class Disk(Storage):
        def free(self, folder: Path) -> int:
            return 513 * MIB

    async def work() -> None:
        writer = SpoolWriter(tmp_path, room=10**12, storage=Disk())
        with pytest.raises(SpoolFull):
            for n in range(100):  # each alone fits between the looks at the disk
                await writer.append(envelope(n, 300_000))
        await asyncio.to_thread(writer.close)

    run(work())


def test_the_queue_is_bounded_in_bytes(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path, queue_bytes=100_000)
        await writer.append(envelope(0, 300_000))  # one that is alone always fits
        results = await all_of([writer.append(envelope(n, 20_000)) for n in range(1, 50)])
        refused = [error for error in results if error is not None]
        assert refused and all(isinstance(error, SpoolFull) and error.retry_after == 1 for error in refused)
        await asyncio.to_thread(writer.close)
        accepted = {n for n, error in enumerate(results, 1) if error is None}
        assert set(found(tmp_path)) == accepted | {0}

    run(work())


def test_a_client_that_left_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path)
        tasks = [asyncio.create_task(writer.append(envelope(n))) for n in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [error for error in results[1::2] if error is not None] == []
        await asyncio.to_thread(writer.close)

    run(work())
    assert set(range(1, 20, 2)) <= set(found(tmp_path)) and len(set(found(tmp_path))) == len(found(tmp_path))


def test_close_writes_what_is_queued_and_refuses_the_rest(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path)
        tasks = [asyncio.create_task(writer.append(envelope(n))) for n in range(50)]
        await asyncio.sleep(0)
        await asyncio.to_thread(writer.close)
        assert await all_of(list(tasks)) == [None] * 50
        with pytest.raises(SpoolBroken):
            await writer.append(envelope(50))

    run(work())
    assert found(tmp_path) == list(range(50))


def test_two_loops_share_a_writer(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)

    def client(first: int) -> None:
        async def work() -> None:
            await asyncio.gather(*(writer.append(envelope(n)) for n in range(first, first + 100)))

        asyncio.run(work())

    async def both() -> None:
        await asyncio.gather(asyncio.to_thread(client, 0), asyncio.to_thread(client, 100))

    run(both())
    writer.close()
    assert sorted(found(tmp_path)) == list(range(200))


def test_a_held_spool_says_who_holds_it(tmp_path: Path) -> None:
    import os

    writer = SpoolWriter(tmp_path)
    with pytest.raises(SpoolHeld, match=rf"pid {os.getpid()} since 20.* UTC\)"):
        SpoolWriter(tmp_path)
    writer.close()
    SpoolWriter(tmp_path).close()


def test_leftovers_of_a_dead_writer_are_sealed_at_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=MIB, segment_seconds=1)
    journal.start()
    journal.commit([envelope(1), envelope(2)])
    (leftover,) = tmp_path.glob("*.open")
    with leftover.open("ab") as file:
        file.write(b"torn")
    (tmp_path / "left").mkdir()
    leftover.rename(tmp_path / "left" / leftover.name)
    writer = SpoolWriter(tmp_path / "left")
    assert writer.recovered.cut_bytes == 4 and len(writer.recovered.sealed) == 1
    assert writer.waiting().items == 2
    writer.close()
    assert found(tmp_path / "left") == [1, 2]
    assert [path.read_bytes() for path in (tmp_path / "left" / QUARANTINE).iterdir()] == [b"torn"]


def test_a_request_longer_than_a_segment_is_kept_whole(tmp_path: Path) -> None:
    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_bytes=1000)
        await asyncio.gather(*(writer.append(envelope(n, 50_000)) for n in range(3)))
        await asyncio.to_thread(writer.close)

    run(work())
    assert found(tmp_path) == [0, 1, 2] and len(sealed(tmp_path)) == 3


HOUR, DAY = 3_600_000_000, 86_400_000_000
NOW = 1_795_000_000_000_000
JUMPS = [
    NOW,
    NOW + HOUR,
    NOW - HOUR,
    NOW + DAY,
    NOW - DAY,
    0,
    2_145_916_800_000_000,
    4_102_444_800_000_000,
    -5,
    1 << 62,
]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(JUMPS), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_numbers_only_grow_whatever_the_clock_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool, bool]]
) -> None:
    """T14: also over restarts, and when the loader has emptied the spool meanwhile."""
    folder = tmp_path_factory.mktemp("clock")
    numbers: list[int] = []
    ids: list[int] = []
    now = [NOW]
    journal = Journal(folder, segment_bytes=1, segment_seconds=60, clocks=Clocks(unix_us=lambda: now[0]))
    journal.start()
    for n, (jump, restart, emptied) in enumerate(steps):
        now[0] = jump
        journal.commit([envelope(n)])
        journal.tick()
        numbers += [segment.number for segment in sealed(folder) if segment.number not in numbers]
        ids += [n for n in found(folder) if n not in ids]
        if emptied:
            for segment in sealed(folder):
                segment.path.unlink()
        if restart:
            journal.close()
            journal = Journal(folder, segment_bytes=1, segment_seconds=60, clocks=Clocks(unix_us=lambda: now[0]))
            journal.start()
    journal.close()
    assert numbers == sorted(set(numbers)) and len(numbers) == len(steps) and numbers[-1] < 1 << 63
    assert ids == list(range(len(steps)))


def test_a_jump_of_the_wall_clock_does_not_delay_sealing(tmp_path: Path) -> None:
    now = [NOW]

    async def work() -> None:
        writer = SpoolWriter(tmp_path, segment_seconds=0.05, clocks=Clocks(unix_us=lambda: now[0]))
        for n, jump in enumerate(JUMPS):
            now[0] = jump
            await writer.append(envelope(n))
            await until(lambda n=n: len(sealed(tmp_path)) == n + 1)
        await asyncio.to_thread(writer.close)

    run(work())
    assert found(tmp_path) == list(range(len(JUMPS)))
