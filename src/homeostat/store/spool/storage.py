"""The few calls that the spool makes to the operating system, in one place: tests can make each of them fail."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PAGE: Final = 4096
_PIECES: Final = 1024  # the kernel's limit for one writev


class Storage:
    """The real disk."""

    def make_folder(self, path: Path) -> None:
        """The folder is there, and so is its name in the parent after a power loss."""
        if not path.is_dir():
            if not path.parent.is_dir():
                self.make_folder(path.parent)
            path.mkdir(exist_ok=True, mode=0o700)
        self.sync_folder(path.parent)

    def create(self, path: Path) -> int:
        """A new file to append to; it must not exist."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        """An existing file, to cut it or to sync it."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def write(self, fd: int, pieces: Sequence[bytes]) -> None:
        """All of the pieces, one after the other."""
        for first in range(0, len(pieces), _PIECES):
            some = pieces[first : first + _PIECES]
            done = os.writev(fd, some)
            rest = memoryview(b"".join(some))[done:] if done < sum(map(len, some)) else memoryview(b"")
            while rest:
                rest = rest[os.write(fd, rest) :]

    def write_start(self, fd: int, text: bytes) -> None:
        """A few bytes at the beginning of a file."""
        os.pwrite(fd, text, 0)

    def sync(self, fd: int) -> None:
        """What was written is on disk."""
        os.fdatasync(fd)

    def sync_whole(self, fd: int) -> None:
        """What was written or cut is on disk, with the file's size and times."""
        os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        os.close(fd)

    def sync_folder(self, folder: Path) -> None:
        """Names made, changed and removed in the folder are on disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def link(self, source: Path, target: Path) -> None:
        """A second name for the same file."""
        os.link(source, target)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def read(self, path: Path) -> bytes:
        """The whole file; pages that the disk cannot give are zeros, so that the rest can be saved."""
        try:
            return path.read_bytes()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        return _read_what_can_be_read(path)

    def names(self, folder: Path) -> list[str]:
        """The names in a folder; none when it is not there."""
        try:
            return [path.name for path in folder.iterdir()]
        except FileNotFoundError:
            return []

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def free(self, folder: Path) -> int:
        """Bytes left on the disk for this process."""
        disk = os.statvfs(folder)
        return disk.f_bavail * disk.f_frsize

    def lock(self, path: Path) -> int | None:
        """An open file that only this process holds until it ends; None: another process holds it."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError:
            os.close(fd)
            raise
        return fd


def _read_what_can_be_read(path: Path) -> bytes:
    out = bytearray()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for at in range(0, size, _PAGE):
            try:
                page = os.pread(file.fileno(), _PAGE, at)
            except OSError:
                page = b""
            out += page.ljust(min(_PAGE, size - at), b"\0")
    return bytes(out)
