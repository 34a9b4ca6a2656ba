"""Who is asking: reads the credential of a request and looks it up in the published snapshot."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from homeostat.config import Settings
from homeostat.doors import keys, refusals
from homeostat.doors.refusals import Refusal
from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.records.visitor import SCOPES, Visitor

FIRST_PROJECT: Final = "default"
_REMEMBERED: Final = 4096
_TELL_SECONDS: Final = 20.0
_NOBODY: Final = PublishedKey("", bytes(32), "", frozenset())
_FORWARDED: Final = (
    b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto",
    b"x-forwarded-server", b"x-real-ip",
)  # fmt: skip


@dataclass(slots=True)
class Seen:
    """The headers that a door looks at."""

    host: bytes = b""
    origin: bytes = b""
    site: bytes = b""
    authorization: bytes = b""
    api_key: bytes = b""
    own_key: bytes = b""
    """`x-homeostat-key`: a key of ours beside a provider's key that goes on to the provider."""
    project: bytes = b""
    content_type: bytes = b""
    forwarded: bool = False
    doubled: bool = False
    """A credential or host was sent twice: two readers might take two different ones, so it is none."""


def look(headers: Iterable[tuple[bytes, bytes]]) -> Seen:
    """Pick them out, in one pass; ASGI gives names in lower case."""
    seen = Seen()
    for name, value in headers:
        place = _PLACES.get(name)
        if place is None:
            continue
        if place == "forwarded":
            seen.forwarded = True
            continue
        if place in _ONCE and getattr(seen, place):
            seen.doubled = True
        setattr(seen, place, value)
    return seen


_PLACES: Final = {
    b"host": "host",
    b"origin": "origin",
    b"sec-fetch-site": "site",
    b"authorization": "authorization",
    b"x-api-key": "api_key",
    b"x-homeostat-key": "own_key",
    b"x-homeostat-project": "project",
    b"content-type": "content_type",
    **dict.fromkeys(_FORWARDED, "forwarded"),
}
_ONCE: Final = frozenset(("host", "origin", "authorization", "api_key", "own_key", "project"))


class Credentials:
    """Judges credentials. Tells now and then when each key was last seen (unix seconds), for whoever keeps that."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot | None],
        settings: Settings,
        *,
        now: Callable[[], float],
        core_alive: Callable[[], bool],
        tell_used: Callable[[Mapping[str, float]], None],
    ) -> None:
        self._snapshot = snapshot
        self._now = now
        self._core_alive = core_alive
        self._open = is_open(settings)
        self._of: Snapshot | None = None
        self._known: dict[bytes, tuple[Visitor, float | None]] = {}
        self._tell_used = tell_used
        self._used: dict[str, float] = {}
        self._told = float("-inf")

    def judge(self, seen: Seen) -> Visitor | Refusal:
        """The visitor, or why there is none."""
        if seen.doubled:
            return refusals.BAD_KEY
        if not seen.authorization and not seen.api_key and not seen.own_key:
            return self._stranger(seen, refusals.NO_KEY)
        snapshot = self._snapshot()
        if snapshot is not self._of:
            self._known.clear()
            self._of = snapshot
        mark = hashlib.sha256(b"\n".join((seen.authorization, seen.api_key, seen.own_key))).digest()
        hit = self._known.get(mark)
        if hit is None:
            return self._first_time(seen, snapshot, mark)
        visitor, expires = hit
        now = self._now()
        if expires is not None and expires <= now:
            return refusals.EXPIRED_KEY
        self._note(visitor, now)
        return _in_project(visitor, seen.project, snapshot) if seen.project else visitor

    def _note(self, visitor: Visitor, now: float) -> None:
        self._used[visitor.key_id] = now
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._tell_used(self._used)

    def _stranger(self, seen: Seen, refusal: Refusal) -> Visitor | Refusal:
        """Nobody's key: welcome on open loopback, unless somebody in front passed the request on."""
        if not self._open or seen.forwarded:
            return refusal
        return _in_project(_OPEN, seen.project, self._snapshot()) if seen.project else _OPEN

    def _first_time(self, seen: Seen, snapshot: Snapshot | None, mark: bytes) -> Visitor | Refusal:
        key = given(seen.authorization, seen.api_key, seen.own_key)
        if key is None:  # "sk-dummy" and the like, which clients send to local servers
            return self._stranger(seen, refusals.BAD_KEY)
        id = keys.public_id(key)
        if id is None:
            return refusals.BAD_KEY
        if snapshot is None:
            return refusals.CANNOT_TELL
        record = snapshot.keys.get(id, _NOBODY)
        # An unknown id costs the same work as a wrong secret, so that time does not tell which ids exist.
        right = hmac.compare_digest(keys.hashed(snapshot.pepper, key), record.hash)
        if not right or record is _NOBODY:
            return self._unknown(record)
        if record.revoked:
            return refusals.REVOKED_KEY
        now = self._now()
        if record.expires is not None and record.expires <= now:
            return refusals.EXPIRED_KEY
        visitor = Visitor(record.project, record.scopes, record.id, record.operator)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[mark] = (visitor, record.expires)
        self._note(visitor, now)
        return _in_project(visitor, seen.project, snapshot) if seen.project else visitor

    def _unknown(self, record: PublishedKey) -> Refusal:
        """With the core away a key may be newer than the snapshot: "no" would be a guess, and clients drop data."""
        unseen, away = record is _NOBODY, not self._core_alive()
        return (refusals.BAD_KEY, refusals.CANNOT_TELL)[unseen & away]  # no short cut: it would take less time for one


_OPEN: Final = Visitor(FIRST_PROJECT, SCOPES, "", operator=True)


def is_open(settings: Settings) -> bool:
    """Whether no key is needed: listening on loopback only, with nothing in front, and not asked to be strict."""
    return settings.auth == "auto" and settings.loopback and not settings.behind_proxy


def given(authorization: bytes, api_key: bytes, own_key: bytes = b"") -> bytes | None:
    """The first credential that is one of ours by its look; None: there is none."""
    scheme, _, rest = authorization.partition(b" ")
    candidates = _basic(rest.strip()) if scheme.lower() == b"basic" else (rest.strip() or scheme,)
    for candidate in (own_key.strip(), *candidates, api_key.strip()):
        if candidate.startswith(keys.PREFIX):
            return candidate
    return None


def _basic(encoded: bytes) -> tuple[bytes, ...]:
    """Password, then user name: clients of other systems put the secret in either."""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except ValueError:
        return ()
    return password, user


def _in_project(visitor: Visitor, wanted: bytes, snapshot: Snapshot | None) -> Visitor | Refusal:
    """`x-homeostat-project`: a key's own project or none; the operator may choose among those that exist."""
    project = wanted.decode("latin-1")
    if project == visitor.project:
        return visitor
    if visitor.operator and snapshot is not None and project in snapshot.projects:
        return replace(visitor, project=project)
    return refusals.OTHER_PROJECT
