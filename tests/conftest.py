"""One engine for the whole test process: chDB opens one path per process. Tests keep apart by project."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.schema import migrate
from tests.seeds import FRESH

settings.register_profile("pinned", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None, print_blob=True)
settings.load_profile("fresh" if FRESH else "pinned")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A migrated warehouse, shared by every test of this process."""
    folder: Path = tmp_path_factory.mktemp("warehouse")
    os.chdir(folder)  # the engine keeps a small cache where the process stands
    warehouse = Warehouse(f"chdb://{folder}/engine")
    migrate(warehouse)
    _OPENED.append(warehouse)
    yield warehouse
    _OPENED.clear()
    warehouse.close()


_OPENED: Final[list[Warehouse]] = []


@pytest.fixture(scope="module", autouse=True)
def _left_empty() -> Iterator[None]:
    """Every file leaves nothing behind: a question plans over all parts there are, and the later ones would wait."""
    yield
    for warehouse in _OPENED:
        kept = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        for row in warehouse.ask(kept):
            if row["name"] != "migrations":
                warehouse.jobs.command(f"TRUNCATE TABLE {row['name']}")


@pytest.fixture
def project() -> str:
    """A name that no other test uses."""
    return f"p{secrets.token_hex(6)}"


#: Files that take long; the questions of the last one take longer the more other tests have stored.
LONG = ("test_loader_crash.py", "test_attacks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no worker waits for the other at the end."""
    items.sort(key=lambda item: not ("/live/" in str(item.path) or item.path.name in LONG))
