"""Who is asking: what the guard found out about a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["ingest", "read", "gateway", "admin"]
SCOPES: frozenset[Scope] = frozenset(("ingest", "read", "gateway", "admin"))


@dataclass(frozen=True, slots=True)
class Visitor:
    """The project comes from the credential, never from the request."""

    project: str
    scopes: frozenset[Scope]
    key_id: str = ""
    operator: bool = False
    """The machine's own operator (open loopback, or the token in `control/operator`): only they may make keys."""
