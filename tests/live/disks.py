"""Small disks of our own, which only root can have."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 1 << 20


@contextlib.contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk in memory; skips the test where nobody may mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
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


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
