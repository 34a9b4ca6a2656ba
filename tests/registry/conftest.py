"""A ledger with three releases and a policy, and the control folder beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeostat.records.policy import Policy, reshaped
from homeostat.records.release import Release
from homeostat.registry import steering
from homeostat.store import control, overrides
from homeostat.store.ledger import Ledger, policies, projects, published, releases

AT = datetime(2026, 11, 20, 7, tzinfo=UTC)


@dataclass
class Shop:
    """What a core has of steering, without a core."""

    ledger: Ledger
    control: Path
    at: datetime = AT

    def publish(self) -> None:
        """As the core does."""
        with overrides.locked(self.control):
            taken = steering.take_over(self.ledger, self.control)
            control.publish(self.control, published.snapshot(self.ledger, at=self.at))
            for override in taken:
                overrides.drop(self.control, override)

    def later(self, **time: float) -> datetime:
        self.at += timedelta(**time)
        return self.at

    def route(self, name: str = "chat", project: str = "p") -> dict[str, object]:
        """What a cold edge obeys."""
        snapshot = control.Reader(self.control)()
        assert snapshot is not None
        found: dict[str, object] = snapshot.policies[project]["routes"][name]
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "control"
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", seal=control.pepper(folder))
    ledger.upgrade()
    for project in ("p", "q"):
        projects.ensure(ledger, project, at=AT)
        for name in "ABC":
            releases.add(ledger, project, Release(name, model=f"model-{name}"), at=AT, author="me")
    policy = Policy("chat", 1, reshaped([], {"A": 0.9, "B": 0.1}), previous_good="A", updated_at=AT.isoformat())
    policies.replace(ledger, "p", policy, proved="", action="put", at=AT)
    shop = Shop(ledger, folder)
    shop.publish()
    yield shop
    ledger.close()
