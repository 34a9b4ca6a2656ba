"""Segment files: their names, whether they are sound, and what can be saved when they are not.

`<number>.open` is being written; `<number>-<items>.seg` is sealed and waits for the loader; `quarantine/` keeps what
was damaged. The number of items in the name and `before` in each record count a loss exactly.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeostat.store.spool.envelope import Frame, frame_at, frames
from homeostat.store.spool.storage import Storage

QUARANTINE: Final = "quarantine"
DISK: Final = Storage()
_SEALED: Final = re.compile(r"(\d{20})-(\d+)\.seg")
_OPEN: Final = re.compile(r"(\d{20})\.open")
_CLEAN: Final = ".clean"
_LAST: Final = 10**20


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A sealed segment: no writer touches it again."""

    number: int
    items: int
    path: Path


@dataclass(frozen=True, slots=True)
class Sound:
    """Every byte belongs to a record whose checksum holds, and no item is missing."""

    frames: tuple[Frame, ...]

    @property
    def records(self) -> int:
        """How many there are."""
        return len(self.frames)


@dataclass(frozen=True, slots=True)
class Damaged:
    """`records` can be kept; `lost_items` were in the segment when it was sealed and are not any more."""

    records: int
    lost_items: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the loader. `oldest`: when its oldest segment began (machine clock, unix µs); 0: nothing waits."""

    bytes: int
    items: int
    oldest: int
    segments: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `recover` did with the files of writers that died."""

    sealed: tuple[Segment, ...]
    cut_bytes: int
    unfinished: tuple[Path, ...]


def open_name(number: int) -> str:
    return f"{number:020d}.open"


def sealed_name(number: int, items: int) -> str:
    return f"{number:020d}-{items}.seg"


def parse_sealed(folder: Path, name: str) -> Segment | None:
    """The segment of a file name, or None when it is not the name of a sealed one."""
    match = _SEALED.fullmatch(name)
    return Segment(int(match[1]), int(match[2]), folder / name) if match else None


def sealed(folder: Path, *, storage: Storage = DISK) -> list[Segment]:
    """The sealed segments, oldest first."""
    return sorted(filter(None, (parse_sealed(folder, name) for name in storage.names(folder))))


def last_number(folder: Path, *, storage: Storage = DISK) -> int:
    """The highest number that a file of this spool carries."""
    names = storage.names(folder) + storage.names(folder / QUARANTINE)
    return max((int(name[:20]) for name in names if name[:20].isdigit() and len(name) > 20), default=0)


def not_loaded(folder: Path, until: int, *, storage: Storage = DISK) -> set[int]:
    """Numbers up to `until` of segments whose files are there: the loader deletes a file when its rows are stored."""
    return {number for name in storage.names(folder) if 0 < (number := _number(name)) <= until}


def _number(name: str) -> int:
    """The number of a segment, sealed or being written; 0 of any other file."""
    match = _OPEN.fullmatch(name) or _SEALED.fullmatch(name)
    return int(match[1]) if match else 0


def oldest(folder: Path, *, storage: Storage = DISK) -> int:
    """When the oldest segment began that is not loaded (machine clock, unix µs), the one being written included.

    0: nothing waits. From names alone.
    """
    return min((number >> 12 for number in not_loaded(folder, _LAST, storage=storage)), default=0)


def waiting(folder: Path, *, storage: Storage = DISK) -> Waiting:
    """What waits for the loader: sealed segments by names and sizes, the one being written by reading it."""
    while True:
        names = storage.names(folder)
        found = sorted(filter(None, (parse_sealed(folder, name) for name in names)))
        try:
            written = [_written(folder / name, storage) for name in names if _OPEN.fullmatch(name)]
        except FileNotFoundError:  # sealed meanwhile
            continue
        break
    total = sum(bytes for bytes, _ in written)
    for segment in found:
        try:
            total += storage.size(segment.path)
        except FileNotFoundError:  # loaded meanwhile
            continue
    items = sum(segment.items for segment in found) + sum(items for _, items in written)
    numbers = [number for name in names if (number := _number(name))]
    return Waiting(total, items, min(numbers, default=0) >> 12, len(numbers))


def _written(path: Path, storage: Storage) -> tuple[int, int]:
    """Bytes and items of a segment that is being written."""
    data = storage.read(path)
    return len(data), max((frame.before + frame.items for frame in frames(data)), default=0)


def verify(segment: Segment, *, storage: Storage = DISK, data: bytes | None = None) -> Sound | Damaged:
    """Whether the engine can read this segment and everything is there. `data`: its bytes, if they were read."""
    data = storage.read(segment.path) if data is None else data
    at = items = 0
    found: list[Frame] = []
    while at < len(data):
        frame = frame_at(data, at)
        if frame is None or frame.before != items:
            break
        at = frame.end
        items += frame.items
        found.append(frame)
    if at == len(data) and items == segment.items:
        return Sound(tuple(found))
    kept = _kept(data)
    return Damaged(len(kept), max(0, segment.items - sum(frame.items for frame in kept)))


def salvage(segment: Segment, *, storage: Storage = DISK) -> Damaged:
    """Leaves only sound records in a damaged segment; the original goes to `quarantine/`.

    The file keeps its name, so `verify` counts the same loss again after a crash, and salvaging twice changes nothing.
    """
    data = storage.read(segment.path)
    kept = _kept(data)
    result = Damaged(len(kept), max(0, segment.items - sum(frame.items for frame in kept)))
    clean = b"".join(data[frame.offset : frame.end] for frame in kept)
    if clean == data:
        return result
    folder = segment.path.parent
    copy = folder / (segment.path.name + _CLEAN)
    _write_file(storage, copy, clean)
    _quarantine(storage, segment.path, segment.path.name)
    storage.rename(copy, segment.path)
    storage.sync_folder(folder)
    return result


def recover(folder: Path, *, alive: Collection[Path] = (), storage: Storage = DISK) -> Recovery:
    """Seals what writers that died left behind. Only the holder of the writer's lock may call it.

    What follows the last sound record was torn by the crash and never acknowledged: it is cut into `quarantine/`. A
    file that the disk does not let us finish now stays as it is (`unfinished`). Files in `alive` are not touched.
    """
    done: list[Segment] = []
    unfinished: list[Path] = []
    cut = 0
    for name in sorted(storage.names(folder)):
        match = _OPEN.fullmatch(name)
        if not match or folder / name in alive:
            continue
        try:
            segment, tail = _recover_one(folder, name, int(match[1]), storage)
        except OSError:
            unfinished.append(folder / name)
            continue
        cut += tail
        if segment:
            done.append(segment)
    return Recovery(tuple(done), cut, tuple(unfinished))


def cut(path: Path, size: int, *, storage: Storage) -> None:
    """The file ends at `size`, on disk."""
    fd = storage.open(path)
    try:
        storage.truncate(fd, size)
        storage.sync_whole(fd)
    finally:
        storage.close(fd)


def _recover_one(folder: Path, name: str, number: int, storage: Storage) -> tuple[Segment | None, int]:
    path = folder / name
    data = storage.read(path)
    last = None
    for frame in frames(data):
        last = frame
    end, items = (last.end, last.before + last.items) if last else (0, 0)
    if end < len(data):
        _keep_aside(storage, folder, f"{name}.tail", data[end:])
    # Also when nothing is torn: what a dead process wrote may not be on disk yet.
    cut(path, end, storage=storage)
    if not end:
        storage.unlink(path)
        storage.sync_folder(folder)
        return None, len(data)
    segment = Segment(number, items, folder / sealed_name(number, items))
    storage.rename(path, segment.path)
    storage.sync_folder(folder)
    return segment, len(data) - end


def _kept(data: bytes) -> list[Frame]:
    """The sound records that continue the count of items; a copy of an earlier record does not."""
    kept: list[Frame] = []
    items = 0
    for frame in frames(data):
        if frame.before >= items:
            kept.append(frame)
            items = frame.before + frame.items
    return kept


def _quarantine(storage: Storage, path: Path, name: str) -> None:
    """A second name for the file in quarantine, or a copy of it where the file system has no links."""
    folder = path.parent / QUARANTINE
    storage.make_folder(folder)
    try:
        storage.link(path, folder / name)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        _write_file(storage, folder / name, storage.read(path))
    storage.sync_folder(folder)


def _keep_aside(storage: Storage, folder: Path, name: str, data: bytes) -> None:
    storage.make_folder(folder / QUARANTINE)
    _write_file(storage, folder / QUARANTINE / name, data)
    storage.sync_folder(folder / QUARANTINE)


def _write_file(storage: Storage, path: Path, data: bytes) -> None:
    storage.unlink(path)
    fd = storage.create(path)
    try:
        storage.write(fd, [data])
        storage.sync_whole(fd)
    finally:
        storage.close(fd)
