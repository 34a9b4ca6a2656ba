"""`control/overrides/`: rollbacks made while the core is away. Edges obey them at once, the core takes them over.

One file a route, replaced whole: the rollbacks since the published policy, and the policy that they make of it. It
holds while the published policy has the version it was made against. See design/0006-steering.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from homeostat.records import policy as policies
from homeostat.records import rollback as rollbacks
from homeostat.records.policy import Policy
from homeostat.records.rollback import Rollback

FOLDER: Final = "overrides"
Stamp = tuple[tuple[str, int, int, int], ...]
log: Final = logging.getLogger("homeostat.overrides")
_mine: Final = threading.local()
_LOOK_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Override:
    """What a route obeys instead of its published policy."""

    project: str
    against: int
    """The version of the published policy; once it has another one this is over."""
    steps: tuple[Rollback, ...]
    policy: Policy


@contextlib.contextmanager
def locked(control: Path, seconds: float = 5.0) -> Iterator[None]:
    """One process at a time changes what is obeyed. Whoever holds it and hangs is not waited for longer than this.

    A thread that has it may take it again.
    """
    if getattr(_mine, "depth", 0):
        yield
        return
    control.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(control / f"{FOLDER}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait(handle, seconds)
        _mine.depth = 1
        yield
    finally:
        _mine.depth = 0
        os.close(handle)


def _wait(handle: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > end:
            log.warning("the lock of the overrides is held by a process that hangs: going on without it")
            return
        time.sleep(_LOOK_SECONDS)


def write(control: Path, override: Override) -> None:
    """Durable before it returns."""
    folder = control / FOLDER / override.project
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / _name(override.policy.route)
    draft = folder / f".{os.getpid()}-{threading.get_ident()}.new"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(encode(override))
        file.flush()
        os.fsync(handle)
    draft.replace(path)
    for changed in (folder, folder.parent, control):
        _sync(changed)


def drop(control: Path, override: Override) -> None:
    """The core has taken it over. What was added to it meanwhile, past a lock that nobody could get, stays."""
    folder = control / FOLDER / override.project
    path = folder / _name(override.policy.route)
    if _read(path) != override:
        return
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another route's lies beside it
        _sync(folder)
        folder.rmdir()


def set_aside(control: Path) -> list[str]:
    """Put damaged files out of the way, under another name beside; tells which. Nobody has obeyed them."""
    damaged = [path for path in _files(control) if _read(path) is None and path.exists()]
    for path in damaged:
        path.replace(path.with_name(f"{path.name}.damaged"))
    return [path.name for path in damaged]


def stamp(control: Path) -> Stamp:
    """Differs when any of them has changed. Cheap: mostly there is no folder."""
    found = []
    for path in _files(control):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append((str(path), stat.st_mtime_ns, stat.st_ino, stat.st_size))
    return tuple(found)


def listed(control: Path) -> list[Override]:
    """All that can be read."""
    return [override for path in _files(control) if (override := _read(path)) is not None]


def applied(documents: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """The routing documents with what holds of the overrides."""
    changed = dict(documents)
    for override in overrides:
        document = changed.get(override.project, {})
        route = override.policy.route
        published = document.get("routes", {}).get(route)
        if published is None or published["version"] != override.against:
            continue
        changed[override.project] = document | {
            "version": document["version"] + override.policy.version - override.against,
            "routes": document["routes"] | {route: policies.as_json(override.policy)},
        }
    return changed


def encode(override: Override) -> bytes:
    """The text of a file, with its own checksum."""
    said = {
        "project": override.project,
        "against": override.against,
        "steps": [rollbacks.as_json(step) for step in override.steps],
        "policy": policies.as_json(override.policy),
    }
    return json.dumps(said | {"sha256": _sum(said)}, indent=1).encode() + b"\n"


def decode(text: bytes) -> Override:
    """Read it back; ValueError: it is damaged."""
    try:
        said = json.loads(text)
        if said.pop("sha256") != _sum(said):
            raise ValueError("its checksum does not fit")
        steps = tuple(rollbacks.from_json(step) for step in said["steps"])
        return Override(str(said["project"]), int(said["against"]), steps, policies.from_json(said["policy"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the override is damaged: {error}") from error


def _files(control: Path) -> list[Path]:
    try:
        projects = [entry.path for entry in os.scandir(control / FOLDER) if entry.is_dir()]
    except OSError:
        return []
    found: list[Path] = []
    for project in sorted(projects):
        with contextlib.suppress(OSError):
            names = (entry.name for entry in os.scandir(project))
            found += (Path(project) / name for name in sorted(names) if name.endswith(".json") and name[0] != ".")
    return found


def _read(path: Path) -> Override | None:
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("%s: %s", path, error)
        return None


def _name(route: str) -> str:
    """A file name for any route: no `/`, and no dot at the beginning, which would hide it."""
    name = quote(route, safe=":@+=")
    return ("%2E" + name[1:] if name.startswith(".") else name) + ".json"


def _sum(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
