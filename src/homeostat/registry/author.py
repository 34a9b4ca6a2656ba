"""Who changes something, and when: on both clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeostat.store.ledger import Ledger, audit


@dataclass(frozen=True, slots=True)
class Author:
    """`at`: event clock, when the change counts; `made`: machine clock, when it was really made."""

    actor: str
    at: datetime
    made: datetime

    def wrote(
        self, ledger: Ledger, project: str, action: str, subject: str, *, before: Any = None, after: Any = None
    ) -> None:
        """The one audit entry of a change; call it inside its transaction."""
        audit.append(
            ledger, at=self.made, actor=self.actor, action=action, subject=subject, project=project, before=before,
            after=after,
        )  # fmt: skip
