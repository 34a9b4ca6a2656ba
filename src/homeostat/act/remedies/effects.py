"""What a remedy may touch: the loop gives it, so that a remedy never reaches for anything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from homeostat.registry.author import Author
from homeostat.store.ledger import Ledger


class Reading(Protocol):
    """Exchanges for datasets and drafts."""

    def found(self, project: str, chosen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Items (`exchange, input, output, documents, system, scores`) by filters, newest first."""


class Rejected(OSError):
    """It said no, and would say so again."""


class Outside(Protocol):
    """The one door to an endpoint that the operator named. What fails is an `OSError`; a lasting no is `Rejected`."""

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of an answer."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything that remedies can do, for one action."""

    ledger: Ledger
    author: Author
    publish: Callable[[], None]
    """Tell the edges; after the transaction, never inside."""
    reading: Reading | None = None
    writer: Outside | None = None
    """A model that writes drafts of prompts; None: a person writes."""
    tuning: Outside | None = None
    """A fine-tuning API; None: there is none."""
    webhooks: Mapping[str, Outside] = field(default_factory=dict)
    """What the operator lets us call, by name."""
