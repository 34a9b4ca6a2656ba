"""Small disks of our own, which only root can have."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 1 << 20


@contextlib.contextmanager
def disk(folder: Path, megabytes: int, *, inodes: int = 0) -> Iterator[Path]:
    """A disk in memory; skips the test where nobody may mount one. `inodes`: so many files at most; 0: enough."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m,nr_inodes={inodes}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def read_only(folder: Path, *, on: bool = True) -> None:
    """Nobody can write there any more, root neither; or everybody may again."""
    _mount("-o", f"remount,{'ro' if on else 'rw'}", str(folder))


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Take the room that is left, all but `leave` bytes; who deletes the file gives it back."""
    path = folder / "other-program"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            left = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - leave
            if left <= 0:
                break
            file.write(bytes(min(left, MIB)))
    return path


def crowd(folder: Path) -> Path:
    """Take every file that the disk can still have; who deletes the folder gives them back."""
    path = folder / "other-program"
    with contextlib.suppress(OSError):
        path.mkdir(exist_ok=True)
        for number in itertools.count():
            (path / str(number)).touch()
    return path


def release(path: Path) -> None:
    """The other program goes, with all that it took."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
