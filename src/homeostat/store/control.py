"""The control folder: what the core publishes and every edge reads, so that doors work while the core does not.

`control/snapshot.json` is replaced whole (written, synced, renamed, folder synced), so a reader sees one version or the
next. It carries its own checksum; a reader that finds it damaged keeps the last good one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.records.visitor import SCOPES, Scope
from homeostat.store import overrides

SNAPSHOT: Final = "snapshot.json"
PEPPER: Final = "pepper"
USED: Final = "used.json"
_turn: Final = threading.Lock()
_published: Final[dict[Path, int]] = {}
"""Versions by folder. In memory, not read from the file: after a restore of the ledger versions may begin lower."""


def publish(folder: Path, snapshot: Snapshot) -> bool:
    """Make this what every edge obeys, a fifth of a second from now. `folder`: `control/` of the data directory.

    False: this process has published a newer one meanwhile. Of two threads that gathered at the same time the slower
    one must not bring a revoked key back.
    """
    with _turn:
        if snapshot.version < _published.get(folder, snapshot.version):
            return False
        _write_private(folder / SNAPSHOT, encode(snapshot))
        _published[folder] = snapshot.version
        return True


def secret(folder: Path, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret in a file that only its owner may read; made once, when it is not there."""
    path = folder / name
    with contextlib.suppress(FileNotFoundError):
        return _read_private(path)
    _make_folder(folder)
    draft = folder / f".{name}.{os.getpid()}-{threading.get_ident()}.new"
    _write(draft, make())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)  # fails if somebody was quicker: theirs is the secret
    draft.unlink()
    _sync_folder(folder)
    return _read_private(path)


def pepper(folder: Path) -> bytes:
    """What the hashes of keys are made with. Without this file no key is ever recognised again: back it up."""
    return secret(folder, PEPPER, lambda: os.urandom(32))


def encode(snapshot: Snapshot) -> bytes:
    """The published text. Neither pepper nor usable keys are in it."""
    said: dict[str, Any] = {
        "version": snapshot.version,
        "published_at": snapshot.published_at,
        "keys": [_key_as_json(key) for key in snapshot.keys.values()],
        "projects": sorted(snapshot.projects),
        "clock": dict(snapshot.clock),
        "policies": dict(snapshot.policies),
    }
    return _canonical(said | {"sha256": _sum(said)}) + b"\n"


def decode(text: bytes) -> Snapshot:
    """Read a published text; ValueError: it is damaged."""
    try:
        said = json.loads(text)
        if said.pop("sha256") != _sum(said):
            raise ValueError("its checksum does not fit")
        return Snapshot(
            version=said["version"],
            published_at=said["published_at"],
            keys={key["id"]: _key_from_json(key) for key in said["keys"]},
            projects=frozenset(said["projects"]),
            clock=said["clock"],
            policies=said["policies"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the snapshot is damaged: {error}") from error


def tell_used(folder: Path, used: Mapping[str, float]) -> None:
    """How the edge says when keys were last used. Not synced: losing it costs a date, waiting would cost requests."""
    with contextlib.suppress(OSError):  # a full disk must not turn away whoever asks
        draft = folder / f".{USED}.{os.getpid()}.new"
        _write(draft, _canonical(dict(used)), sync=False)
        draft.replace(folder / USED)


def used(folder: Path) -> dict[str, datetime]:
    """When keys were last used, as the edge said last; nothing when it said nothing readable."""
    try:
        said = json.loads((folder / USED).read_bytes())
        return {str(id): datetime.fromtimestamp(at, UTC) for id, at in said.items()}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}


class Reader:
    """Gives the newest good snapshot, overrides applied; None before there is one.

    Asking is cheap: a `stat` and a look for overrides in `every` seconds.
    """

    def __init__(self, folder: Path, *, every: float = 0.2, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._path = folder / SNAPSHOT
        self._every = every
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._stamp: tuple[int, ...] = ()
        self._published: Snapshot | None = None
        self._snapshot: Snapshot | None = None
        self._overridden: overrides.Stamp = ()
        self._held: list[overrides.Override] = []
        self.problem = ""
        """Why the newest file was not taken; empty: all is well."""

    def __call__(self) -> Snapshot | None:
        now = self._monotonic()
        if now - self._looked >= self._every:
            self._looked = now
            self._look()
        return self._snapshot

    def refresh(self) -> Snapshot | None:
        """The newest, as of now: for whoever has just changed it."""
        self._look()
        return self._snapshot

    def _look(self) -> None:
        # Overrides first: the core publishes what it took over before it deletes them, so nothing is missed between.
        before = self._published, self._held
        stamp = overrides.stamp(self._folder)
        if stamp != self._overridden:
            self._held = overrides.listed(self._folder)
            self._overridden = stamp
        self._read()
        if self._published is not None and (self._published, self._held) != before:
            self._snapshot = replace(self._published, policies=overrides.applied(self._published.policies, self._held))

    def _read(self) -> None:
        try:
            found = self._path.stat()
        except OSError as error:
            self.problem = f"the snapshot cannot be read: {error.strerror}"
            return
        stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)
        if stamp == self._stamp:
            return
        try:
            snapshot = decode(self._path.read_bytes())
            self._published = replace(snapshot, pepper=_read_private(self._folder / PEPPER))
            self.problem = ""
        except (OSError, ValueError) as error:
            self.problem = str(error)
        else:
            # Only a good file counts as seen: reading a bad one again costs little, missing its repair costs much.
            self._stamp = stamp


def _key_as_json(key: PublishedKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "hash": key.hash.hex(),
        "project": key.project,
        "scopes": sorted(key.scopes),
        "expires": key.expires,
        "revoked": key.revoked,
        "operator": key.operator,
        "limits": dict(key.limits),
        "paid": list(key.paid),
    }


def _key_from_json(said: dict[str, Any]) -> PublishedKey:
    return PublishedKey(
        id=said["id"],
        hash=bytes.fromhex(said["hash"]),
        project=said["project"],
        scopes=_scopes(said["scopes"]),
        expires=said["expires"],
        revoked=said["revoked"],
        operator=said["operator"],
        limits=said.get("limits", {}),
        paid=tuple(said.get("paid", (0, 0.0))),
    )


def _scopes(said: Iterable[str]) -> frozenset[Scope]:
    """A scope of a later version is no scope here."""
    return frozenset(scope for scope in SCOPES if scope in said)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _sum(said: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(said)).hexdigest()


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write_private(path: Path, text: bytes) -> None:
    _make_folder(path.parent)
    draft = path.parent / f".{path.name}.{os.getpid()}.new"
    _write(draft, text)
    draft.replace(path)
    _sync_folder(path.parent)


def _write(path: Path, text: bytes, *, sync: bool = True) -> None:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(text)
        out.flush()
        if sync:
            os.fsync(file)


def _read_private(path: Path) -> bytes:
    text = path.read_bytes()
    if not text:
        raise ValueError(f"{path.name} is empty: restore it from a backup")
    return text


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
