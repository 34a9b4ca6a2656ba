"""A door with every kind of key, and an application behind it that tells whom it saw."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from homeostat.config import Settings
from homeostat.doors import keys
from homeostat.doors.guard import ROUTE, VISITOR, Guard
from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.records.visitor import Scope

NOW = 1_800_000_000.0
PEPPER = b"pepper" * 6


@dataclass
class Answer:
    """What came back; `visitor` is set when the request reached the application."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    visitor: Any = None
    route: Any = None
    passed: bool = False

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.body)["error"]
        return found


@dataclass
class Door:
    """A guard over a published state that a test may change."""

    settings: Settings
    published: Snapshot | None = None
    now: float = NOW
    alive: bool = True
    told: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.guard = Guard(
            self._behind,
            snapshot=lambda: self.published,
            settings=self.settings,
            now=lambda: self.now,
            core_alive=lambda: self.alive,
            tell_used=lambda used: self.told.append(dict(used)),
        )

    async def _behind(self, scope: Any, _receive: Any, send: Any) -> None:
        self._answer.passed = True
        self._answer.visitor, self._answer.route = scope[VISITOR], scope[ROUTE]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    def ask(
        self,
        method: str,
        path: str,
        *,
        bearer: str | bytes | None = None,
        headers: dict[str, str | bytes] | list[tuple[bytes, bytes]] | None = None,
        host: str | None = "127.0.0.1:4400",
    ) -> Answer:
        """Send a request through the guard."""
        raw = [] if host is None else [(b"host", host.encode())]
        if isinstance(headers, list):
            raw += headers
        else:
            raw += [(name.lower().encode(), _bytes(value)) for name, value in (headers or {}).items()]
        if bearer is not None:
            raw.append((b"authorization", b"Bearer " + _bytes(bearer)))
        scope = {"type": "http", "method": method, "path": path, "headers": raw}
        self._answer = Answer()
        drive(self.guard(scope, _nothing, self._take))
        return self._answer

    async def _take(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._answer.status = message["status"]
            self._answer.headers = dict(message["headers"])
        else:
            self._answer.body += message["body"]


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


async def _nothing() -> Any:
    raise AssertionError("the guard reads no body")


def drive(coroutine: Any) -> None:
    """Run a coroutine that waits for nothing outside: no event loop needed."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("the guard waited for something")


@dataclass
class Keyring:
    """Keys by what they may do, and their published half."""

    texts: dict[str, str] = field(default_factory=dict)
    published: dict[str, PublishedKey] = field(default_factory=dict)

    def add(self, name: str, scopes: frozenset[Scope], project: str = "p", **more: Any) -> None:
        new = keys.operator(PEPPER, "the token") if more.get("operator") else keys.make(PEPPER)
        self.texts[name] = new.text
        self.published[new.id] = PublishedKey(new.id, new.hash, project, scopes, **more)

    def snapshot(self, version: int = 1) -> Snapshot:
        return Snapshot(version, "", dict(self.published), frozenset({"default", "p", "q"}), pepper=PEPPER)
