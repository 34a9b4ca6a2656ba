"""One call as it goes: what was asked, who served it, what came back. Capture makes an exchange of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

from homeostat.gateway.apis import Api
from homeostat.gateway.routing import Asked, Plan
from homeostat.gateway.trace import Place
from homeostat.gateway.wire import Headers
from homeostat.records.release import Release

Outcome = Literal["ok", "error", "blocked", "client_closed"]

#: Bytes of an answer that are kept for its exchange; what comes after them goes to the client only.
KEPT_BYTES: Final = 8 << 20


@dataclass(slots=True)
class Call:
    """What capture will tell about a call."""

    api: Api
    path: str
    project: str
    key: str
    place: Place
    ask: Asked
    plan: Plan
    headers: Headers
    body: bytes
    started_ns: int
    deadline: float
    begun: float = field(default_factory=time.monotonic)
    shadow_of: str = ""
    # As it goes
    until: float = 0.0
    """When the release that is asked must have begun to answer: what hangs until then is to blame."""
    wire: Api | None = None
    """The API spoken with the upstream; only POST /generate is spoken differently than it came."""
    sent: bytes = b""
    release: Release | None = None
    upstream: str = ""
    provider: str = ""
    secret: str = field(default="", repr=False)
    """The upstream's key, so that nothing kept may hold it."""
    attempts: int = 0
    status: int = 0
    packed: bool = False
    streaming: bool = False
    answering: bool = False
    """The client's answer has begun."""
    pieces: list[bytes] = field(default_factory=list)
    kept: int = 0
    cut: bool = False
    first: float = 0.0
    ended: float = 0.0
    outcome: Outcome = "ok"
    error: str = ""
    blocked: str = ""
    """The guard that withheld it."""

    def note(self, piece: bytes) -> None:
        """Bytes of the answer on their way to the client."""
        if not self.first:
            self.first = time.monotonic()
        if self.kept < KEPT_BYTES:
            self.pieces.append(piece)
            self.kept += len(piece)
        else:
            self.cut = True

    def failed(self, error: str) -> None:
        """It did not work out."""
        self.outcome, self.error = "error", error

    def withheld(self, guard: str) -> None:
        """It worked out, and a guard stopped it: no fault of anybody."""
        self.outcome, self.blocked = "blocked", guard

    def weight(self) -> int:
        """Bytes that it holds until it is stored."""
        return self.kept + len(self.sent) + 2048

    def heading(self) -> Headers:
        """What the client is told about its exchange."""
        said = [
            (b"x-homeostat-exchange-id", self.place.exchange_id.encode()),
            (b"x-homeostat-trace-id", self.place.trace_id.hex().encode()),
        ]
        if self.release is not None:
            said.append((b"x-homeostat-release", _header_text(self.release.name)))
        return said


def _header_text(name: str) -> bytes:
    """A name as a header's value: what is not plain ASCII is written as in URLs."""
    if name.isascii() and name.isprintable():
        return name.encode()
    return quote(name, safe=" !#$&'()*+,/:;=?@[]").encode()
