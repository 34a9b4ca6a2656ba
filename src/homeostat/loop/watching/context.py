"""What everybody who watches, acts and verifies works with. See design/0009-acting.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from homeostat.config import Settings
from homeostat.loop.clock import Clock
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, projects
from homeostat.store.warehouse.client import Warehouse


@dataclass(frozen=True, slots=True)
class Context:
    """Stores, clock, settings, and how a changed policy reaches the edge."""

    warehouse: Warehouse
    ledger: Ledger
    clock: Clock
    settings: Settings
    folder: Folder
    publish: Callable[[], None]

    def projects(self) -> list[str]:
        """Those under watch."""
        return [project.name for project in projects.listed(self.ledger)]
