"""A ledger with a project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from homeostat.store.ledger import Ledger, projects


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Fresh, with the projects `p` and `q`."""
    made = Ledger(f"sqlite:///{tmp_path}/ledger.db", seal=b"seal")
    made.upgrade()
    for name in ("p", "q"):
        projects.ensure(made, name, at=datetime(2026, 1, 1, tzinfo=UTC))
    yield made
    made.close()
