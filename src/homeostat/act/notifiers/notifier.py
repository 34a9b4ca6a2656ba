"""What every notifier is: a frozen dataclass of its settings that can tell a message through a door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from homeostat.act.notifiers.outbound import Door

_MOST: int = 10


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told about one incident."""

    incident: int
    kind: str
    """`opened`, `worse`, `reopened`, `unsilenced`, `acknowledged`, `closed`, `action`, `verdict`, `escalated`,
    `test`."""
    severity: str
    title: str
    text: str
    at: str
    """ISO 8601, event clock."""
    cause: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What one channel is told at once. The same message has the same key, however often it must be sent."""

    key: str
    project: str
    told: tuple[Told, ...]
    handles: Mapping[int, str] = field(default_factory=dict)
    """What the receiver calls incidents that it has heard of."""

    @property
    def subject(self) -> str:
        """In one line."""
        first = self.told[0]
        said = f"[{self.project}] {_HEADS.get(first.kind, first.kind)}: {first.title}"
        return said if len(self.told) == 1 else f"{said} (and {len(self.told) - 1} more)"

    @property
    def lines(self) -> list[str]:
        """What is told, a line each, the first ten of many."""
        shown = [
            f"#{each.incident} {_HEADS.get(each.kind, each.kind)} · {each.severity} · {each.title}. {each.text}"
            + (f" {each.link}" if each.link else "")
            for each in self.told[:_MOST]
        ]
        rest = len(self.told) - len(shown)
        return [*shown, f"… and {rest} more."] if rest else shown


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of it. `retry`: asking again could help, after so many seconds if the receiver said so."""

    ok: bool
    retry: bool = False
    after: float = 0.0
    error: str = ""
    handles: Mapping[int, str] = field(default_factory=dict)


class Notifier(Protocol):
    """A way to tell people."""

    kind: ClassVar[str]
    settles: ClassVar[tuple[str, ...]]
    """Kinds of news that settle what is open at the receiver and wake nobody: they go in silence too."""

    def tell(self, message: Message, door: Door) -> Delivery:
        """Tell it, at most once a key where the receiver can know that."""


def setting(says: str, *, secret: bool = False, **more: Any) -> Any:
    """A field of a notifier: what it means, and whether nobody may ever see it again."""
    return field(repr=not secret, metadata={"says": says, "secret": secret}, **more)


_HEADS: Mapping[str, str] = {
    "opened": "new incident", "worse": "worse", "reopened": "it came back",
    "unsilenced": "still open, no longer silenced", "acknowledged": "acknowledged", "closed": "closed",
    "action": "action", "verdict": "verdict", "escalated": "nobody has acknowledged", "test": "test",
}  # fmt: skip
