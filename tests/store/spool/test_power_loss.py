"""T1c: a simulated disk that loses power. What was not synced is dropped or torn, names that were not synced vanish."""

from __future__ import annotations

import errno
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.store.spool.envelope import Envelope, Part, decode
from homeostat.store.spool.journal import Clocks, Journal
from homeostat.store.spool.segment import Damaged, salvage, sealed, verify
from homeostat.store.spool.storage import Storage

SECTOR = 512
FOLDER = Path("/spool")


class PowerLoss(BaseException):
    """The machine stops here."""


@dataclass
class File:
    """`seen` is what a reader sees now, `disk` what would be left; `dirty` leads from one to the other."""

    seen: bytearray = field(default_factory=bytearray)
    disk: bytearray = field(default_factory=bytearray)
    dirty: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: the file ends here

    def change(self, at: int, data: bytes | None) -> None:
        apply(self.seen, at, data)
        self.dirty.append((at, data))


def apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    content.extend(bytes(max(0, at + len(data) - len(content))))
    content[at : at + len(data)] = data


class SimulatedDisk(Storage):
    """In memory, and honest only about what was synced."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.seen: dict[Path, File] = {}
        self.disk: dict[Path, File] = {}
        self.renamed: list[tuple[Path | None, Path | None, File]] = []  # from, to
        self.handles: dict[int, list[object]] = {}
        self.next_fd = itertools.count(100)
        self.power_for = 1 << 30
        self.refuse: set[int] = set()
        self.calls = 0

    def step(self) -> None:
        self.calls += 1
        self.power_for -= 1
        if self.power_for < 0:
            raise PowerLoss
        if self.calls in self.refuse:
            raise OSError(errno.EIO, "injected")

    # Power

    def lose_power(self) -> None:
        for source, target, file in self.renamed:
            if self.draw.random() < 0.5:
                self._rename_on_disk(source, target, file)
        self.renamed.clear()
        for file in {id(file): file for file in (*self.seen.values(), *self.disk.values())}.values():
            self._lose_dirty(file)
            file.seen = bytearray(file.disk)
        self.seen = dict(self.disk)
        self.handles.clear()
        self.power_for = 1 << 30
        self.refuse = set()

    def write_back(self) -> None:
        """The kernel writes some of what is dirty, in its own order of names."""
        for file in self.seen.values():
            if self.draw.random() < 0.5:
                self._sync_file(file)
        if self.draw.random() < 0.5:
            self._sync_names()

    def _lose_dirty(self, file: File) -> None:
        for at, data in file.dirty:
            fate = self.draw.choice(("kept", "dropped", "torn"))
            if fate == "dropped" or (fate == "torn" and data is None):
                continue
            if fate == "kept" or data is None:
                apply(file.disk, at, data)
                continue
            self._tear(file, at, data)
        file.dirty.clear()

    def _tear(self, file: File, at: int, data: bytes) -> None:
        """Whole sectors arrive or do not; the bytes of earlier writes in a sector are never at risk."""
        start = at
        while start < at + len(data):
            stop = min(at + len(data), (start // SECTOR + 1) * SECTOR)
            if self.draw.random() < 0.5:
                apply(file.disk, start, data[start - at : stop - at])
            start = stop

    def _sync_file(self, file: File) -> None:
        for at, data in file.dirty:
            apply(file.disk, at, data)
        file.dirty.clear()

    def _rename_on_disk(self, source: Path | None, target: Path | None, file: File) -> None:
        if source and self.disk.get(source) is file:
            del self.disk[source]
        if target:
            self.disk[target] = file

    def _sync_names(self) -> None:
        for source, target, file in self.renamed:
            self._rename_on_disk(source, target, file)
        self.renamed.clear()

    # The calls

    def _handle(self, file: File) -> int:
        fd = next(self.next_fd)
        self.handles[fd] = [file, 0]
        return fd

    def _file(self, fd: int) -> File:
        file = self.handles[fd][0]
        assert isinstance(file, File)
        return file

    def make_folder(self, path: Path) -> None:
        self.step()

    def create(self, path: Path) -> int:
        self.step()
        if path in self.seen:
            raise FileExistsError(path)
        self.seen[path] = File()
        self.renamed.append((None, path, self.seen[path]))
        return self._handle(self.seen[path])

    def open(self, path: Path) -> int:
        self.step()
        if path not in self.seen:
            raise FileNotFoundError(path)
        return self._handle(self.seen[path])

    def write(self, fd: int, pieces: Sequence[bytes]) -> None:
        data = b"".join(pieces)
        handle = self.handles[fd]
        at = handle[1]
        assert isinstance(at, int)
        try:
            self.step()
        except BaseException:
            data = data[: self.draw.randint(0, len(data))]
            self._file(fd).change(at, data)
            handle[1] = at + len(data)
            raise
        self._file(fd).change(at, data)
        handle[1] = at + len(data)

    def write_start(self, fd: int, text: bytes) -> None:
        self.step()
        self._file(fd).change(0, text)

    def sync(self, fd: int) -> None:
        file = self._file(fd)
        try:
            self.step()
        except OSError:
            self._lose_dirty(file)  # the kernel calls it clean now, and forgets it
            raise
        self._sync_file(file)

    def sync_whole(self, fd: int) -> None:
        self.sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self.step()
        self._file(fd).change(size, None)

    def close(self, fd: int) -> None:
        self.handles.pop(fd, None)

    def sync_folder(self, folder: Path) -> None:
        self.step()
        self._sync_names()

    def rename(self, source: Path, target: Path) -> None:
        self.step()
        file = self.seen.pop(source)
        self.seen[target] = file
        self.renamed.append((source, target, file))

    def link(self, source: Path, target: Path) -> None:
        self.step()
        if target in self.seen:
            raise FileExistsError(target)
        self.seen[target] = self.seen[source]
        self.renamed.append((None, target, self.seen[source]))

    def unlink(self, path: Path) -> None:
        self.step()
        if path in self.seen:
            self.renamed.append((path, None, self.seen.pop(path)))

    def read(self, path: Path) -> bytes:
        return bytes(self.seen[path].seen)

    def names(self, folder: Path) -> list[str]:
        return [path.name for path in self.seen if path.parent == folder]

    def size(self, path: Path) -> int:
        return len(self.seen[path].seen)

    def lock(self, path: Path) -> int | None:
        return self.open(path) if path in self.seen else self.create(path)


@pytest.mark.parametrize("seed", range(40))
def test_what_salvage_kept_survives_a_power_loss(seed: int) -> None:
    disk = SimulatedDisk(seed)
    journal = Journal(FOLDER, segment_bytes=1 << 20, segment_seconds=1, storage=disk)
    journal.start()
    journal.commit([Envelope(n, "p", 1, Part.TRACES, bytes(700)) for n in range(6)])
    journal.close()
    (segment,) = sealed(FOLDER, storage=disk)
    for content in (disk.seen[segment.path].seen, disk.seen[segment.path].disk):
        content[2000] ^= 1
    disk.power_for = disk.draw.randint(0, 12)
    try:
        salvage(segment, storage=disk)
    except PowerLoss:
        disk.lose_power()
    disk.lose_power()
    assert verify(segment, storage=disk) == Damaged(5, 1) == salvage(segment, storage=disk)
    assert [record.envelope.received for record in decode(disk.read(segment.path))] == [0, 1, 3, 4, 5]


class World:
    """A spool on the simulated disk, its clients and its loader, and the truth about what was acknowledged."""

    def __init__(self, seed: int) -> None:
        self.disk = SimulatedDisk(seed)
        self.draw = random.Random(seed + 1)
        self.now = 0.0
        self.ids = itertools.count()
        self.acknowledged: set[int] = set()
        self.loaded: dict[int, list[int]] = {}
        self.journal: Journal | None = None
        self.start()

    def start(self) -> None:
        """As the writer does: tried until the disk lets it."""
        clocks = Clocks(unix_us=lambda: self.draw.choice((10**15, 10**15 + 10**6, 5)), monotonic=lambda: self.now)
        while True:
            journal = Journal(FOLDER, segment_bytes=3000, segment_seconds=1, storage=self.disk, clocks=clocks)
            try:
                journal.start()
            except OSError:
                continue
            self.journal = journal
            return

    def guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except PowerLoss:
            self.crash()
        except OSError:
            return

    def crash(self) -> None:
        while True:
            self.disk.lose_power()
            if self.draw.random() < 0.2:  # power fails again during recovery
                self.disk.power_for = self.draw.randint(0, 12)
            try:
                self.start()
            except PowerLoss:
                continue
            return

    def commit(self, records: int) -> None:
        batch = []
        for _ in range(records):
            body = b"%010d" % next(self.ids) + bytes(self.draw.choice((0, 100, 500, 1500)))
            batch.append(Envelope(1, "p", 1, Part.TRACES, body))

        def act() -> None:
            assert self.journal
            self.journal.commit(batch)
            self.acknowledged |= {int(envelope.body[:10]) for envelope in batch}

        self.guarded(act)

    def tick(self) -> None:
        self.now += self.draw.choice((0.1, 1.5))

        def act() -> None:
            assert self.journal
            self.journal.tick()

        self.guarded(act)

    def restart(self) -> None:
        def act() -> None:
            assert self.journal
            self.journal.close()
            self.start()

        self.guarded(act)

    def load(self) -> None:
        """The loader: reads the oldest segment, remembers in its ledger that it did, and removes the file."""

        def act() -> None:
            for segment in sealed(FOLDER, storage=self.disk)[:1]:
                if segment.number not in self.loaded:
                    if isinstance(verify(segment, storage=self.disk), Damaged):
                        salvage(segment, storage=self.disk)
                    self.loaded[segment.number] = self.content(segment.path)
                self.disk.unlink(segment.path)

        self.guarded(act)

    def content(self, path: Path) -> list[int]:
        return [int(record.envelope.body[:10]) for record in decode(self.disk.read(path))]

    def check(self) -> None:
        self.disk.power_for, self.disk.refuse = 1 << 30, set()
        self.crash()
        stored = [n for content in self.loaded.values() for n in content]
        for segment in sealed(FOLDER, storage=self.disk):
            if segment.number not in self.loaded:
                stored += self.content(segment.path)
        lost = self.acknowledged - set(stored)
        assert not lost, f"acknowledged and lost: {sorted(lost)}"
        twice = {n for n in stored if stored.count(n) > 1}
        assert not twice & self.acknowledged, f"acknowledged and doubled: {sorted(twice)}"
        assert not twice, f"doubled: {sorted(twice)}"


STEPS = st.one_of(
    st.tuples(st.just("commit"), st.integers(1, 5)),
    st.tuples(st.just("commit"), st.integers(1, 2)),
    st.tuples(st.just("tick"), st.just(0)),
    st.tuples(st.just("load"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("write_back"), st.just(0)),
    st.tuples(st.just("power_for"), st.integers(0, 15)),
    st.tuples(st.just("refuse"), st.integers(1, 12)),
    st.tuples(st.just("refuse_many"), st.integers(1, 12)),
)
SEQUENCES = st.lists(STEPS, min_size=5, max_size=50)


def play(seed: int, steps: list[tuple[str, int]]) -> World:
    world = World(seed)
    for name, n in steps:
        if name == "commit":
            world.commit(n)
        elif name == "power_for":
            world.disk.power_for = n
        elif name == "refuse":
            world.disk.refuse.add(world.disk.calls + n)
        elif name == "refuse_many":
            world.disk.refuse |= set(range(world.disk.calls + n, world.disk.calls + 2 * n))
        elif name == "write_back":
            world.disk.write_back()
        else:
            getattr(world, name)()
    world.check()
    return world


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=300, suppress_health_check=QUIET)
@given(st.integers(0, 2**32), SEQUENCES)
def test_power_loss_loses_nothing_acknowledged(seed: int, steps: list[tuple[str, int]]) -> None:
    play(seed, steps)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@settings(max_examples=20_000, suppress_health_check=QUIET)
@given(st.integers(0, 2**32), SEQUENCES)
def test_power_loss_loses_nothing_acknowledged_in_20_000_sequences(seed: int, steps: list[tuple[str, int]]) -> None:
    play(seed, steps)


def test_the_simulated_disk_finds_a_missing_sync() -> None:
    """The simulation must be able to fail: a writer that does not sync loses acknowledged records in it."""

    class Forgets(SimulatedDisk):
        def sync(self, fd: int) -> None:
            self.step()

    def loses(seed: int) -> bool:
        world = World.__new__(World)
        World.__init__(world, seed)
        world.disk.__class__ = Forgets
        for _ in range(5):
            world.commit(3)
        try:
            world.check()
        except AssertionError:
            return True
        return False

    assert any(loses(seed) for seed in range(10))


def test_the_simulated_disk_finds_a_missing_sync_of_the_folder() -> None:
    class Forgets(SimulatedDisk):
        def sync_folder(self, folder: Path) -> None:
            self.step()

    def loses(seed: int) -> bool:
        world = World(seed)
        world.disk.__class__ = Forgets
        for _ in range(5):
            world.commit(3)
        try:
            world.check()
        except AssertionError:
            return True
        return False

    assert any(loses(seed) for seed in range(10))


def test_the_simulation_reaches_what_it_should() -> None:
    """Plays fixed random sequences and looks at what they did: loads, refusals, many acknowledged."""
    draw = random.Random(1)
    acknowledged = loaded = 0
    names = ("commit", "commit", "commit", "tick", "load", "crash", "restart", "write_back", "power_for", "refuse")
    for seed in range(50):
        world = play(seed, [(draw.choice(names), draw.randint(1, 5)) for _ in range(50)])
        acknowledged += len(world.acknowledged)
        loaded += len(world.loaded)
    assert acknowledged > 1000 and loaded > 50
