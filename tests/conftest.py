"""One engine for the whole test process: chDB opens one path per process. Tests keep apart by project."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.schema import migrate

settings.register_profile("pinned", derandomize=True, deadline=None)
settings.load_profile("pinned")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A migrated warehouse, shared by every test of this process."""
    folder: Path = tmp_path_factory.mktemp("warehouse")
    os.chdir(folder)  # the engine keeps a small cache where the process stands
    warehouse = Warehouse(f"chdb://{folder}/engine")
    migrate(warehouse.jobs)
    yield warehouse
    warehouse.close()


@pytest.fixture
def project() -> str:
    """A name that no other test uses."""
    return f"p{secrets.token_hex(6)}"


#: Files that take long; the questions of the last one take longer the more other tests have stored.
LONG = ("test_loader_crash.py", "test_attacks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no worker waits for the other at the end."""
    items.sort(key=lambda item: not ("/live/" in str(item.path) or item.path.name in LONG))
