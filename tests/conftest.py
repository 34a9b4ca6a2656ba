"""One engine for the whole test process: chDB opens one path per process. Tests keep apart by project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.schema import migrate
from tests import builders
from tests.seeds import FRESH, MOVED

#: How long anything takes decides nothing, here neither.
_TIMELESS: Final = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("pinned", derandomize=True, **_TIMELESS)
settings.register_profile("fresh", print_blob=True, **_TIMELESS)
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
    return f"p{builders.new_text(12)}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    builders.IDS.seed(f"{MOVED} {item.nodeid}")


#: Files that take long; the questions of the last one take longer the more other tests have stored.
LONG = ("test_loader_crash.py", "test_attacks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no worker waits for the other at the end."""
    items.sort(key=lambda item: not ("/live/" in str(item.path) or item.path.name in LONG))
