"""The data directory: where everything of one server lies, who may open it, and which version wrote it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

#: Grows when an older version could no longer read what this one writes.
FORMAT: Final = 1


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
    def core_socket(self) -> Path:
        """Where the core listens. A socket's path may have 107 bytes; deeper directories use the temporary folder."""
        path = self.control / "core.sock"
        if len(os.fsencode(path)) < 100:
            return path
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"homeostat-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / "core.sock"

    @property
    def operator(self) -> Path:
        """The secret of the person who owns this machine: read by the command line, never sent anywhere else."""
        return self.control / "operator"

    def prepare(self) -> None:
        """Make the directory usable for us alone, or refuse with a reason."""
        try:
            for folder in (self.root, self.spool, self.control):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_format()
            self._secret(self.operator)
            probe = self.control / ".probe"
            probe.write_bytes(b"x")
            probe.unlink()
        except PermissionError as error:
            raise FolderRefused(
                f"{error.filename} cannot be written: give it to this user, or choose another with --data."
            ) from error
        except OSError as error:
            raise FolderRefused(
                f"{self.root} cannot be used ({error.strerror}): free space or choose another with --data."
            ) from error

    def _check_format(self) -> None:
        mark = self.root / "FORMAT"
        if not mark.exists():
            mark.write_text(f"{FORMAT}\n")
            return
        found = mark.read_text().strip()
        if not found.isdigit() or int(found) > FORMAT:
            raise FolderRefused(
                f"{self.root} is in format {found}, this version reads up to {FORMAT}. "
                "It was written by a newer homeostat: install that version, or choose another directory with --data."
            )

    @staticmethod
    def _secret(path: Path) -> None:
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(32))

    def hold(self, what: str) -> IO[str]:
        """Hold a lock of this directory until the file is closed; says who holds it when somebody does."""
        path = self.root / f"{what}.lock"
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = _holder(file.read())
            file.close()
            raise FolderRefused(
                f"{self.root} is already open{holder}. End that process, or choose another directory with --data."
            ) from error
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}))
        file.flush()
        return file


def _holder(text: str) -> str:
    try:
        told: dict[str, Any] = json.loads(text)
    except ValueError:
        return ""
    return f" by process {told.get('pid')} since {told.get('since')}"
