"""The whole application over the real warehouse and a ledger of its own: guard, keys and all."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from homeostat.config import Settings
from homeostat.doors import keys as made
from homeostat.doors.guard import Guard
from homeostat.records.snapshot import PublishedKey
from homeostat.store import control
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, keys, projects, published
from homeostat.store.warehouse.client import Warehouse
from homeostat.web.app import create_app
from tests.builders import NOON

NOW = NOON + timedelta(hours=1)
MACHINE = datetime.now(UTC)


@dataclass
class Clock:
    """An event clock that stands still until a test moves it."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class TestCore:
    """A core without a loader: what the API needs of one."""

    __test__ = False
    settings: Settings
    folder: Folder
    warehouse: Warehouse
    ledger: Ledger
    clock: Clock = field(default_factory=Clock)
    operator: made.NewKey | None = None

    def state(self) -> dict[str, Any]:
        return {"loader": {"alive": True, "behind_seconds": 0.5}, "uptime_seconds": 1.5}

    def publish(self) -> None:
        assert self.operator is not None
        besides = [
            PublishedKey(
                self.operator.id,
                self.operator.hash,
                "default",
                frozenset(("ingest", "read", "gateway", "admin")),
                operator=True,
            )
        ]
        control.publish(self.folder.control, published.snapshot(self.ledger, at=datetime.now(UTC), besides=besides))

    def advance(self, to_ns: int, *, wait: bool) -> None:
        to = datetime.fromtimestamp(to_ns / 1e9, UTC)
        if to < self.clock.at:
            raise ValueError("The clock never goes back.")
        self.clock.at = to


@dataclass
class Api:
    """The application, and clients with keys."""

    core: TestCore
    app: FastAPI

    def client(self, project: str, *scopes: str) -> TestClient:
        """A client whose key opens one project."""
        key = made.make(control.pepper(self.core.folder.control))
        keys.create(
            self.core.ledger,
            id=key.id,
            hash=key.hash,
            project=project,
            scopes=scopes or ("read",),
            at=datetime.now(UTC),
            actor="tests",  # type: ignore[arg-type]
        )
        self.core.publish()
        return self.opened(key.text)

    def opened(self, key: str) -> TestClient:
        """A client with this key."""
        headers = {"authorization": f"Bearer {key}", "host": "127.0.0.1"}
        return TestClient(self.app, headers=headers, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def make_api(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Api]]:
    """Makes an application with settings of one's own."""
    ledgers: list[Ledger] = []

    def make(**settings: Any) -> Api:
        root: Path = tmp_path_factory.mktemp("core")
        folder = Folder(root)
        folder.prepare()
        chosen = Settings(data=root, auth="required", **settings)
        ledger = Ledger(chosen.ledger_dsn, seal=secrets.token_bytes(16))
        ledgers.append(ledger)
        ledger.upgrade()
        projects.ensure(ledger, "default", at=datetime.now(UTC))
        operator = made.operator(control.pepper(folder.control), folder.operator.read_text())
        core = TestCore(chosen, folder, warehouse, ledger, operator=operator)
        core.publish()
        app = create_app(core)
        for middleware in app.user_middleware:
            if middleware.cls is Guard:  # a new key is known at once
                middleware.kwargs["snapshot"] = control.Reader(folder.control, every=0)
        return Api(core, app)

    yield make
    for ledger in ledgers:
        ledger.close()


@pytest.fixture(scope="session")
def api(make_api: Callable[..., Api]) -> Api:
    """One application for all tests that do not change it."""
    return make_api()


@pytest.fixture
def client(api: Api, project: str) -> TestClient:
    """A reader of the test's own project."""
    return api.client(project)
