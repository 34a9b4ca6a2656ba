"""The data directory: where everything of one server lies, who may open it, and which version wrote it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

#: Grows when an older version could no longer read what this one writes.
FORMAT: Final = 1
_MARK: Final = "FORMAT"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class FolderRefused(Exception):
    """The data directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths inside a data directory."""

    root: Path

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def control(self) -> Path:
        return self.root / "control"

    @property
    def snapshot(self) -> Path:
        return self.control / "snapshot.json"

    @property
    def clock(self) -> Path:
        return self.control / "clock"

    @property
    def heard(self) -> Path:
        """What judges answered and what is not stored yet."""
        return self.control / "heard.jsonl"

    @property
    def core_socket(self) -> Path:
        """Where the core listens. A socket's path may have 107 bytes; deeper directories use the temporary folder."""
        path = self.control / "core.sock"
        if len(os.fsencode(path)) < 100:
            return path
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"homeostat-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise FolderRefused(f"{folder} is not ours alone: remove it, or use a shorter path for the data directory.")
        return folder / "core.sock"

    def leave_socket(self) -> None:
        """The core is gone: so is its socket, and the folder that was made for it alone."""
        path = self.core_socket
        path.unlink(missing_ok=True)
        if path.parent != self.control:
            with contextlib.suppress(OSError):
                path.parent.rmdir()

    @property
    def operator(self) -> Path:
        """The secret of the person who owns this machine: read by the command line, never sent anywhere else."""
        return self.control / "operator"

    @property
    def made(self) -> bool:
        """Whether it was ever a data directory."""
        return (self.root / _MARK).exists()

    def prepare(self) -> None:
        """Make the directory usable for us alone, or refuse with a reason.

        A full disk is a reason only for a new directory: on one that is there the server starts, refuses data and
        takes it again when there is room.
        """
        try:
            for folder in (self.root, self.spool, self.control):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check_format()
            if not (self.root / _MARK).exists():
                _write_whole(self.root / _MARK, f"{FORMAT}\n")
            if not self.operator.exists():
                _write_whole(self.operator, secrets.token_urlsafe(32))
            _probe(self.control)
        except PermissionError as error:
            raise FolderRefused(
                f"{error.filename} cannot be written: give it to this user, or choose another with --data."
            ) from error
        except OSError as error:
            raise FolderRefused(f"{self.root} cannot be used ({error.strerror}): {_what_to_do(error)}") from error

    def check_format(self) -> None:
        """Refuse a directory that a newer version wrote, without touching it."""
        try:
            found = (self.root / _MARK).read_text(errors="replace").strip()
        except FileNotFoundError:
            return
        if not found.isdigit():
            raise FolderRefused(
                f"{self.root}/{_MARK} is damaged: it says {found[:40]!r} where a number should be. "
                f"Write {FORMAT} into it if this version wrote the directory, or choose another with --data."
            )
        if int(found) > FORMAT:
            raise FolderRefused(
                f"{self.root} is in format {found}, this version reads up to {FORMAT}. "
                "It was written by a newer homeostat: install that version, or choose another directory with --data."
            )

    def hold(self, what: str) -> IO[str]:
        """Hold a lock of this directory until the file is closed; says who holds it when somebody does."""
        path = self.root / f"{what}.lock"
        try:
            file = path.open("a+")
        except OSError as error:
            raise FolderRefused(f"{path} cannot be opened ({error.strerror}): {_what_to_do(error)}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = _holder(file.read())
            file.close()
            raise FolderRefused(
                f"{self.root} is already open{holder}. End that process, or choose another directory with --data."
            ) from error
        told = json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")})
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same; only the name on it is missing
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), told.encode())
        return file


def _write_whole(path: Path, text: str) -> None:
    """All of it or nothing: half a file would be taken for damage at the next start."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        draft.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _probe(folder: Path) -> None:
    """Raise OSError when nothing can be written here. That there is no room now is no reason."""
    path = folder / f".probe-{os.getpid()}"
    try:
        path.write_bytes(b"x")
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
    path.unlink(missing_ok=True)


def _what_to_do(error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return "free some space, or choose another disk with --data."
    if error.errno == errno.EROFS:
        return "the disk is mounted read-only; mount it for writing, or choose another with --data."
    return "choose another with --data."


def _holder(text: str) -> str:
    try:
        told: dict[str, Any] = json.loads(text)
    except ValueError:
        return ""
    return f" by process {told.get('pid')} since {told.get('since')}"
